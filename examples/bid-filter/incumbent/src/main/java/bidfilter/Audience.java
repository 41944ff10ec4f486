package bidfilter;

import java.util.HashMap;
import java.util.Map;

/** What is known of users: the segments they are in, and since when. */
final class Audience {
    record Profile(long segments, int sinceDay) {}

    private final Map<String, Profile> profiles;

    private Audience(Map<String, Profile> profiles) {
        this.profiles = profiles;
    }

    /** Users made up from a seed; the candidate makes the same. About a quarter of the 64 segments each. */
    static Audience madeUp(int users, long seed) {
        Map<String, Profile> profiles = new HashMap<>(users * 4 / 3 + 1);
        for (int user = 0; user < users; user++) {
            long first = splitMix64(seed + user);
            long second = splitMix64(first);
            profiles.put("user-" + user, new Profile(first & second, (int) (second >>> 52)));
        }
        return new Audience(profiles);
    }

    /** The segments of a user, as bits; none for an unknown user. */
    long segments(String user) {
        Profile profile = user == null ? null : profiles.get(user);
        return profile == null ? 0 : profile.segments();
    }

    int size() {
        return profiles.size();
    }

    /** One step of the generator of Steele, Lea and Flood (2014). */
    private static long splitMix64(long x) {
        x += 0x9E3779B97F4A7C15L;
        x = (x ^ (x >>> 30)) * 0xBF58476D1CE4E5B9L;
        x = (x ^ (x >>> 27)) * 0x94D049BB133111EBL;
        return x ^ (x >>> 31);
    }
}
