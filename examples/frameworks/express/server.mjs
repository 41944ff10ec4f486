// One route that reads and one that writes, as an Express service usually has them.
import express from "express";

const app = express();
app.use(express.json());

app.get("/items/:id", (request, response) => {
  const id = Number.parseInt(request.params.id, 10);
  if (Number.isNaN(id)) {
    response.status(400).json({ error: "id is not a number" });
    return;
  }
  response.json({ id, q: request.query.q ?? null });
});

app.post("/items", (request, response) => {
  const { name, count } = request.body ?? {};
  if (typeof name !== "string" || typeof count !== "number" || !Number.isInteger(count)) {
    response.status(400).json({ error: "name is a text and count an integer" });
    return;
  }
  response.json({ name, count });
});

app.listen(Number(process.argv[2]), "127.0.0.1");
