#!/usr/bin/env python3
"""Writes requests.jsonl: card payments as a checkout asks about them. Deterministic.

    ./requests.py [COUNT] > requests.jsonl
"""

import json
import random
import sys

random.seed(4711)
COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 3000

MERCHANTS = ["grocery"] * 6 + ["fuel"] * 3 + ["travel", "electronics", "electronics", "gift_cards", "games", "books", "pharmacy"]
COUNTRIES = ["DE"] * 8 + ["NL", "FR", "FR", "GB", "ES", "PL", "US", "BR", "TH"]


def payment() -> dict:
    return {
        "amount_cents": min(int(random.lognormvariate(8, 1.3)) + 1, 100_000_000),
        "account_age_days": min(int(random.expovariate(1 / 600)), 40_000),
        "declines_24h": random.choice([0] * 17 + [1, 2, 5]),
        "distance_km": round(min(random.lognormvariate(2.2, 1.8), 20_000), 1),
        "hour": random.randrange(24),
        "channel": random.choice(["web", "app", "app", "pos", "pos", "pos"]),
        "merchant": random.choice(MERCHANTS),
        "country": random.choice(COUNTRIES),
    }


def mistake() -> object:
    kind = random.randrange(6)
    if kind == 0:
        wrong = payment()
        del wrong[random.choice(list(wrong))]
        return wrong
    changes = [{"hour": 24}, {"amount_cents": "4990"}, {"amount_cents": 12.5}, {"channel": "fax", "country": "de"}, {"colour": "blue"}]
    return payment() | changes[kind - 1]


for _ in range(COUNT):
    body = mistake() if random.random() < 0.02 else payment()
    request = {"method": "POST", "path": "/score", "headers": {"content-type": "application/json"}, "body": body}
    print(json.dumps(request, separators=(",", ":")))
