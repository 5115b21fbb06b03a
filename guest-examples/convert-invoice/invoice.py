"""Invoices: read from XML, added up, and written as a table."""

import csv
import io
from collections import defaultdict
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from xml.etree import ElementTree

CENT = Decimal("0.01")
"""What amounts are rounded to."""


class UnreadableInvoice(Exception):
    """The document is no invoice that can be booked. The text says why."""


@dataclass
class Line:
    """A line of an invoice."""

    article: str
    quantity: Decimal
    price: Decimal
    """Of one, without tax."""
    tax_rate: Decimal
    """In percent."""

    @property
    def net(self) -> Decimal:
        """What the line costs without tax."""
        return (self.quantity * self.price).quantize(CENT, ROUND_HALF_UP)


@dataclass
class Tax:
    """The tax of one rate. Amounts are texts, for a number in JSON may be rounded by who reads it."""

    rate: str
    net: str
    tax: str


@dataclass
class Totals:
    """What an invoice comes to. Amounts are texts, as in `Tax`."""

    currency: str
    net: str
    tax: str
    gross: str
    taxes: list[Tax]


@dataclass
class Invoice:
    """An invoice."""

    number: str
    currency: str
    lines: list[Line]

    @classmethod
    def parse(cls, document: bytes) -> "Invoice":
        """Reads an XML document. Raises `UnreadableInvoice`."""
        try:
            root = ElementTree.fromstring(document)
        except (ElementTree.ParseError, LookupError, ValueError) as error:
            raise UnreadableInvoice(f"no XML: {error}") from error
        if root.tag != "invoice":
            raise UnreadableInvoice(f"expected an <invoice>, found a <{root.tag}>")
        lines = [
            Line(
                article=_attribute(line, "article"),
                quantity=_number(line, "quantity"),
                price=_number(line, "price"),
                tax_rate=_number(line, "tax-rate"),
            )
            for line in root.iterfind("lines/line")
        ]
        if not lines:
            raise UnreadableInvoice("the invoice has no <line> in <lines>")
        return cls(_attribute(root, "number"), root.get("currency", "EUR"), lines)

    def totals(self) -> Totals:
        """Adds up. Tax is computed of the sum of each rate and rounded once."""
        sums: defaultdict[Decimal, Decimal] = defaultdict(Decimal)
        for line in self.lines:
            sums[line.tax_rate] += line.net
        taxes = {rate: (net * rate / 100).quantize(CENT, ROUND_HALF_UP) for rate, net in sorted(sums.items())}
        net, tax = sum(sums.values(), Decimal(0)), sum(taxes.values(), Decimal(0))
        return Totals(
            currency=self.currency,
            net=f"{net:.2f}",
            tax=f"{tax:.2f}",
            gross=f"{net + tax:.2f}",
            taxes=[Tax(f"{rate.normalize():f}", f"{sums[rate]:.2f}", f"{amount:.2f}") for rate, amount in taxes.items()],
        )


def to_csv(invoice: Invoice, account: str) -> str:
    """The lines of an invoice as a table with a head, to be booked on an account."""
    text = io.StringIO()
    table = csv.writer(text, delimiter=";", lineterminator="\n")
    table.writerow(["account", "invoice", "article", "quantity", "net", "tax-rate"])
    for line in invoice.lines:
        table.writerow([account, invoice.number, line.article, line.quantity, line.net, line.tax_rate])
    return text.getvalue()


def _attribute(element: ElementTree.Element, name: str) -> str:
    value = element.get(name)
    if not value:
        raise UnreadableInvoice(f"<{element.tag}> has no `{name}`")
    return value


def _number(element: ElementTree.Element, name: str) -> Decimal:
    text = _attribute(element, name)
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or number < 0:
        raise UnreadableInvoice(f"`{name}` of a <{element.tag}>: expected a number, found {text!r}")
    return number
