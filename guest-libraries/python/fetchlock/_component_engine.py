"""The calls of the engine in a component, if its world has them."""

from __future__ import annotations

import re
from typing import Any

from componentize_py_types import Err

from ._component_values import written
from ._errors import HostError
from .engine import CorrelateError, Instance, Message, ProcessStart, StartError, Tenant

try:
    from wit_world.imports import engine
except ImportError:
    engine = None  # type: ignore[assignment]

_MISSING = (
    "this component cannot call the engine: name what it may do under `[grants]` of its manifest, as "
    "`{} = [\"…\"]`, and build it again"
)


def start_process(start: ProcessStart) -> Instance:
    """Starts a process instance."""
    if engine is None:
        raise StartError("denied", _MISSING.format("start-process"), what="start_process")
    asked = engine.ProcessStart(
        start.key, start.tenant_id, start.business_key, written(start.variables), start.unless_running
    )
    try:
        started = engine.start_process(asked)
    except Err as error:
        raise _reason(StartError, error, "start_process") from None
    return Instance(started.value, isinstance(started, engine.Started_New))


def correlate_message(message: Message) -> list[Instance]:
    """Sends a message."""
    if engine is None:
        raise CorrelateError("denied", _MISSING.format("correlate-message"), what="correlate_message")
    asked = engine.Message(
        name=message.name,
        business_key=message.business_key,
        process_instance_id=message.process_instance_id,
        correlation_keys=written(message.correlation_keys),
        local_correlation_keys=written(message.local_correlation_keys),
        tenant=_tenant(message.tenant),
        variables=written(message.variables),
        local_variables=written(message.local_variables),
        receivers=engine.Receivers.ALL if message.receivers == "all" else engine.Receivers.ONE,
    )
    try:
        receivers = engine.correlate_message(asked)
    except Err as error:
        raise _reason(CorrelateError, error, "correlate_message") from None
    return [Instance(one.value, isinstance(one, engine.Receiver_Started)) for one in receivers]


def _tenant(tenant: Tenant | str) -> Any:
    if isinstance(tenant, Tenant):
        return engine.MessageTenant_Id(tenant.id)
    return engine.MessageTenant_Without() if tenant == "without" else engine.MessageTenant_Any()


def _reason(kind: type[HostError], error: Err[Any], what: str) -> HostError:
    """Of `StartError_NoSuchProcess` it makes `no-such-process`."""
    name = re.sub(r"(?<!^)(?=[A-Z])", "-", type(error.value).__name__.partition("_")[2]).lower()
    return kind(name, error.value.value, what=what)
