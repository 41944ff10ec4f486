// What sending parcels costs, by carrier. All money is in whole cents, all weights in whole grams.

const SERVICES = new Set(["standard", "express"]);
const PLACE = /^([A-Z]{2})-([0-9]{4,5})$/;
const MAX_PARCELS = 50;

/** A request that cannot be quoted; `code` is stable, the message is for people. */
export class Unquotable extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** Reads a place such as `DE-10115`. */
function place(field, text, tariffs) {
  const match = typeof text === "string" ? PLACE.exec(text) : null;
  if (!match) throw new Unquotable("bad_place", `${field} must be a country and a postal code such as DE-10115`);
  const group = tariffs.groups[match[1]];
  if (group === undefined) throw new Unquotable("unknown_country", `${field}: ${match[1]} is not served`);
  return { country: match[1], group, text };
}

function whole(value, low, high) {
  return Number.isInteger(value) && value >= low && value <= high;
}

/** Reads the parcels; their order does not matter. */
function parcels(list) {
  if (!Array.isArray(list) || list.length === 0 || list.length > MAX_PARCELS)
    throw new Unquotable("bad_parcels", `parcels must be a list of 1 to ${MAX_PARCELS}`);
  return list.map((parcel, index) => {
    const { weight_g, length_mm, width_mm, height_mm } = parcel ?? {};
    if (!whole(weight_g, 1, 1_000_000) || ![length_mm, width_mm, height_mm].every((mm) => whole(mm, 1, 10_000)))
      throw new Unquotable("bad_parcel", `parcel ${index + 1} needs weight_g, length_mm, width_mm and height_mm as whole numbers`);
    return { weight_g, longest_mm: Math.max(length_mm, width_mm, height_mm), volume_mm3: length_mm * width_mm * height_mm };
  });
}

/** Quotes every carrier that takes all of the parcels, the cheapest first. */
export function quote(tariffs, request) {
  const from = place("from", request?.from, tariffs);
  const to = place("to", request?.to, tariffs);
  const load = parcels(request.parcels);
  const wanted = request.service ?? null;
  if (wanted !== null && !SERVICES.has(wanted))
    throw new Unquotable("bad_service", "service must be standard or express");
  const zone = from.country === to.country ? 0 : 1 + Math.abs(from.group - to.group);
  const quotes = [];
  for (const carrier of tariffs.carriers) {
    const weights = billableWeights(carrier, load);
    if (!weights) continue;
    for (const service of carrier.services)
      if (wanted === null || service.service === wanted)
        quotes.push(price(tariffs, carrier, service, zone, weights, to));
  }
  quotes.sort((a, b) => a.total_cents - b.total_cents || (a.carrier < b.carrier ? -1 : a.carrier > b.carrier ? 1 : 0));
  return { currency: tariffs.currency, zone, quotes };
}

/** The weight that counts of each parcel: the real or the volumetric one; null if one is not taken. */
function billableWeights(carrier, load) {
  const weights = [];
  for (const parcel of load) {
    const volumetric_g = Math.ceil(parcel.volume_mm3 / carrier.volumetric_divisor);
    const weight_g = Math.max(parcel.weight_g, volumetric_g);
    if (weight_g > carrier.max_weight_g || parcel.longest_mm > carrier.max_length_mm) return null;
    weights.push(weight_g);
  }
  return weights;
}

function price(tariffs, carrier, service, zone, weights, to) {
  let base_cents = 0;
  for (const weight_g of weights) {
    const bracket = tariffs.brackets_g.findIndex((limit) => weight_g <= limit);
    base_cents += service.cents[zone][bracket];
  }
  const fuel_cents = Math.round((base_cents * carrier.fuel_permille) / 1000);
  const remote = carrier.remote_prefixes.some((prefix) => to.text.startsWith(prefix));
  const remote_cents = remote ? carrier.remote_cents * weights.length : 0;
  return {
    carrier: carrier.name,
    service: service.service,
    billable_weight_g: weights.reduce((sum, weight) => sum + weight, 0),
    base_cents,
    fuel_cents,
    remote_cents,
    total_cents: base_cents + fuel_cents + remote_cents,
    days: { min: service.min_days, max: service.max_days },
  };
}
