"""How plain values become those of the engine, and back."""

import unittest
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Dict, List, Literal, Optional, Union

from fetchlock import (
    Complete,
    Date,
    Double,
    Failure,
    File,
    Json,
    Long,
    Name,
    Null,
    ObjectValue,
    Other,
    Raw,
    Short,
    Transient,
    Variables,
    Xml,
    handler,
    type_name,
)
from fetchlock.testing import TestHost, run

BERLIN = timezone(timedelta(hours=2))

SAMPLES = {
    "nothing": None,
    "noText": Null("String"),
    "truth": True,
    "short": Short(-7),
    "integer": 2**31 - 1,
    "small": Long(3),
    "long": Long(2**53 + 1),
    "double": 1.5,
    "text": "Zoë",
    "date": datetime(2026, 1, 31, 12, 0, 0, 123000, tzinfo=BERLIN),
    "far": Date(253402300800000 * 2, 60),
    "bytes": b"\x00\xff",
    "file": File("a.txt", "Zoë", mime_type="text/plain"),
    "json": Json.from_text('{"a": 1.10, "b": [null]}'),
    "xml": Xml("<a/>"),
    "object": ObjectValue("java.util.ArrayList", "application/json", "[1]"),
    "other": Other("Money", '{"a":1}', "{}"),
}


def sent(variables):
    """The variables as the engine gets them from a handler that returns these."""

    @handler
    def handle():
        return variables

    return run(handle)


class Color(Enum):
    RED = "red"


@dataclass
class Line:
    sku: str
    price: Decimal
    count: int = 1
    note: Optional[str] = None


@dataclass
class Order:
    number: Annotated[str, Name("orderNumber")]
    lines: List[Line]
    due: Optional[datetime] = None
    parent: Optional["Order"] = None


class Outgoing(unittest.TestCase):
    def test_each_plain_value_has_its_engine_type(self):
        expected = {
            None: "Null",
            True: "Boolean",
            1: "Integer",
            2**31: "Long",
            -(2**31): "Integer",
            1.0: "Double",
            "a": "String",
            b"a": "Bytes",
        }
        self.assertEqual({type_name(value) for value in (None, True)}, {"Null", "Boolean"})
        for value, name in expected.items():
            self.assertEqual(type_name(sent({"x": value}).variables["x"]), "Boolean" if value is True else type_name(value))
            if value not in (True, 1):
                self.assertEqual(type_name(sent({"x": value}).variables["x"]), name)

    def test_wrappers_say_what_the_plain_type_does_not(self):
        got = sent({"a": Long(1), "b": Short(1), "c": Double(1), "d": Xml("<a/>"), "e": Transient(Long(1))}).variables
        self.assertEqual([type_name(got[name]) for name in "abcd"], ["Long", "Short", "Double", "Xml"])
        self.assertEqual(got["e"], Transient(Long(1)))

    def test_structures_are_json(self):
        order = Order("7", [Line("a", 1, note=None)], due=datetime(2026, 1, 1, tzinfo=timezone.utc))
        got = sent({"order": order, "list": [1, Color.RED], "map": OrderedDict(a=1), "color": Color.RED}).variables
        self.assertEqual(
            got["order"].text,
            '{"orderNumber":"7","lines":[{"sku":"a","price":1,"count":1,"note":null}],'
            '"due":"2026-01-01T00:00:00+00:00","parent":null}',
        )
        self.assertEqual(got["list"], [1, "red"])
        self.assertEqual(got["map"], {"a": 1})
        self.assertEqual(got["color"], "red")

    def test_what_no_variable_can_hold_is_told_with_all_names(self):
        outcome = sent(
            {
                "a": 2**63,
                "b": float("nan"),
                "c": datetime(2026, 1, 1),
                "d": {"x": Decimal(1)},
                "e": Decimal(1),
                "f": object(),
                "g": 1,
            }
        )
        self.assertEqual(
            outcome.message,
            "variable `a`: 9223372036854775808 does not fit into Long, which "
            "has 64 bits; variable `b`: a Double cannot be nan; variable `c`: datetime.datetime(2026, 1, 1, 0, 0) has "
            "no time zone: say `tzinfo=timezone.utc`, or the one that is meant; variable `d`: Decimal cannot be part of "
            "a JSON document: say `str(…)` or `float(…)`; variable `e`: Decimal is no type of the engine: say `str(…)`, "
            "or `float(…)`; variable `f`: object is no type of the engine",
        )
        self.assertEqual(outcome.retry, "policy")

    def test_a_date_keeps_its_offset_and_its_milliseconds(self):
        date = Date.of(SAMPLES["date"])
        self.assertEqual(date.offset_minutes, 120)
        self.assertEqual(date.unix_millis % 1000, 123)
        self.assertEqual(date.datetime().isoformat(), "2026-01-31T12:00:00.123000+02:00")
        self.assertEqual(Date.of(datetime(1960, 1, 1, tzinfo=timezone.utc)).unix_millis, -315619200000)


