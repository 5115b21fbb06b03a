"""Approves payments up to a limit."""

from dataclasses import dataclass

from fetchlock import BpmnError, Task, config, handler, log


@dataclass
class Input:
    """The variables that the handler reads."""

    amount: float
    customer: str


@dataclass
class Output:
    """The variables that it sets."""

    approved: bool
    message: str


@handler
def handle(task: Task, input: Input) -> Output:
    """Handles one task."""
    limit = float(config.get("limit", "1000"))
    if input.amount > limit:
        raise BpmnError("TOO_MUCH", f"{input.amount:.15g} is more than {limit:.15g}")
    log.info("approved", amount=input.amount, task=task.id)
    return Output(approved=True, message=f"Thank you, {input.customer}")
