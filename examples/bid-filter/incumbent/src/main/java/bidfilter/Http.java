package bidfilter;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.StreamWriteFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.cfg.CoercionAction;
import com.fasterxml.jackson.databind.cfg.CoercionInputShape;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.type.LogicalType;
import io.undertow.server.HttpHandler;
import io.undertow.server.HttpServerExchange;
import io.undertow.server.RoutingHandler;
import io.undertow.util.Headers;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Map;

/** The HTTP interface: OpenRTB over POST, 204 for no bid. */
final class Http {
    /** Takes what OpenRTB may add, but no text for a number nor the other way. */
    static final JsonMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
            .withCoercionConfig(LogicalType.Textual, config -> {
                config.setCoercion(CoercionInputShape.Integer, CoercionAction.Fail);
                config.setCoercion(CoercionInputShape.Float, CoercionAction.Fail);
                config.setCoercion(CoercionInputShape.Boolean, CoercionAction.Fail);
            })
            .enable(StreamReadFeature.USE_FAST_DOUBLE_PARSER)
            // The shortest text of a number; before JDK 19 Double.toString has sometimes a digit too many.
            .enable(StreamWriteFeature.USE_FAST_DOUBLE_WRITER)
            .build();

    private final Bidder bidder;
    private final int campaigns;

    Http(Bidder bidder, int campaigns) {
        this.bidder = bidder;
        this.campaigns = campaigns;
    }

    HttpHandler handler() {
        return new RoutingHandler()
                .get("/healthz", exchange -> send(exchange, 200, Map.of("status", "ok", "campaigns", campaigns)))
                // Bidding is arithmetic in memory: handing it to another thread would cost more than it takes.
                .post("/bids", exchange -> exchange.getRequestReceiver()
                        .receiveFullBytes(this::bid, Http::refuse))
                .setFallbackHandler(exchange -> problem(exchange, 404, "not_found", "no such page"))
                .setInvalidMethodHandler(exchange -> problem(exchange, 405, "method_not_allowed", "not by this method"));
    }

    private void bid(HttpServerExchange exchange, byte[] body) {
        BidRequest request;
        try {
            request = JSON.readValue(body, BidRequest.class);
        } catch (IOException e) {
            problem(exchange, 400, "bad_request", "the body must be an OpenRTB bid request");
            return;
        }
        if (request == null || !request.isComplete()) {
            problem(exchange, 400, "incomplete", "a bid request needs an id and impressions with ids");
            return;
        }
        BidResponse response = bidder.bid(request);
        if (response.seatbid().isEmpty()) {
            exchange.setStatusCode(204).endExchange();
        } else {
            send(exchange, 200, response);
        }
    }

    /** The body could not be read: too large, most likely. */
    private static void refuse(HttpServerExchange exchange, IOException error) {
        problem(exchange, 413, "too_large", "the body has more than 64 KiB");
    }

    private static void problem(HttpServerExchange exchange, int status, String error, String message) {
        send(exchange, status, new Problem(error, message));
    }

    private record Problem(String error, String message) {}

    private static void send(HttpServerExchange exchange, int status, Object body) {
        exchange.setStatusCode(status);
        exchange.getResponseHeaders().put(Headers.CONTENT_TYPE, "application/json");
        try {
            exchange.getResponseSender().send(ByteBuffer.wrap(JSON.writeValueAsBytes(body)));
        } catch (JsonProcessingException e) {
            exchange.setStatusCode(500).endExchange();
        }
    }
}
