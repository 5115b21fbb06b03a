"""What the engine tells about a task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Task:
    """The task that this invocation is for."""

    id: str
    """The task's id."""
    topic: str
    """The topic it was fetched from."""
    business_key: str | None = None
    """The business key of its process instance."""
    activity_id: str = ""
    """The id of the BPMN activity (the service task in the model)."""
    activity_instance_id: str = ""
    """The id of this run of the activity."""
    execution_id: str = ""
    """The id of the execution that the task belongs to."""
    process_instance_id: str = ""
    """The id of the process instance."""
    process_definition_id: str = ""
    """The id of the process definition."""
    process_definition_key: str = ""
    """The key of the process definition (the process's id in the model)."""
    process_definition_version_tag: str | None = None
    """The version tag of the process definition."""
    tenant_id: str | None = None
    """The tenant."""
    retries: int | None = None
    """The retries left; `None` until a first failure was reported."""
    priority: int = 0
    """The priority; 0 unless the model or somebody says otherwise."""
    create_time: datetime | None = None
    """When the task was made; not every engine tells."""
    extension_properties: Mapping[str, str] = field(default_factory=dict)
    """The extension properties of the activity in the model, by name."""
    worker_id: str = ""
    """The id under which the host holds the lock. Whoever completes the task after a `HandOff` needs it."""
    error_message: str | None = None
    """The message of the failure before this try."""
    error_details: str | None = None
    """The details of the failure before this try."""
