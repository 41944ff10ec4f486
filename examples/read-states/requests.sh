#!/bin/sh
# Writes requests.jsonl: requests as a chat client fleet sends them, one JSON object a line.
#
#   ./requests.sh [COUNT] [SEED] [PRELOAD] > requests.jsonl
#
# Deterministic: the same arguments give the same file, on every awk that has POSIX arithmetic
# (mawk, gawk, busybox): the generator below stays under 2^53, so doubles hold it exactly.
#
# Which requests: about 72 % reads of one read state, 8 % lists of a user's, 15 % acknowledgements,
# 4 % mentions, 1 % mistakes. Whose: user ranks follow Zipf's law with exponent 1 (a few users are
# hot, most are cold), scattered over all ids. PRELOAD is what the service is started with: 16
# channels for each user.
set -eu

awk -v count="${1:-6000}" -v seed="${2:-1}" -v preload="${3:-1000000}" '
# Park and Miller (1988), minimal standard: x <- 48271 x mod 2^31-1.
function random() { state = (state * 48271) % 2147483647; return state / 2147483647 }
function below(n) { return int(random() * n) }

# Rank r with probability about 1/r: uniform in the logarithm.
function rank(n) { return int(exp(random() * log(n))) }

function user_id(u)       { return sprintf("1%017.0f", u) }
function channel_id(u, k) { return sprintf("2%017.0f", (u * 31 + k * 7907) % 100003) }
function message_id()     { return sprintf("3%05d%012.0f", 0, below(1000000) * 1000000 + below(1000000)) }

function request(method, path, body, operation, user) {
    printf "{\"method\":\"%s\",\"path\":\"%s\",", method, path
    if (body == "") printf "\"headers\":{\"accept\":\"application/json\"},"
    else printf "\"headers\":{\"accept\":\"application/json\",\"content-type\":\"application/json\"},\"body\":%s,", body
    printf "\"operation\":\"%s\",\"session\":\"%s\"}\n", operation, user
}

function mistake(kind, user, state, mentions) {
    if (kind == 0) request("GET", "/users/0/read-states", "", "GET /users/{user}/read-states", user)
    if (kind == 1) request("GET", "/users/" user "/read-states?limit=1000", "", "GET /users/{user}/read-states", user)
    if (kind == 2) request("GET", "/users/" user "/settings", "", "GET /users/{user}/settings", user)
    if (kind == 3) request("PUT", state, "{\"last_message_id\":7}", put, user)
    if (kind == 4) request("PUT", state, "\"{\\\"last_message_id\\\":\"", put, user)
    if (kind == 5) request("POST", mentions, "{\"count\":0}", post, user)
    if (kind == 6) request("DELETE", state, "", "DELETE /users/{user}/channels/{channel}/read-state", user)
    if (kind == 7) request("GET", "/users/me/channels/1/read-state", "", get, user)
}

BEGIN {
    if (seed < 1) { print "the seed is a number from 1" > "/dev/stderr"; exit 2 }
    state = seed % 2147483646 + 1
    for (i = 0; i < 10; i++) random()
    users = int(preload / 16); if (users < 1) users = 1
    get = "GET /users/{user}/channels/{channel}/read-state"
    put = "PUT /users/{user}/channels/{channel}/read-state"
    post = "POST /users/{user}/channels/{channel}/mentions"
    for (i = 0; i < count; i++) {
        u = (rank(users) * 48271) % users
        # One read in fifty is of a channel that the user has never opened: 404.
        k = random() < 0.98 ? rank(16) - 1 : 16
        user = user_id(u)
        channel = "/users/" user "/channels/" channel_id(u, k)
        dice = random()
        if (dice < 0.72) request("GET", channel "/read-state", "", get, user)
        else if (dice < 0.80) request("GET", "/users/" user "/read-states" (random() < 0.5 ? "?limit=10" : ""), "", "GET /users/{user}/read-states", user)
        else if (dice < 0.95) request("PUT", channel "/read-state", "{\"last_message_id\":\"" message_id() "\",\"mention_count\":" (random() < 0.8 ? 0 : below(5)) "}", put, user)
        else if (dice < 0.99) request("POST", channel "/mentions", "{\"count\":" (1 + below(3)) "}", post, user)
        else mistake(below(8), user, channel "/read-state", channel "/mentions")
    }
}'
