"""A Fetchlock plugin for the topic `convert-invoice`: it reads an invoice that is an XML document, computes its totals,
and makes a table of its lines for the book-keeping.

This file speaks with the host. How an invoice is read and computed stands in `invoice.py`.
"""

from dataclasses import dataclass
from typing import Annotated

from fetchlock import BpmnError, File, Name, Task, config, handler, log

from invoice import Invoice, Totals, UnreadableInvoice, to_csv


@dataclass
class Input:
    """The variables that the handler reads."""

    invoice: File


@dataclass
class Output:
    """The variables that it sets."""

    invoice_number: Annotated[str, Name("invoiceNumber")]
    totals: Totals
    booking: File


@handler
def handle(task: Task, input: Input) -> Output:
    """Handles one task."""
    try:
        # The parser itself looks for the encoding that the document declares; a file's own label is often wrong.
        invoice = Invoice.parse(input.invoice.load())
    except UnreadableInvoice as error:
        log.warn("unreadable invoice", file=input.invoice.name, reason=error)
        raise BpmnError("UNREADABLE_INVOICE", f"{input.invoice.name}: {error}", {"invoiceProblem": str(error)}) from error
    totals = invoice.totals()
    table = to_csv(invoice, config.get("account", "4400"))
    log.info("invoice converted", number=invoice.number, lines=len(invoice.lines), gross=totals.gross)
    return Output(
        invoice_number=invoice.number,
        totals=totals,
        booking=File(f"{invoice.number}.csv", table, mime_type="text/csv"),
    )
