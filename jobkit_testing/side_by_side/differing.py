"""Where two values differ, field by field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

LONGEST = 300  # characters of one value


def differing(a: object, b: object, path: str = "") -> list[str]:
    """Return a line for each place where two values differ; none if they are equal.

    >>> differing((1, {"x": 2}), (1, {"x": 3}))
    ["[1]['x']: 2 | 3"]
    """
    if a == b and type(a) is type(b):
        return []
    parts = _parts(a, b)
    if parts is None:
        return [f"{path or 'the answer'}: {_shown(a)} | {_shown(b)}"]
    return [line for name, x, y in parts for line in differing(x, y, f"{path}{name}")]


def _parts(a: Any, b: Any) -> list[tuple[str, Any, Any]] | None:
    """Take two values of one shape apart; None if there is nothing to take apart."""
    if type(a) is not type(b):
        return None
    one: Any = a  # what isinstance finds out has no types inside
    names = _field_names(a)
    if names:
        return [(f".{name}", getattr(a, name), getattr(b, name)) for name in names]
    if isinstance(a, Mapping):
        left: Mapping[Any, Any] = one
        right: Mapping[Any, Any] = b
        if left.keys() != right.keys():
            return None
        return [(f"[{key!r}]", left[key], right[key]) for key in left]
    if isinstance(a, Sequence) and not isinstance(a, str | bytes):
        ones: Sequence[Any] = one
        others: Sequence[Any] = b
        if len(ones) != len(others):
            return None
        return [(f"[{i}]", x, y) for i, (x, y) in enumerate(zip(ones, others, strict=True))]
    return None


def _field_names(value: Any) -> tuple[str, ...]:
    if is_dataclass(value):
        return tuple(field.name for field in fields(value))
    names: tuple[str, ...] = getattr(value, "__struct_fields__", ())
    return names


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text)} characters)"
