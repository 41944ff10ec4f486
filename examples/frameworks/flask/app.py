"""The same two routes with Flask, served by gunicorn."""

from flask import Flask, jsonify, request

app = Flask(__name__)


@app.get("/items/<int:number>")
def read(number: int):
    return jsonify(id=number, q=request.args.get("q"))


@app.post("/items")
def write():
    item = request.get_json()
    if not isinstance(item, dict):
        return jsonify(error="an object is expected"), 400
    name, count = item.get("name"), item.get("count")
    if not isinstance(name, str) or not isinstance(count, int) or isinstance(count, bool):
        return jsonify(error="name is a text and count an integer"), 400
    return jsonify(name=name, count=count)
