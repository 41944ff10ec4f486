// The same two routes with Fastify, checked by JSON schemas.
import Fastify from "fastify";

const app = Fastify();

const id = { type: "object", properties: { id: { type: "integer" } }, required: ["id"] };
app.get("/items/:id", { schema: { params: id } }, async (request) => ({
  id: request.params.id,
  q: request.query.q ?? null,
}));

const item = {
  type: "object",
  properties: { name: { type: "string" }, count: { type: "integer" } },
  required: ["name", "count"],
};
app.post("/items", { schema: { body: item } }, async ({ body: { name, count } }) => ({ name, count }));

await app.listen({ port: Number(process.argv[2]), host: "127.0.0.1" });
