#!/bin/sh
# Writes campaigns.json: made-up campaigns with the shape of real ones. Deterministic, as requests.sh is.
#
#   ./campaigns.sh [COUNT] > campaigns.json
set -eu

awk -v count="${1:-1200}" '
# Park and Miller (1988), minimal standard: x <- 48271 x mod 2^31-1.
function random() { state = (state * 48271) % 2147483647; return state / 2147483647 }
function below(n) { return int(random() * n) }

# Up to `most` different ones of `list`, as JSON.
function some(list, most,    n, all, i, at, out) {
    n = split(list, all, " ")
    for (i = below(most + 1); i > 0; i--) {
        at = 1 + below(n)
        out = out (out == "" ? "" : ",") all[at]
        all[at] = all[n--]
    }
    return out
}

BEGIN {
    state = 20261125
    split("300 250 728 90 320 50 160 600 970 250 300 600", sizes, " ")
    countries = "\"DEU\" \"FRA\" \"NLD\" \"GBR\" \"ESP\" \"ITA\" \"POL\" \"USA\""
    own = "\"IAB1\" \"IAB2\" \"IAB3\" \"IAB7\" \"IAB8\" \"IAB13\" \"IAB18\" \"IAB19\" \"IAB22\""
    for (i = 1; i <= count; i++) {
        size = below(6) * 2
        boosts = some("\"IAB1\":120 \"IAB2\":85 \"IAB3\":240 \"IAB9\":60 \"IAB12\":35 \"IAB17\":105 \"IAB19\":310 \"IAB20\":175", 3)
        # Half of the campaigns target no segment; the others target one or two of 48.
        segments = random() < 0.5 ? 0 : 2 ^ below(48)
        if (segments > 0 && random() < 0.5) segments += 2 ^ (48 + below(4))
        printf "%s{\"id\":%d,\"seat\":\"seat-%d\",\"domain\":\"brand%d.example\",\"creative\":\"cr-%d-%d\",", i == 1 ? "[\n" : ",\n", i, below(40), below(300), i, 1 + below(9)
        printf "\"w\":%d,\"h\":%d,\"base_price\":%d,\"categories\":[%s],", sizes[size + 1], sizes[size + 2], 500 + below(24500), some(own, 2)
        printf "\"countries\":[%s],\"device_types\":[%s],\"boosts\":{%s},\"segments\":%.0f}", some(countries, 4), some("1 2 4 5", 2), boosts, segments
    }
    print "\n]"
}'
