"""How a step prints itself: as a call that makes it, without what stands at its default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from typing import Any

from msgspec import NODEFAULT, Struct
from msgspec.structs import fields as struct_fields

from jobkit.store import LaneSet


class Value:
    """The base of steps: equal by their fields, printed as code."""

    __slots__ = ()

    def __repr__(self) -> str:
        return shown(self)


def shown(value: object) -> str:
    """Return a value as code that makes it.

    >>> from datetime import timedelta
    >>> shown({"delay": timedelta(seconds=1)})
    "{'delay': timedelta(seconds=1)}"
    >>> shown(LaneSet(key="mail", lanes={}))
    "<lanes 'mail'>"
    """
    if isinstance(value, LaneSet):
        return f"<lanes {value.key!r}>"  # of operations, not of steps: all their types are long
    known: Any = value  # what isinstance finds out has no types inside
    if is_dataclass(value) and not isinstance(value, type):
        return _call(value)
    if isinstance(value, Struct):
        return _struct(value)
    if isinstance(value, Enum):
        return repr(value.value)
    if isinstance(value, Mapping):
        pairs: Mapping[Any, Any] = known
        inside = ", ".join(f"{shown(key)}: {shown(item)}" for key, item in pairs.items())
        return f"{{{inside}}}"
    if isinstance(value, tuple):
        items: tuple[Any, ...] = known
        return f"({', '.join(map(shown, items))}{',' * (len(items) == 1)})"
    if isinstance(value, list):
        listed: list[Any] = known
        return f"[{', '.join(map(shown, listed))}]"
    return repr(value).removeprefix("datetime.")


def default_of(field: Field[Any]) -> object:
    """Return what a field has if nobody says; `MISSING` if it must be said."""
    if field.default_factory is not MISSING:
        return field.default_factory()
    return field.default


def _struct(value: Struct) -> str:
    told: list[str] = []
    for field in struct_fields(value):
        item = getattr(value, field.name)
        is_made = field.default_factory is not NODEFAULT
        if item != (field.default_factory() if is_made else field.default):
            told.append(f"{field.name}={shown(item)}")
    return f"{type(value).__name__}({', '.join(told)})"


def _call(value: Any) -> str:
    told: list[str] = []
    in_order = True
    for field in fields(value):
        item = getattr(value, field.name)
        if item == default_of(field):
            in_order = False
        elif in_order and not field.kw_only:
            told.append(shown(item))
        else:
            told.append(f"{field.name}={shown(item)}")
    return f"{type(value).__name__}({', '.join(told)})"
