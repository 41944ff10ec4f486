#!/usr/bin/env python3
"""Writes data/month and data/day: orders as a shop's queue delivers them, its customers and exchange rates. Deterministic.

    ./data.py [ORDERS] [SEED]

ORDERS are those of the month; the day has one in forty.
"""

import json
import random
import sys
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

ORDERS = int(sys.argv[1]) if len(sys.argv) > 1 else 40_000
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 4711
DATA = Path(__file__).resolve().parent / "data"
SIZES = {"month": (ORDERS, 28), "day": (max(ORDERS // 40, 1), 1)}
FIRST = datetime(2026, 3, 1, tzinfo=timezone.utc)
CURRENCIES = {"EUR": "1.0000", "CHF": "1.0642", "GBP": "1.1533", "USD": "0.9218", "PLN": "0.2345"}
COUNTRIES = ["DE"] * 6 + ["FR", "FR", "CH", "CH", "GB", "PL", "US", "AT"]
NOTES = [None, "", "ring twice", "für Jürgen", "leave at \"door\" 3\nthanks", "日本への贈り物", "a\tb"]

rng = random.Random(SEED)


def customer(number: int) -> dict:
    country = rng.choice(COUNTRIES)
    # What people type: other case, spaces around it; some never say.
    country = rng.choices([country, country.lower(), f" {country} ", None, ""], [80, 10, 5, 3, 2])[0]
    segment = rng.choices(["retail", "trade", None], [70, 25, 5])[0]
    return {"id": f"c-{number:06}", "country": country, "segment": segment, "since": f"20{rng.randrange(10, 26)}-0{rng.randrange(1, 10)}-11"}


def price() -> str | None:
    text = f"{rng.lognormvariate(3, 1):.2f}"
    return rng.choices([text, f" {text}", text.replace(".", ","), text.rstrip("0"), "n/a", None], [80, 5, 10, 4, 0.6, 0.4])[0]


def time(at: datetime) -> str:
    """The instant in UTC or with an offset, with or without fractions of a second."""
    kind = rng.random()
    if kind < 0.5:
        return at.strftime("%Y-%m-%dT%H:%M:%S") + "Z"
    if kind < 0.99:
        local = at.astimezone(timezone(timedelta(hours=rng.choice([-5, 0, 1, 2]))))
        return local.isoformat(timespec="milliseconds")
    return rng.choice(["", "yesterday", at.strftime("%d.%m.%Y")])


def order(number: int, customers: int, days: int) -> dict:
    at = FIRST + timedelta(seconds=rng.random() * days * 86_400)
    lines = [
        {"sku": f"sku-{int(rng.paretovariate(0.8)) % 9000:04}", "quantity": rng.choices([1, 2, 3, 12, 0, -1, None], [60, 20, 10, 8, 1, 0.5, 0.5])[0], "price": price()}
        for _ in range(rng.choices([0, 1, 2, 3, 8], [1, 50, 30, 15, 4])[0])
    ]
    # A few customers buy often; one order in a hundred is of a customer that is not known.
    who = int(rng.paretovariate(0.3)) % customers if rng.random() < 0.99 else customers + rng.randrange(50)
    return {
        "id": number,
        "version": 1,
        "at": time(at),
        "customer": f"c-{who:06}",
        "currency": rng.choices(list(CURRENCIES), [70, 12, 8, 8, 2])[0],
        "status": rng.choices(["paid", "shipped", "cancelled", "PAID"], [50, 35, 10, 5])[0],
        "coupon": rng.choices([None, "SPRING", "spring ", "FRIEND10"], [85, 7, 3, 5])[0],
        "note": rng.choice(NOTES),
        "lines": lines,
    }


def exchange_rates(days: int) -> list[dict]:
    """A rate for each day and the ones next to the first and the last: an offset may lead there."""
    current = {name: Decimal(rate) for name, rate in CURRENCIES.items()}
    rates = []
    for day in range(-1, days + 1):
        for name in current:
            if name != "EUR":
                current[name] += Decimal(rng.randrange(-40, 41)) / 10_000
            rates.append({"day": (FIRST + timedelta(days=day)).strftime("%Y-%m-%d"), "currency": name, "rate": f"{current[name]:.4f}"})
    return rates


def deliveries(count: int, customers: int, days: int) -> list[dict]:
    orders: list[dict] = []
    for number in range(1, count + 1):
        first = order(number, customers, days)
        orders.append(first)
        if rng.random() < 0.05:
            # Delivered twice, unchanged or corrected; the order of the deliveries means nothing.
            again = dict(first)
            if rng.random() < 0.6:
                again |= {"version": 2, "status": rng.choice(["shipped", "cancelled"])}
            orders.insert(len(orders) - rng.randrange(min(len(orders), 200)), again)
    return orders


def write(path: Path, rows: list[dict]) -> None:
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)


def main() -> None:
    for name, (count, days) in SIZES.items():
        folder = DATA / name
        folder.mkdir(parents=True, exist_ok=True)
        customers = max(count // 8, 10)
        write(folder / "customers.jsonl", [customer(number) for number in range(customers)])
        write(folder / "rates.jsonl", exchange_rates(days))
        write(folder / "orders.jsonl", deliveries(count, customers, days))


if __name__ == "__main__":
    main()
