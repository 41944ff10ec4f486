// Writes tariffs.json: made-up carriers with the shape of real ones. Deterministic.
//
//   node make-tariffs.mjs > tariffs.json
let state = 20_261_122;
const random = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
const between = (low, high) => Math.floor(low + random() * (high - low + 1));

const groups = { DE: 0, NL: 0, BE: 0, FR: 1, AT: 1, DK: 1, IT: 2, ES: 3, PL: 2, CZ: 1, SE: 3, PT: 4, IE: 3, FI: 4 };
const limits = [500, 1_000, 2_000, 5_000, 10_000, 20_000, 31_500, 70_000];
const carriers = ["Aurora", "Borealis", "Cirrus", "Delta Post", "Eurolink", "Fjord Freight", "Gable", "Hansa"].map((name) => {
  const base = between(320, 560);
  const step = between(60, 140);
  const days = between(1, 3);
  return {
    name,
    max_weight_g: limits[between(5, 7)],
    max_length_mm: between(120, 300) * 10,
    volumetric_divisor: [4_000, 5_000, 6_000][between(0, 2)],
    fuel_permille: between(40, 165),
    remote_prefixes: Array.from({ length: between(3, 8) }, () => `${Object.keys(groups)[between(0, 13)]}-${between(10, 99)}`),
    remote_cents: between(300, 1_900),
    services: ["standard", "express"].map((service, fast) => ({
      service,
      min_days: fast ? 1 : days,
      max_days: fast ? 2 : days + between(1, 3),
      // Prices in cents by zone (row) and bracket (column).
      cents: Array.from({ length: 7 }, (_, zone) =>
        limits.map((_, bracket) => (base + zone * step * 2 + bracket * step * 3) * (fast ? 2 : 1) + between(0, 40)),
      ),
    })),
  };
});
process.stdout.write(`${JSON.stringify({ currency: "EUR", groups, brackets_g: limits, carriers }, null, 1)}\n`);
