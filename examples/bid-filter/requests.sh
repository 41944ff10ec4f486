#!/bin/sh
# Writes requests.jsonl: OpenRTB 2.5 bid requests as an exchange sends them, one JSON object a line.
#
#   ./requests.sh [COUNT] [USERS] > requests.jsonl
#
# Deterministic on every awk that has POSIX arithmetic. Nine users of ten are known to the bidder;
# USERS is what it is started with. One request in fifty is a mistake.
set -eu

awk -v count="${1:-3000}" -v users="${2:-500000}" '
# Park and Miller (1988), minimal standard: x <- 48271 x mod 2^31-1.
function random() { state = (state * 48271) % 2147483647; return state / 2147483647 }
function below(n) { return int(random() * n) }
function pick(list,    all) { return all[1 + below(split(list, all, " "))] }

# One to `most` of a list, as JSON texts; one may come twice, as it does in the wild.
function some(list, most,    i, out) {
    for (i = 1 + below(most); i > 0; i--) out = out (out == "" ? "" : ",") "\"" pick(list) "\""
    return out
}

function impression(number,    size, floor) {
    size = pick(sizes)
    sub("x", ",\"h\":", size)
    floor = random() < 0.8 ? sprintf(",\"bidfloor\":%.2f", 0.05 + random() * 4) : ""
    if (random() < 0.02) floor = floor ",\"bidfloorcur\":\"EUR\""
    return sprintf("{\"id\":\"%d\",\"banner\":{\"w\":%s},\"secure\":1%s}", number, size, floor)
}

function page() {
    if (random() < 0.6) return sprintf("\"site\":{\"domain\":\"news%d.example\",\"cat\":[%s],\"page\":\"https://news.example/a/%d\"}", below(500), some(content, 3), below(100000))
    return sprintf("\"app\":{\"bundle\":\"app.example.n%d\",\"cat\":[%s],\"ver\":\"%d.%d\"}", below(200), some(content, 2), below(9), below(20))
}

function blocked(    i, out) {
    if (random() < 0.5) out = ",\"bcat\":[" some("IAB7 IAB8 IAB13 IAB19 IAB22 IAB25 IAB26", 3) "]"
    if (random() < 0.3) {
        out = out ",\"badv\":["
        for (i = 1 + below(8); i > 0; i--) out = out "\"brand" below(300) ".example\"" (i > 1 ? "," : "]")
    }
    return out
}

function bid_request(id,    imps, i, user) {
    for (i = 1; i == 1 || (i < 6 && random() < 0.4); i++) imps = imps (i > 1 ? "," : "") impression(i)
    user = random() < 0.9 ? "user-" below(users) : "guest-" below(users)
    return sprintf("{\"id\":\"%s\",\"imp\":[%s],%s,\"device\":{\"ua\":\"Mozilla/5.0\",\"ip\":\"192.0.2.%d\",\"devicetype\":%d,\"geo\":{\"country\":\"%s\"}},\"user\":{\"id\":\"%s\"},\"at\":2,\"tmax\":100,\"cur\":[\"USD\"]%s}", id, imps, page(), below(255), pick("1 2 4 4 4 5"), pick("DEU DEU DEU FRA NLD GBR ESP ITA POL USA SWE"), user, blocked())
}

function mistake(kind, id) {
    if (kind == 0) return "{\"id\":\"" id "\"}"
    if (kind == 1) return "{\"id\":\"" id "\",\"imp\":[]}"
    if (kind == 2) return "{\"id\":" below(1000) ",\"imp\":[{\"id\":\"1\"}]}"
    if (kind == 3) return "{\"id\":\"" id "\",\"imp\":[{\"id\":\"1\",\"banner\":{\"w\":\"300\",\"h\":250}}]}"
    return "[]"
}

BEGIN {
    state = 4711
    sizes = "300x250 300x250 728x90 320x50 320x50 160x600 970x250 300x600 468x60"
    content = "IAB1 IAB2 IAB3 IAB9 IAB12 IAB15 IAB17 IAB19 IAB20"
    for (i = 0; i < count; i++) {
        id = sprintf("%08x-%04x", below(2147483646), i)
        body = random() < 0.02 ? mistake(below(5), id) : bid_request(id)
        printf "{\"method\":\"POST\",\"path\":\"/bids\",\"headers\":{\"content-type\":\"application/json\"},\"body\":%s}\n", body
    }
}'
