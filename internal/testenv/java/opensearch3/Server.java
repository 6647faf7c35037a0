import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.opensearch.Version;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.node.Node;
import org.opensearch.index.reindex.ReindexModulePlugin;
import org.opensearch.plugins.PluginInfo;
import org.opensearch.transport.Netty4ModulePlugin;

/** A node of OpenSearch 3: Server HOME CONFIG. The settings are in CONFIG/node.yml. */
public final class Server extends Node {
    private Server(Environment environment) {
        super(environment, List.of(plugin(Netty4ModulePlugin.class), plugin(ReindexModulePlugin.class)), false);
    }

    private static PluginInfo plugin(Class<?> c) {
        return new PluginInfo(c.getName(), c.getName(), "NA", Version.CURRENT, "21", c.getName(), null, List.of(), false);
    }

    public static void main(String[] args) throws Exception {
        Path config = Path.of(args[1]);
        Settings settings = Settings.builder().loadFromPath(config.resolve("node.yml")).put("path.home", args[0]).build();
        Server server = new Server(new Environment(settings, config));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(server)));
        server.start();
        new CountDownLatch(1).await();
    }

    // A signal such as SIGTERM ends the node in order.
    private static void stop(Node node) {
        try {
            node.close();
        } catch (Exception e) {
            e.printStackTrace();
        }
    }
}
