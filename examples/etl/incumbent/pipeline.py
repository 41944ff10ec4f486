#!/usr/bin/env python3
"""Turns a shop's orders into tables: cleans and joins order lines, converts them to euros, adds them up by day.

    pipeline.py FOLDER OUT

FOLDER has orders.jsonl, customers.jsonl and rates.jsonl. OUT gets lines.parquet, daily.parquet and rejects.parquet.
"""

import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

CENT = Decimal("0.01")
MONEY = pa.decimal128(18, 2)
LINES = pa.schema([
    ("order_id", pa.int64()), ("line", pa.int32()), ("at", pa.timestamp("us", tz="UTC")), ("customer", pa.string()),
    ("country", pa.string()), ("segment", pa.string()), ("coupon", pa.string()), ("sku", pa.string()), ("quantity", pa.int32()),
    ("price", MONEY), ("currency", pa.string()), ("amount_eur", MONEY), ("note", pa.string()),
])
DAILY = pa.schema([
    ("day", pa.date32()), ("country", pa.string()), ("segment", pa.string()), ("orders", pa.int64()), ("customers", pa.int64()),
    ("units", pa.int64()), ("revenue_eur", MONEY), ("mean_order_eur", pa.float64()), ("largest_line_eur", MONEY),
])
REJECTS = pa.schema([("order_id", pa.int64()), ("line", pa.int32()), ("reason", pa.string())])


class Rejected(Exception):
    """Why an order or a line of one is left out."""


@dataclass
class Day:
    """What is added up for a day, a country and a segment."""

    orders: set[int] = field(default_factory=set)
    customers: set[str] = field(default_factory=set)
    units: int = 0
    revenue: Decimal = Decimal(0)
    largest: Decimal = Decimal(0)


def read(path: Path):
    with open(path, encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def latest(orders) -> dict[int, dict]:
    """The newest version of each order; of the same version the one that was delivered last."""
    newest: dict[int, dict] = {}
    for order in orders:
        known = newest.get(order["id"])
        if known is None or order["version"] >= known["version"]:
            newest[order["id"]] = order
    return newest


def cleaned(text: str | None) -> str | None:
    """Without spaces around it and in capitals; an empty text is none."""
    text = (text or "").strip().upper()
    return text or None


def read_time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Rejected("bad time") from None
    if at.tzinfo is None:
        raise Rejected("bad time")
    return at.astimezone(timezone.utc)


def read_price(text: str | None) -> Decimal:
    try:
        price = Decimal((text or "").strip().replace(",", "."))
    except InvalidOperation:
        raise Rejected("bad price") from None
    return price.quantize(CENT)


def main() -> None:
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    customers = {row["id"]: row for row in read(folder / "customers.jsonl")}
    rates = {(date.fromisoformat(row["day"]), row["currency"]): Decimal(row["rate"]) for row in read(folder / "rates.jsonl")}
    lines: list[dict] = []
    rejects: list[dict] = []
    days: dict[tuple, Day] = {}
    for order in latest(read(folder / "orders.jsonl")).values():
        if order["status"].lower() == "cancelled":
            continue
        try:
            at = read_time(order["at"])
            customer = customers.get(order["customer"])
            if customer is None:
                raise Rejected("unknown customer")
        except Rejected as why:
            rejects.append({"order_id": order["id"], "line": None, "reason": str(why)})
            continue
        country, segment = cleaned(customer["country"]), customer["segment"]
        rate = rates[at.date(), order["currency"]]
        for number, line in enumerate(order["lines"], 1):
            try:
                quantity = line["quantity"]
                if quantity is None or quantity <= 0:
                    raise Rejected("bad quantity")
                price = read_price(line["price"])
            except Rejected as why:
                rejects.append({"order_id": order["id"], "line": number, "reason": str(why)})
                continue
            amount = (price * quantity * rate).quantize(CENT, ROUND_HALF_EVEN)
            lines.append({
                "order_id": order["id"], "line": number, "at": at, "customer": customer["id"], "country": country, "segment": segment,
                "coupon": cleaned(order["coupon"]), "sku": line["sku"], "quantity": quantity, "price": price,
                "currency": order["currency"], "amount_eur": amount, "note": order["note"],
            })
            day = days.setdefault((at.date(), country, segment), Day())
            day.orders.add(order["id"])
            day.customers.add(customer["id"])
            day.units += quantity
            day.revenue += amount
            day.largest = max(day.largest, amount)
    daily = [
        {
            "day": at, "country": country, "segment": segment, "orders": len(day.orders), "customers": len(day.customers),
            "units": day.units, "revenue_eur": day.revenue, "mean_order_eur": float(day.revenue) / len(day.orders),
            "largest_line_eur": day.largest,
        }
        for (at, country, segment), day in days.items()
    ]
    out.mkdir(exist_ok=True)
    for name, rows, schema in [("lines", lines, LINES), ("daily", daily, DAILY), ("rejects", rejects, REJECTS)]:
        pq.write_table(pa.Table.from_pylist(rows, schema), out / f"{name}.parquet")
    reasons = Counter(row["reason"] for row in rejects)
    print(json.dumps({"lines": len(lines), "daily": len(daily), "rejects": dict(sorted(reasons.items()))}))


if __name__ == "__main__":
    main()
