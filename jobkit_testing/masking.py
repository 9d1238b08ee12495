"""Which fields of a job messages must not show."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, cast, get_args, get_type_hints

from jobkit.description import MASK, describe


def masked(parts: Mapping[Any, object], cls: type[Any]) -> str:
    """Write a part of a payload, without what is sensitive in the type or inside of it."""
    secret = frozenset(_secret_names(cls, set()))
    return _write(parts, secret)


def _write(value: object, secret: frozenset[str]) -> str:
    if not isinstance(value, Mapping):
        return describe(value)
    parts = cast("Mapping[Any, object]", value)  # of what, is the user's affair
    texts = (
        f"{name!r}: {MASK if name in secret else _write(part, secret)}"
        for name, part in parts.items()
    )
    return f"{{{', '.join(texts)}}}"


def _secret_names(cls: Any, seen: set[int]) -> Iterator[str]:
    """Yield the names of the sensitive fields of a type and of all types inside of it."""
    if id(cls) in seen:
        return
    seen.add(id(cls))
    for part in get_args(cls):
        yield from _secret_names(part, seen)
    if not dataclasses.is_dataclass(cls):
        return
    hints = get_type_hints(cls)
    for field in dataclasses.fields(cls):
        if field.metadata.get("sensitive"):
            yield field.name
        yield from _secret_names(hints.get(field.name), seen)
