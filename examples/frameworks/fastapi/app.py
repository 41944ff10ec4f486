"""The same two routes with FastAPI, served by uvicorn."""

from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()


class Item(BaseModel):
    name: str
    count: int


@app.get("/items/{number}")
def read(number: int, q: str | None = None):
    return {"id": number, "q": q}


@app.post("/items")
def write(item: Item):
    return {"name": item.name, "count": item.count}
