"""What a handler may ask of its host while it runs."""

from __future__ import annotations

from typing import Any, Literal

from ._duration import Duration, milliseconds
from ._encode import variables_of
from ._host import current


def extend_lock(duration: Duration) -> None:
    """Makes the lock last `duration` from now. Rarely needed: the host extends it by itself. Raises `LockError`."""
    current("extend_lock").extend_lock(milliseconds(duration))


def set_progress(variables: Any, *, scope: Literal["process", "local"] = "process") -> None:
    """Sets variables at once, while the handler goes on: of the process instance, or of the task's own scope.

    What belongs to the outcome goes with the outcome instead. Raises `ProgressError`.
    """
    current("set_progress").set_progress(variables_of(variables), scope)
