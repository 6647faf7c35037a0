import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.node.Node;

/**
 * A node of Elasticsearch 8 or 9: Server HOME CONFIG. The settings are in CONFIG/node.yml.
 * The node loads the modules of HOME.
 */
public final class Server {
    private Server() {}

    public static void main(String[] args) throws Exception {
        LogConfigurator.configureESLogging();
        Path config = Path.of(args[1]);
        Settings settings = Settings.builder().loadFromPath(config.resolve("node.yml")).put("path.home", args[0]).build();
        Node node = new Node(new Environment(settings, config), Modules.load(Path.of(args[0])));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(node)));
        node.start();
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
