"""How likely a card payment is fraud: a logistic regression that was trained elsewhere."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

REASONS = 3


def _night(hour: float) -> float:
    return 1.0 if hour < 6 else 0.0


_TRANSFORMS = {"none": float, "log1p": math.log1p, "night": _night}


@dataclass(frozen=True)
class Model:
    version: str
    intercept: float
    numbers: list[dict]
    categories: list[dict]
    review_from: float
    decline_from: float

    @classmethod
    def read(cls, path: Path) -> "Model":
        return cls(**json.loads(path.read_text(encoding="utf-8")))

    def contributions(self, payment: dict) -> list[tuple[str, float]]:
        """What each feature adds to the log-odds, in the order of the model."""
        parts = []
        for feature in self.numbers:
            value = _TRANSFORMS[feature["transform"]](payment[feature["name"]])
            standard = (value - feature["mean"]) / feature["scale"]
            parts.append((feature["name"], feature["weight"] * standard))
        for feature in self.categories:
            weights = feature["weights"]
            parts.append((feature["name"], weights.get(payment[feature["name"]], feature.get("other", 0.0))))
        return parts

    def score(self, payment: dict) -> dict:
        parts = self.contributions(payment)
        log_odds = self.intercept + sum_in_order(weight for _, weight in parts)
        # Rounded before it is judged, so that what is shown explains what is decided.
        probability = round(1.0 / (1.0 + math.exp(-log_odds)), 4)
        # The sort is stable: features that add the same stay in the order of the model.
        raising = sorted((part for part in parts if part[1] > 0), key=lambda part: -part[1])
        return {
            "model": self.version,
            "probability": probability,
            "decision": self.decide(probability),
            "reasons": [name for name, _ in raising[:REASONS]],
        }

    def decide(self, probability: float) -> str:
        if probability >= self.decline_from:
            return "decline"
        return "review" if probability >= self.review_from else "approve"


def sum_in_order(values) -> float:
    """From left to right. The built-in sum() compensates for rounding from Python 3.12 on and does
    not before, so a score would depend on the version that happens to run."""
    total = 0.0
    for value in values:
        total += value
    return total
