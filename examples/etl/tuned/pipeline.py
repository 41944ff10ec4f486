#!/usr/bin/env python3
"""The pipeline of the incumbent with polars: what tuning gains without another language.

    pipeline.py FOLDER OUT
"""

import json
import sys
from pathlib import Path

import polars as pl

LINE = pl.Struct({"sku": pl.String, "quantity": pl.Int32, "price": pl.String})
ORDERS = {
    "id": pl.Int64, "version": pl.Int32, "at": pl.String, "customer": pl.String, "currency": pl.String, "status": pl.String,
    "coupon": pl.String, "note": pl.String, "lines": pl.List(LINE),
}
CUSTOMERS = {"id": pl.String, "country": pl.String, "segment": pl.String}
RATES = {"day": pl.String, "currency": pl.String, "rate": pl.String}
MONEY = pl.Decimal(18, 2)


def cleaned(column: str) -> pl.Expr:
    """Without spaces around it and in capitals; an empty text is none."""
    text = pl.col(column).str.strip_chars().str.to_uppercase()
    return pl.when(text != "").then(text)


def fixed(text: pl.Expr, digits: int) -> pl.Expr:
    """A decimal number as an integer of its last digits; null if the text is not a number."""
    return text.str.to_decimal(scale=digits).cast(pl.Decimal(30, digits)).mul(10**digits).cast(pl.Int64)


def money(cents: str) -> pl.Expr:
    return (pl.col(cents).cast(pl.Decimal(20, 2)) / 100).cast(MONEY)


def main() -> None:
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    customers = pl.scan_ndjson(folder / "customers.jsonl", schema=CUSTOMERS).select(
        "segment", customer="id", country=cleaned("country"), known=True
    )
    rates = pl.scan_ndjson(folder / "rates.jsonl", schema=RATES).select(
        "currency", day=pl.col("day").str.to_date(), rate=fixed(pl.col("rate"), 4)
    )
    at = pl.col("at").str.replace("Z$", "+00:00").str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", time_unit="us", strict=False)
    orders = (
        pl.scan_ndjson(folder / "orders.jsonl", schema=ORDERS)
        .with_row_index("delivered")
        .sort("version", "delivered")
        .unique("id", keep="last")
        .filter(pl.col("status").str.to_lowercase() != "cancelled")
        .join(customers, on="customer", how="left")
        .with_columns(at=at, order_id="id")
        .with_columns(
            reason=pl.when(pl.col("at").is_null()).then(pl.lit("bad time")).when(pl.col("known").is_null()).then(pl.lit("unknown customer")),
            day=pl.col("at").dt.date(),
        )
        # Read once: the lines and the rejects are both made of it.
        .collect()
        .lazy()
    )
    lines = (
        orders.filter(pl.col("reason").is_null(), pl.col("lines").list.len() > 0)
        .drop("reason")
        .join(rates, on=["day", "currency"], how="left")
        .with_columns(line=pl.int_ranges(1, pl.col("lines").list.len() + 1, dtype=pl.Int32))
        .explode("lines", "line")
        .unnest("lines")
        .with_columns(cents=fixed(pl.col("price").str.strip_chars().str.replace(",", ".", literal=True), 2))
        .with_columns(
            reason=pl.when(pl.col("quantity").is_null() | (pl.col("quantity") <= 0))
            .then(pl.lit("bad quantity"))
            .when(pl.col("cents").is_null())
            .then(pl.lit("bad price")),
            exact=pl.col("cents") * pl.col("quantity") * pl.col("rate"),
        )
        # Half to even, in integers: cents times a rate of four digits.
        .with_columns(whole=pl.col("exact") // 10_000, rest=pl.col("exact") % 10_000)
        .with_columns(
            amount=pl.col("whole")
            + ((pl.col("rest") > 5000) | ((pl.col("rest") == 5000) & (pl.col("whole") % 2 == 1))).cast(pl.Int64)
        )
        .collect()
        .lazy()
    )
    good = lines.filter(pl.col("reason").is_null())
    daily = good.group_by("day", "country", "segment").agg(
        orders=pl.col("order_id").n_unique().cast(pl.Int64),
        customers=pl.col("customer").n_unique().cast(pl.Int64),
        units=pl.col("quantity").cast(pl.Int64).sum(),
        cents=pl.col("amount").sum(),
        most=pl.col("amount").max(),
    )
    tables = pl.collect_all([
        good.select(
            "order_id", "line", "at", "customer", "country", "segment", cleaned("coupon").alias("coupon"), "sku", "quantity",
            money("cents").alias("price"), "currency", money("amount").alias("amount_eur"), "note",
        ),
        daily.select(
            "day", "country", "segment", "orders", "customers", "units", money("cents").alias("revenue_eur"),
            (money("cents").cast(pl.Float64) / pl.col("orders")).alias("mean_order_eur"), money("most").alias("largest_line_eur"),
        ),
        pl.concat([
            orders.filter(pl.col("reason").is_not_null()).select("order_id", pl.lit(None, pl.Int32).alias("line"), "reason"),
            lines.filter(pl.col("reason").is_not_null()).select("order_id", "line", "reason"),
        ]),
    ])
    out.mkdir(exist_ok=True)
    for name, table in zip(["lines", "daily", "rejects"], tables):
        table.write_parquet(out / f"{name}.parquet", compression="snappy")
    reasons = tables[2].group_by("reason").len().sort("reason").rows()
    print(json.dumps({"lines": tables[0].height, "daily": tables[1].height, "rejects": dict(reasons)}))


if __name__ == "__main__":
    main()
