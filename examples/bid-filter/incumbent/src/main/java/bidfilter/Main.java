package bidfilter;

import com.fasterxml.jackson.core.type.TypeReference;
import io.undertow.Undertow;
import io.undertow.UndertowOptions;
import io.undertow.server.handlers.GracefulShutdownHandler;
import java.io.File;
import java.io.IOException;
import java.util.List;

/** Bids for advertising space: {@code java -jar bid-filter.jar PORT CAMPAIGNS.json USERS}. */
public final class Main {
    private static final long MAX_BODY = 64 * 1024;
    private static final long SEED = 1;

    private Main() {}

    public static void main(String[] args) throws IOException {
        if (args.length != 3) {
            System.err.println("usage: java -jar bid-filter.jar PORT CAMPAIGNS.json USERS");
            System.exit(2);
        }
        List<Campaign> campaigns = Http.JSON.readValue(new File(args[1]), new TypeReference<>() {});
        Audience audience = Audience.madeUp(Integer.parseInt(args[2]), SEED);
        Http http = new Http(new Bidder(campaigns, audience), campaigns.size());
        GracefulShutdownHandler handler = new GracefulShutdownHandler(http.handler());
        Undertow server = Undertow.builder()
                .addHttpListener(Integer.parseInt(args[0]), "127.0.0.1")
                // As many as there are CPUs; the trial gives one.
                .setIoThreads(Math.max(1, Runtime.getRuntime().availableProcessors()))
                .setServerOption(UndertowOptions.MAX_ENTITY_SIZE, MAX_BODY)
                .setHandler(handler)
                .build();
        server.start();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            handler.shutdown();
            try {
                handler.awaitShutdown(5_000);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            server.stop();
        }));
    }
}
