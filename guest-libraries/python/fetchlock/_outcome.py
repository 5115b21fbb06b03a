"""What becomes of a task: what a handler returns or raises."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Union

from ._duration import Duration


@dataclass(frozen=True)
class Complete:
    """The task is done. A handler need not say so: what it returns are the variables of a `Complete`."""

    variables: Any = field(default_factory=dict)
    """Variables for the process instance: a dict or a dataclass."""
    local_variables: Any = field(default_factory=dict)
    """Variables for the task's own scope, where output mappings see them."""


@dataclass(frozen=True)
class Unlock:
    """Gives the task back, for any worker to fetch no sooner than after `delay`."""

    delay: Duration = 0
    """The least time until somebody may fetch it."""


@dataclass(frozen=True)
class HandOff:
    """Leaves the task locked for `duration`, for somebody else to complete under `task.worker_id`."""

    duration: Duration
    """How long."""


@dataclass(frozen=True)
class Retries:
    """The retries that a failure leaves, whatever the policy says."""

    left: int
    """How many; 0 makes an incident."""
    delay: Duration = 0
    """How long the next one waits."""


Retry = Union[Literal["policy", "never", "system-down"], Retries]
"""What happens after a failure.

`"policy"`: the plugin's retry policy decides. `Retries(left, delay)`: exactly these. `"never"`: an incident at once.
`"system-down"`: a system that the handler needs is down; no retry is used up, and the host pauses the topic until it is
well again.
"""


class BpmnError(Exception):
    """Raised (or returned): the task ends with a business error, which a boundary error event of this code catches.

    List the code in the manifest's `bpmn-errors`: the engine silently ends the execution on one that nothing catches.
    """

    def __init__(self, code: str, message: str | None = None, variables: Any = None) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.message = message
        self.variables: Any = {} if variables is None else variables


class Failure(Exception):
    """Raised (or returned): the task failed for a technical reason. It says more than another exception can.

    Without `details` the traceback is told.
    """

    def __init__(
        self,
        message: str,
        details: str | None = None,
        *,
        retry: Retry = "policy",
        variables: Any = None,
        local_variables: Any = None,
    ) -> None:
        super().__init__(message)
        if not isinstance(retry, Retries) and retry not in ("policy", "never", "system-down"):
            raise ValueError(f'retry is "policy", "never", "system-down" or Retries(left, delay), not {retry!r}')
        self.message = message
        self.details = details
        self.retry: Retry = retry
        self.variables: Any = {} if variables is None else variables
        self.local_variables: Any = {} if local_variables is None else local_variables


Outcome = Union[Complete, BpmnError, Failure, Unlock, HandOff]
"""What an invocation decided."""
