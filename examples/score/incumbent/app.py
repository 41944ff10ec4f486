"""The HTTP interface: a payment in, its score out."""

import os
from pathlib import Path
from typing import Annotated, Literal

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from scoring import Model

model = Model.read(Path(os.environ.get("MODEL", Path(__file__).parent / "../model.json")))
app = FastAPI(title="score", docs_url=None, redoc_url=None, openapi_url=None)


class Payment(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    amount_cents: Annotated[int, Field(ge=1, le=100_000_000)]
    account_age_days: Annotated[int, Field(ge=0, le=40_000)]
    declines_24h: Annotated[int, Field(ge=0, le=1_000)]
    distance_km: Annotated[float, Field(ge=0, le=21_000)]
    hour: Annotated[int, Field(ge=0, le=23)]
    channel: Literal["web", "app", "pos"]
    merchant: Annotated[str, Field(min_length=1, max_length=40)]
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")]


@app.get("/healthz")
async def health() -> JSONResponse:
    return JSONResponse({"status": "ok", "model": model.version})


@app.post("/score")
async def score(payment: Payment) -> JSONResponse:
    # A response model would only validate what was made here.
    return JSONResponse(model.score(payment.model_dump()))


@app.exception_handler(RequestValidationError)
async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
    problems = error.errors()
    if any(problem["type"] == "json_invalid" for problem in problems):
        return JSONResponse({"error": "bad_json", "fields": []}, 400)
    fields = sorted({str(problem["loc"][1]) for problem in problems if len(problem["loc"]) > 1})
    return JSONResponse({"error": "invalid", "fields": fields}, 422)


@app.exception_handler(HTTPException)
async def refused(_: Request, error: HTTPException) -> JSONResponse:
    names = {404: "not_found", 405: "method_not_allowed"}
    return JSONResponse(
        {"error": names.get(error.status_code, "refused"), "fields": []}, error.status_code, headers=error.headers
    )
