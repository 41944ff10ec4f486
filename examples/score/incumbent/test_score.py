"""Run with: python -m unittest"""

import unittest

from fastapi.testclient import TestClient

from app import app, model

PAYMENT = {
    "amount_cents": 4_990,
    "account_age_days": 700,
    "declines_24h": 0,
    "distance_km": 12.5,
    "hour": 14,
    "channel": "web",
    "merchant": "grocery",
    "country": "DE",
}


class Scores(unittest.TestCase):
    def setUp(self):
        self.client = TestClient(app)

    def post(self, **changes):
        return self.client.post("/score", json=PAYMENT | changes)

    def test_an_ordinary_payment_is_approved(self):
        # The candidate's test has the same figures.
        answer = self.post()
        self.assertEqual(200, answer.status_code)
        self.assertEqual(
            {
                "model": "2026-11-3",
                "probability": 0.0076,
                "decision": "approve",
                "reasons": ["channel", "amount_cents", "distance_km"],
            },
            answer.json(),
        )

    def test_what_speaks_for_fraud_raises_the_score(self):
        wild = {"amount_cents": 250_000, "account_age_days": 0, "declines_24h": 4, "distance_km": 7_000, "hour": 3}
        answer = self.post(**wild, merchant="gift_cards", country="ZZ").json()
        self.assertEqual("decline", answer["decision"])
        self.assertEqual(["declines_24h", "account_age_days", "amount_cents"], answer["reasons"])

    def test_the_bounds_of_a_decision_belong_to_the_harder_one(self):
        decisions = [model.decide(at) for at in (0.0999, 0.1, 0.4999, 0.5)]
        self.assertEqual(["approve", "review", "review", "decline"], decisions)

    def test_mistakes_name_their_fields(self):
        cases = [
            ({"hour": 24}, ["hour"]),
            ({"hour": "3", "amount_cents": 1.0}, ["amount_cents", "hour"]),
            ({"declines_24h": True}, ["declines_24h"]),
            ({"colour": 1}, ["colour"]),
            ({"country": "de", "channel": "fax", "merchant": ""}, ["channel", "country", "merchant"]),
        ]
        for changes, fields in cases:
            answer = self.post(**changes)
            self.assertEqual((422, {"error": "invalid", "fields": fields}), (answer.status_code, answer.json()))

    def test_what_is_no_payment_at_all(self):
        for body, status, error in [("{", 400, "bad_json"), ("[]", 422, "invalid")]:
            answer = self.client.post("/score", content=body, headers={"content-type": "application/json"})
            self.assertEqual((status, {"error": error, "fields": []}), (answer.status_code, answer.json()))
        self.assertEqual(404, self.client.get("/scores").status_code)
        self.assertEqual(405, self.client.get("/score").status_code)


if __name__ == "__main__":
    unittest.main()
