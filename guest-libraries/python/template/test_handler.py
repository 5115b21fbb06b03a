"""Tests of the handler alone, without a build: `python3 -m unittest`."""

import unittest

from fetchlock import BpmnError, Complete
from fetchlock.testing import run
from handler import handle


class HandlerTest(unittest.TestCase):
    def test_an_amount_within_the_limit_is_approved(self):
        outcome = run(handle, {"amount": 42, "customer": "Ada"})
        self.assertEqual(outcome, Complete({"approved": True, "message": "Thank you, Ada"}))

    def test_an_amount_above_the_limit_is_a_business_error(self):
        outcome = run(handle, {"amount": 42, "customer": "Ada"}, config={"limit": "10"})
        self.assertIsInstance(outcome, BpmnError)
        self.assertEqual(outcome.code, "TOO_MUCH")


if __name__ == "__main__":
    unittest.main()
