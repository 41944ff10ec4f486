package bidfilter;

import java.util.List;

/** The part of an OpenRTB 2.5 bid request that this bidder looks at. */
record BidRequest(
        String id, List<Imp> imp, Page site, Page app, Device device, User user, List<String> bcat, List<String> badv) {

    record Imp(String id, Banner banner, Double bidfloor, String bidfloorcur) {}

    record Banner(Integer w, Integer h) {}

    /** A site or an app. */
    record Page(List<String> cat) {}

    record Device(Geo geo, Integer devicetype) {}

    record Geo(String country) {}

    record User(String id) {}

    boolean isComplete() {
        return id != null && imp != null && !imp.isEmpty() && imp.stream().allMatch(of -> of != null && of.id != null);
    }

    List<String> content() {
        Page page = site != null ? site : app;
        return page == null ? List.of() : orEmpty(page.cat);
    }

    /** The country of the device, empty if it is not given. */
    String country() {
        return device == null || device.geo == null || device.geo.country == null ? "" : device.geo.country;
    }

    /** The type of the device, 0 if it is not given. */
    int deviceType() {
        return device == null || device.devicetype == null ? 0 : device.devicetype;
    }

    List<String> blockedCategories() {
        return orEmpty(bcat);
    }

    List<String> blockedDomains() {
        return orEmpty(badv);
    }

    private static List<String> orEmpty(List<String> list) {
        return list == null ? List.of() : list;
    }
}
