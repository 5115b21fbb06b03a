"""Tests of the handler alone, without a build: `python3 -m unittest`."""

import unittest

from fetchlock import BpmnError, Complete, File
from fetchlock.testing import TestHost, run
from handler import handle

DOCUMENT = """<?xml version="1.0" encoding="ISO-8859-1"?>
<invoice number="R-17" currency="EUR"><lines>
  <line article="Käse" quantity="3" price="2.335" tax-rate="7"/>
  <line article="Tisch" quantity="1" price="100" tax-rate="19"/>
</lines></invoice>"""


def invoice(text):
    return {"invoice": File("r17.xml", text, mime_type="text/xml", encoding="ISO-8859-1")}


class HandlerTest(unittest.TestCase):
    def test_an_invoice_is_added_up_and_becomes_a_table(self):
        outcome = run(handle, invoice(DOCUMENT), config={"account": "3400"})
        self.assertIsInstance(outcome, Complete)
        self.assertEqual(outcome.variables["invoiceNumber"], "R-17")
        self.assertEqual(
            outcome.variables["totals"],
            {
                "currency": "EUR",
                "net": "107.01",
                "tax": "19.49",
                "gross": "126.50",
                "taxes": [{"rate": "7", "net": "7.01", "tax": "0.49"}, {"rate": "19", "net": "100.00", "tax": "19.00"}],
            },
        )
        booking = outcome.variables["booking"]
        self.assertEqual((booking.name, booking.mime_type), ("R-17.csv", "text/csv"))
        self.assertEqual(booking.text().splitlines()[1], "3400;R-17;Käse;3;7.01;7")

    def test_what_cannot_be_read_is_a_business_error(self):
        cases = {
            "no XML": "<invoice",
            "expected an <invoice>, found a <order>": "<order/>",
            "<invoice> has no `number`": DOCUMENT.replace('number="R-17"', ""),
            "the invoice has no <line> in <lines>": "<invoice number='1'/>",
            "`price` of a <line>: expected a number, found 'dear'": DOCUMENT.replace("2.335", "dear"),
        }
        for problem, text in cases.items():
            with self.subTest(problem):
                outcome = run(handle, invoice(text))
                self.assertIsInstance(outcome, BpmnError)
                self.assertEqual(outcome.code, "UNREADABLE_INVOICE")
                self.assertIn(problem, outcome.message)

    def test_a_variable_of_another_type_is_a_failure(self):
        host = TestHost({"invoice": DOCUMENT})
        self.assertEqual(host.run(handle).message, "variable `invoice`: expected File, found String")
        self.assertEqual(host.loaded, [])


if __name__ == "__main__":
    unittest.main()
