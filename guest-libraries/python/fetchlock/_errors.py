"""What goes wrong between a handler and its host."""

from __future__ import annotations


class InputError(Exception):
    """The variables are not what the handler needs. The text names each, what was expected and what was found."""


class VariableError(ValueError):
    """Values that cannot be variables. The text names each, and why."""


class NotRunningError(RuntimeError):
    """Something that needs a task was asked for where there is none: while the module is imported, say."""


class HostError(Exception):
    """What a call of the host ended in, other than its result. Not caught, it is a failure under the retry policy."""

    kind: str
    """The contract's name of it."""
    text: str
    """What the host says about it; may be empty."""

    def __init__(self, kind: str, text: str = "", *, what: str = "") -> None:
        self.kind = kind
        self.text = text
        message = f"{kind}: {text}" if text else kind
        super().__init__(f"{what}: {message}" if what else message)


class LoadError(HostError):
    """Why a file could not be loaded: `unknown`, `not-a-file`, `unavailable` or `too-large`."""


class ProgressError(HostError):
    """Why progress variables were not set: `invalid`, `gone` or `unavailable`."""


class LockError(HostError):
    """Why a lock was not extended: `lock-lost`, `invalid` or `unavailable`."""


class DecisionError(HostError):
    """Why an outcome was not accepted: `already-decided`, `invalid` or `not-durable`."""
