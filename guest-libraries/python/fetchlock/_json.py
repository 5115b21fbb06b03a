"""JSON texts of plain values and dataclasses."""

from __future__ import annotations

import dataclasses
import json
from datetime import date, datetime
from enum import Enum
from typing import Any

from ._fields import values_of
from ._file import File
from ._values import Date, Json, Null, ObjectValue, Other, Transient

_NOT_IN_JSON = (File, ObjectValue, Other, Null, Date, Transient)


def to_text(value: Any) -> str:
    """The text of a JSON document. Raises `TypeError` or `ValueError` for what JSON cannot say."""
    return json.dumps(value, default=_plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if isinstance(value, Json):
        return value.value
    if isinstance(value, _NOT_IN_JSON):
        raise TypeError(f"{type(value).__name__} cannot be part of a JSON document")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return values_of(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    hint = ": say `str(…)` or `float(…)`" if type(value).__name__ == "Decimal" else ""
    raise TypeError(f"{type(value).__name__} cannot be part of a JSON document{hint}")
