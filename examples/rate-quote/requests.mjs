// Writes requests.jsonl: quotes as a web shop asks for them. Deterministic.
//
//   node requests.mjs [COUNT] > requests.jsonl
const count = Number(process.argv[2] ?? 3000);
let state = 4_711;
const random = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
const between = (low, high) => Math.floor(low + random() * (high - low + 1));
const pick = (list) => list[between(0, list.length - 1)];
const countries = ["DE", "DE", "DE", "NL", "BE", "FR", "FR", "AT", "DK", "IT", "ES", "PL", "CZ", "SE", "PT", "IE", "FI"];

const place = () => `${pick(countries)}-${between(10_000, 99_999)}`;
// Most parcels are small; a few are furniture.
const parcel = () => {
  const size = random() < 0.05 ? 1_400 : random() < 0.3 ? 600 : 250;
  const side = () => between(size / 5, size);
  return { weight_g: between(80, size * 12), length_mm: side(), width_mm: side(), height_mm: side() };
};
const mistakes = [
  { from: "10115", to: place(), parcels: [parcel()] },
  { from: place(), to: "US-10001", parcels: [parcel()] },
  { from: place(), to: place(), parcels: [] },
  { from: place(), to: place(), parcels: [{ weight_g: 1.5, length_mm: 1, width_mm: 1, height_mm: 1 }] },
  { from: place(), to: place(), parcels: [parcel()], service: "pigeon" },
];

for (let index = 0; index < count; index += 1) {
  const parcels = Array.from({ length: random() < 0.7 ? 1 : between(2, 12) }, parcel);
  const wish = random() < 0.25 ? { service: pick(["standard", "express"]) } : {};
  const body = random() < 0.02 ? pick(mistakes) : { from: place(), to: place(), parcels, ...wish };
  process.stdout.write(`${JSON.stringify({ method: "POST", path: "/quotes", headers: { "content-type": "application/json" }, body })}\n`);
}
