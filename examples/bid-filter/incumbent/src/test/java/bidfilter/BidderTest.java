package bidfilter;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class BidderTest {
    private static final Campaign CHEAP = campaign(1, 12_000, List.of("IAB1"), List.of(), 0);
    private static final Campaign GERMAN = campaign(2, 20_000, List.of("IAB7"), List.of("DEU"), 0);
    private static final Campaign KNOWN = campaign(3, 30_000, List.of("IAB2"), List.of(), -1L);

    private static Campaign campaign(int id, long price, List<String> categories, List<String> countries, long segments) {
        Map<String, Integer> boosts = Map.of("IAB17", 105);
        String domain = "brand" + id + ".example";
        return new Campaign(
                id, "seat-" + id, domain, "cr-" + id, 300, 250, price, categories, countries, List.of(), boosts, segments);
    }

    private static String bids(String request) throws Exception {
        Bidder bidder = new Bidder(List.of(CHEAP, GERMAN, KNOWN), Audience.madeUp(10, 1));
        return Http.JSON.writeValueAsString(bidder.bid(Http.JSON.readValue(request, BidRequest.class)).seatbid());
    }

    private static String request(String more) {
        return """
                {"id":"r1","imp":[{"id":"1","banner":{"w":300,"h":250},"bidfloor":0.5,"secure":1}],"at":2%s}"""
                .formatted(more);
    }

    // The candidate's test has the same answers.
    private static final String CHEAP_BID =
            """
            [{"seat":"seat-1","bid":[{"id":"r1-1","impid":"1","price":1.2,"cid":"1","crid":"cr-1",\
            "adomain":["brand1.example"],"cat":["IAB1"],"w":300,"h":250}]}]""";
    private static final String GERMAN_BID =
            """
            [{"seat":"seat-2","bid":[{"id":"r1-1","impid":"1","price":2.0,"cid":"2","crid":"cr-2",\
            "adomain":["brand2.example"],"cat":["IAB7"],"w":300,"h":250}]}]""";

    @Test
    void theHighestOfferThatMayBeShownWins() throws Exception {
        assertEquals(CHEAP_BID, bids(request("")));
        String german = ",\"device\":{\"geo\":{\"country\":\"DEU\"}}";
        assertEquals(GERMAN_BID, bids(request(german)));
        assertEquals(CHEAP_BID, bids(request(german + ",\"bcat\":[\"IAB7\"]")));
        assertEquals(CHEAP_BID, bids(request(german + ",\"badv\":[\"brand2.example\"]")));
    }

    @Test
    void contentAndSegmentsRaiseThePrice() throws Exception {
        assertEquals(1.326, price(bids(request(",\"site\":{\"cat\":[\"IAB17\",\"IAB3\"]}"))));
        // User 3 is in 17 segments: 3.00 * (1 + 17 * 0.05).
        assertEquals(5.55, price(bids(request(",\"user\":{\"id\":\"user-3\"}"))));
        assertEquals(1.2, price(bids(request(",\"user\":{\"id\":\"user-10\"}"))));
    }

    @Test
    void belowTheFloorOrOfAnotherSizeNobodyBids() throws Exception {
        assertEquals("[]", bids(request("").replace("0.5", "1.2001")));
        assertEquals("[]", bids(request("").replace("250", "251")));
        assertEquals("[]", bids(request("").replace("\"secure\":1", "\"bidfloorcur\":\"EUR\"")));
    }

    private static double price(String bids) throws Exception {
        return Http.JSON.readTree(bids).at("/0/bid/0/price").doubleValue();
    }
}
