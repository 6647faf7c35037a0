import java.nio.file.Path;
import java.util.Map;
import org.elasticsearch.plugins.PluginsLoader;

/** Loads the modules of Elasticsearch 9. */
final class Modules {
    private Modules() {}

    // The server is on the class path and is no named module, as the last argument says.
    static PluginsLoader load(Path home) {
        return PluginsLoader.createPluginsLoader(
            PluginsLoader.loadModulesBundles(home.resolve("modules"), false),
            PluginsLoader.loadPluginsBundles(home.resolve("plugins"), false),
            Map.of(),
            false);
    }
}
