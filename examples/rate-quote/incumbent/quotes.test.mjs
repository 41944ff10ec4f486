import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Unquotable, quote } from "./quotes.mjs";

const tariffs = JSON.parse(readFileSync(new URL("../tariffs.json", import.meta.url), "utf8"));
const parcel = { weight_g: 1200, length_mm: 300, width_mm: 200, height_mm: 150 };
const request = { from: "DE-10115", to: "FR-75001", parcels: [parcel] };

test("quotes are sorted by price and add up", () => {
  const { quotes, zone } = quote(tariffs, request);
  assert.equal(zone, 2);
  assert.ok(quotes.length > 4);
  for (const [index, one] of quotes.entries()) {
    assert.equal(one.total_cents, one.base_cents + one.fuel_cents + one.remote_cents);
    if (index > 0) assert.ok(one.total_cents >= quotes[index - 1].total_cents);
  }
});

test("volume counts where it weighs more", () => {
  const big = { ...parcel, length_mm: 1000, width_mm: 500, height_mm: 400 };
  const { quotes } = quote(tariffs, { ...request, parcels: [big] });
  assert.ok(quotes.every((one) => one.billable_weight_g > 30_000));
});

test("what cannot be quoted says why", () => {
  const refused = (change, code) =>
    assert.throws(() => quote(tariffs, { ...request, ...change }), (error) => error instanceof Unquotable && error.code === code);
  refused({ from: "10115" }, "bad_place");
  refused({ to: "US-10001" }, "unknown_country");
  refused({ parcels: [] }, "bad_parcels");
  refused({ parcels: [{ ...parcel, weight_g: 0.5 }] }, "bad_parcel");
  refused({ service: "pigeon" }, "bad_service");
});
