package bidfilter;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Finds, for each impression, the campaign that pays most. */
final class Bidder {
    private static final String CURRENCY = "USD";

    private record Size(int w, int h) {}

    private final Map<Size, List<Campaign>> bySize = new HashMap<>();
    private final Audience audience;

    Bidder(List<Campaign> campaigns, Audience audience) {
        for (Campaign campaign : campaigns) {
            bySize.computeIfAbsent(new Size(campaign.w(), campaign.h()), size -> new ArrayList<>()).add(campaign);
        }
        this.audience = audience;
    }

    /** The bids by seat, in the order of the impressions; none is an empty list. */
    BidResponse bid(BidRequest request) {
        long segments = request.user() == null ? 0 : audience.segments(request.user().id());
        Map<String, List<BidResponse.Bid>> bySeat = new LinkedHashMap<>();
        for (BidRequest.Imp imp : request.imp()) {
            Offer offer = best(request, imp, segments);
            if (offer != null) {
                bySeat.computeIfAbsent(offer.campaign.seat(), seat -> new ArrayList<>()).add(offer.toBid(request, imp));
            }
        }
        List<BidResponse.SeatBid> seats = bySeat.entrySet().stream()
                .map(entry -> new BidResponse.SeatBid(entry.getKey(), entry.getValue()))
                .toList();
        return new BidResponse(request.id(), CURRENCY, seats);
    }

    private record Offer(Campaign campaign, long price) {
        BidResponse.Bid toBid(BidRequest request, BidRequest.Imp imp) {
            return new BidResponse.Bid(
                    request.id() + "-" + imp.id(),
                    imp.id(),
                    price / 10_000.0,
                    Integer.toString(campaign.id()),
                    campaign.creative(),
                    List.of(campaign.domain()),
                    campaign.categories(),
                    campaign.w(),
                    campaign.h());
        }
    }

    /** The highest offer that reaches the floor; of equal ones that of the campaign which comes first. */
    private Offer best(BidRequest request, BidRequest.Imp imp, long segments) {
        BidRequest.Banner banner = imp.banner();
        boolean understood = imp.bidfloorcur() == null || imp.bidfloorcur().equals(CURRENCY);
        if (banner == null || banner.w() == null || banner.h() == null || !understood) {
            return null;
        }
        double floor = imp.bidfloor() == null ? 0 : imp.bidfloor();
        Offer best = null;
        for (Campaign campaign : bySize.getOrDefault(new Size(banner.w(), banner.h()), List.of())) {
            if (isBlocked(request, campaign)
                    || !campaign.accepts(request.country(), request.deviceType(), segments)) {
                continue;
            }
            long price = campaign.price(request.content(), segments);
            if (price / 10_000.0 >= floor && (best == null || price > best.price)) {
                best = new Offer(campaign, price);
            }
        }
        return best;
    }

    private static boolean isBlocked(BidRequest request, Campaign campaign) {
        return request.blockedDomains().contains(campaign.domain())
                || request.blockedCategories().stream().anyMatch(campaign.categories()::contains);
    }
}
