"""Processes that a handler starts and messages that it sends.

They need a grant: `start-process` or `correlate-message` under `[grants]` of the manifest, allowed by the operator. A
call is done when it returns, and stays done if the handler then fails; a handler that runs again makes its calls again.
So give what must be started once a business key that follows from the task, and `unless_running=True`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ._encode import Variable, variables_of
from ._errors import HostError
from ._host import current


class StartError(HostError):
    """Why no process was started, or (`unanswered`) why nobody knows.

    Its `kind` is `denied`, `invalid`, `no-such-process`, `rejected`, `unavailable` or `unanswered`.
    """


class CorrelateError(HostError):
    """Why a message was not correlated, or (`unanswered`) why nobody knows.

    Its `kind` is `denied`, `invalid`, `no-match`, `ambiguous`, `rejected`, `unavailable` or `unanswered`.
    """


@dataclass(frozen=True)
class Instance:
    """A process instance that was started, or that received a message."""

    id: str
    """Its id."""
    started: bool
    """True: it is new. False: it ran already."""


@dataclass(frozen=True)
class Tenant:
    """A tenant, by its id: who may receive a message."""

    id: str
    """Its id."""


@dataclass(frozen=True)
class ProcessStart:
    """What `start_process` asks of the host."""

    key: str
    tenant_id: str | None
    business_key: str | None
    variables: list[Variable]
    unless_running: bool


@dataclass(frozen=True)
class Message:
    """What `correlate_message` asks of the host."""

    name: str
    business_key: str | None
    process_instance_id: str | None
    correlation_keys: list[Variable]
    local_correlation_keys: list[Variable]
    tenant: Tenant | Literal["any", "without"]
    variables: list[Variable]
    local_variables: list[Variable]
    receivers: Literal["one", "all"]


def start_process(
    key: str,
    *,
    business_key: str | None = None,
    variables: Any = None,
    tenant_id: str | None = None,
    unless_running: bool = False,
) -> Instance:
    """Starts the latest version of the process with this key (its id in the model). Raises `StartError`.

    With `unless_running` only if no instance of it runs that has the business key, which must be given then.
    """
    start = ProcessStart(key, tenant_id, business_key, variables_of(variables), unless_running)
    return current("start_process").start_process(start)


def correlate_message(
    name: str,
    *,
    business_key: str | None = None,
    process_instance_id: str | None = None,
    correlation_keys: Any = None,
    local_correlation_keys: Any = None,
    tenant: Tenant | Literal["any", "without"] = "any",
    variables: Any = None,
    local_variables: Any = None,
    receivers: Literal["one", "all"] = "one",
) -> list[Instance]:
    """Sends a message to who waits for it, or starts the process that starts with it. Raises `CorrelateError`.

    Every criterion that is given must hold for who receives it. `correlation_keys` are variables that the instance has
    with these values, `local_correlation_keys` such of the waiting execution's own scope.
    """
    message = Message(
        name=name,
        business_key=business_key,
        process_instance_id=process_instance_id,
        correlation_keys=variables_of(correlation_keys),
        local_correlation_keys=variables_of(local_correlation_keys),
        tenant=tenant,
        variables=variables_of(variables),
        local_variables=variables_of(local_variables),
        receivers=receivers,
    )
    return current("correlate_message").correlate_message(message)
