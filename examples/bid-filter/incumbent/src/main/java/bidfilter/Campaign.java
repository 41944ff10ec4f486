package bidfilter;

import java.util.List;
import java.util.Map;

/**
 * A campaign as it is in {@code campaigns.json}. An empty list targets all users.
 *
 * @param basePrice price of a thousand impressions in hundredths of a cent
 * @param boosts    what a content category adds to the base price, in thousandths of it
 * @param segments  audience segments as bits; a user must be in at least one of them, unless there are none
 */
record Campaign(
        int id,
        String seat,
        String domain,
        String creative,
        int w,
        int h,
        long basePrice,
        List<String> categories,
        List<String> countries,
        List<Integer> deviceTypes,
        Map<String, Integer> boosts,
        long segments) {

    /** Each segment that the user is in adds this many thousandths of the base price. */
    private static final long SEGMENT_BOOST = 50;

    boolean accepts(String country, int deviceType, long userSegments) {
        return (countries.isEmpty() || countries.contains(country))
                && (deviceTypes.isEmpty() || deviceTypes.contains(deviceType))
                && (segments == 0 || (segments & userSegments) != 0);
    }

    /** The price for this content and user, in hundredths of a cent; fractions are dropped. */
    long price(List<String> content, long userSegments) {
        long boost = 0;
        for (String category : content) {
            boost = Math.max(boost, boosts.getOrDefault(category, 0));
        }
        boost += SEGMENT_BOOST * Long.bitCount(segments & userSegments);
        return basePrice * (1000 + boost) / 1000;
    }
}
