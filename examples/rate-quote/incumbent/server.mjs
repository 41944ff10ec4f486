// Price quotes for parcels over HTTP.
//
//   node server.mjs --port 8080 --tariffs ../tariffs.json
import Fastify from "fastify";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Unquotable, quote } from "./quotes.mjs";

const { values } = parseArgs({
  options: {
    host: { type: "string", default: "127.0.0.1" },
    port: { type: "string", default: "8080" },
    tariffs: { type: "string", default: new URL("../tariffs.json", import.meta.url).pathname },
  },
});
const tariffs = JSON.parse(readFileSync(values.tariffs, "utf8"));

const server = Fastify({ logger: false, bodyLimit: 64 * 1024, keepAliveTimeout: 75_000 });

server.get("/healthz", () => ({ status: "ok" }));

server.post("/quotes", (request) => quote(tariffs, request.body));

server.setNotFoundHandler((_request, reply) => {
  reply.code(404).send({ error: "not_found", message: "no such page" });
});

server.setErrorHandler((error, _request, reply) => {
  if (error instanceof Unquotable) return reply.code(422).send({ error: error.code, message: error.message });
  if (error.statusCode === 413) return reply.code(413).send({ error: "too_large", message: "the body has more than 64 KiB" });
  if (error.statusCode < 500) return reply.code(400).send({ error: "bad_json", message: "the body must be JSON" });
  console.error(error);
  return reply.code(500).send({ error: "internal", message: "this is our mistake" });
});

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => server.close());

await server.listen({ host: values.host, port: Number(values.port) });
