package bidfilter;

import java.util.List;

/** The part of an OpenRTB 2.5 bid response that this bidder fills. */
record BidResponse(String id, String cur, List<SeatBid> seatbid) {

    record SeatBid(String seat, List<Bid> bid) {}

    /** @param price US dollars for a thousand impressions */
    record Bid(
            String id,
            String impid,
            double price,
            String cid,
            String crid,
            List<String> adomain,
            List<String> cat,
            int w,
            int h) {}
}
