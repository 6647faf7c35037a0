import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.node.Node;

/**
 * A node of OpenSearch 2: Server HOME CONFIG. The settings are in CONFIG/node.yml. The
 * node loads the modules and plugins of HOME, such as the security plugin.
 */
public final class Server extends Node {
    private Server(Environment environment) {
        super(environment, List.of(), false);
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