class Incoming(unittest.TestCase):
    def read(self, hint, value, **more):
        """What a field of this type gets, or the message of the failure."""
        seen = []

        def handle(input):
            seen.append(input.x)

        kind = dataclass(type("Input", (), {"__annotations__": {"x": hint}}))
        handle.__annotations__ = {"input": kind}
        outcome = run(handle, more if value is ... else {"x": value, **more})
        return outcome.message if isinstance(outcome, Failure) else seen[0]

    def test_each_value_arrives_in_the_declared_type(self):
        cases = [
            (bool, True, True),
            (int, Long(5), 5),
            (float, 3, 3.0),
            (float, 1.5, 1.5),
            (Decimal, 1.1, Decimal("1.1")),
            (Decimal, 3, Decimal(3)),
            (str, "a", "a"),
            (datetime, SAMPLES["date"], SAMPLES["date"]),
            (bytes, b"a", b"a"),
            (Long, 5, Long(5)),
            (Short, 5, Short(5)),
            (Xml, Xml("<a/>"), Xml("<a/>")),
            (Color, "red", Color.RED),
            (Literal["a", "b"], "b", "b"),
            (Optional[int], None, None),
            (Optional[int], Null("Integer"), None),
            (Union[int, str], "a", "a"),
            (Any, {"a": [1.5]}, {"a": [1.5]}),
            (Dict[str, int], {"a": 1}, {"a": 1}),
            (List[int], ObjectValue("java.util.ArrayList", "application/json", "[1,2]"), [1, 2]),
            (Json, {"a": 1}, Json({"a": 1})),
        ]
        for hint, value, expected in cases:
            with self.subTest(hint=hint, value=value):
                got = self.read(hint, value)
                self.assertEqual(got, expected)
                self.assertIsInstance(got, type(expected))

    def test_json_becomes_nested_dataclasses(self):
        text = '{"orderNumber":"7","lines":[{"sku":"a","price":1.10,"more":1}],"due":"2026-01-01T00:00:00.000+0200"}'
        order = self.read(Order, Json.from_text(text.replace("+0200", "+02:00")))
        self.assertEqual(order.lines, [Line("a", Decimal("1.10"))])
        self.assertEqual(str(order.lines[0].price), "1.10")
        self.assertEqual(order.due, datetime(2026, 1, 1, tzinfo=BERLIN))

    def test_a_wrong_type_is_told_with_name_expected_and_found(self):
        self.assertEqual(
            self.read(float, "x"), "variable `x`: expected Double (or a whole number), found String"
        )
        self.assertEqual(self.read(int, True), "variable `x`: expected Integer (or Short or Long), found Boolean")
        self.assertEqual(self.read(str, Xml("<a/>")), "variable `x`: expected String, found Xml")
        self.assertEqual(self.read(str, None), "variable `x`: expected String, found Null")
        self.assertEqual(self.read(Color, "blue"), "variable `x`: expected 'red', found 'blue'")
        self.assertEqual(
            self.read(str, ...),
            "variable `x`: expected String, found no such variable (of the task, or in the manifest's `variables`)",
        )

    def test_a_long_is_read_into_a_float_if_that_holds_it_exactly(self):
        for exact in [2**53, 10**17, -(2**63)]:
            self.assertEqual(self.read(float, Long(exact)), float(exact))
            self.assertEqual(self.read(Double, exact), Double(exact))
        for between in [2**53 + 1, 10**17 + 1, 2**63 - 1]:
            self.assertEqual(
                self.read(float, Long(between)),
                f"variable `x`: expected Double, found the Long {between}, which a Double cannot hold exactly",
            )

    def test_all_that_is_wrong_in_a_document_is_told_with_its_place(self):
        order = {"lines": [{"sku": 1, "price": "x"}, 2], "due": "soon"}
        self.assertEqual(
            self.read(Order, order),
            "variable `x`: at `orderNumber` expected a value, found none; variable `x`: at `lines[0].sku` expected a "
            "text, found the number 1; variable `x`: at `lines[0].price` expected a number, found a text; variable `x`: "
            "at `lines[1]` expected an object (Line), found the number 2; variable `x`: at `due` expected a date and "
            "time like 2026-01-31T12:00:00+01:00, found a text",
        )
        self.assertIn("expected a JSON document, found a text that is none", self.read(Order, Json.from_text("{")))

    def test_a_default_stands_for_a_missing_variable(self):
        @dataclass
        class Input:
            count: int = 3
            tags: List[str] = field(default_factory=list)
            note: Optional[str] = None

        def handle(input):
            return {"count": input.count, "tags": input.tags, "note": input.note}

        handle.__annotations__ = {"input": Input}
        self.assertEqual(run(handle), Complete({"count": 3, "tags": [], "note": None}))

    def test_every_value_is_passed_on_unharmed_as_it_came(self):
        host = TestHost(SAMPLES)

        def handle(input: Variables):
            return {f"echo_{name}": value for name, value in input.items()}

        outcome = host.run(handle)
        self.assertEqual(len(outcome.variables), len(SAMPLES))
        for name, value in SAMPLES.items():
            got = outcome.variables[f"echo_{name}"]
            self.assertEqual(type_name(got), type_name(value))
            self.assertIs(type(got), type(value))
            self.assertEqual(got, value)
        self.assertEqual(outcome.variables["echo_json"].text, '{"a": 1.10, "b": [null]}')
        self.assertEqual(host.loaded, ["file"], "only the comparison above loads the file")

    def test_a_raw_field_is_as_it_came(self):
        self.assertEqual(type_name(self.read(Raw, Null("String"))), "Null (String)")
        self.assertIsInstance(self.read(Raw, {"a": 1}), Json)


if __name__ == "__main__":
    unittest.main()
