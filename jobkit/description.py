"""A job as messages, logs and pages print it: like repr, without secrets, and short."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable
from typing import Any, cast

import msgspec

MASK = "***"
LONGEST_TEXT = 100
MOST_ITEMS = 10
DEEPEST = 6


def describe(value: object) -> str:
    """Return a text like `repr(value)`, with sensitive fields masked at every depth.

    Long texts and collections are shortened. A dataclass's own `__repr__` is not called: it might
    print what is masked here.

    >>> @dataclasses.dataclass
    ... class Login:
    ...     user: str
    ...     password: str = dataclasses.field(metadata={"sensitive": True})
    >>> describe([Login("ann", "secret")])
    "[Login(user='ann', password=***)]"
    """
    return _describe(value, DEEPEST)


def masked(value: object) -> Any:
    """Return a value as JSON has it, in full, with sensitive fields masked at every depth.

    >>> @dataclasses.dataclass
    ... class Login:
    ...     user: str
    ...     password: str = dataclasses.field(metadata={"sensitive": True})
    >>> masked([Login("ann", "secret")])
    [{'user': 'ann', 'password': '***'}]
    """
    cls: type[Any] = value.__class__
    if dataclasses.is_dataclass(cls):
        return {
            field.name: MASK
            if field.metadata.get("sensitive")
            else masked(getattr(value, field.name))
            for field in dataclasses.fields(cls)
        }
    if isinstance(value, dict):
        entries = cast("dict[object, object]", value)  # of what, is the user's affair
        return {str(name): masked(item) for name, item in entries.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [masked(item) for item in cast("Iterable[Any]", value)]  # likewise
    return msgspec.to_builtins(value)


def _describe(value: Any, depth: int) -> str:
    cls: type[Any] = value.__class__
    if depth == 0:
        return "..."
    if dataclasses.is_dataclass(cls):
        return f"{cls.__qualname__}({', '.join(_fields(cls, value, depth - 1))})"
    if issubclass(cls, dict):
        return f"{{{_join(_entries(value, depth - 1))}}}"
    if issubclass(cls, list):
        return f"[{_join(_items(value, depth - 1))}]"
    if issubclass(cls, tuple):
        comma = "," if len(value) == 1 else ""
        return f"({_join(_items(value, depth - 1))}{comma})"
    if issubclass(cls, set | frozenset):
        # Sorted: the order of a set differs from process to process.
        return f"{{{_join(sorted(_items(value, depth - 1)))}}}" if value else f"{cls.__name__}()"
    return _shorten(value)


def _fields(cls: type[Any], job: Any, depth: int) -> Iterable[str]:
    for field in dataclasses.fields(cls):
        if field.repr:
            secret = field.metadata.get("sensitive")
            value = MASK if secret else _describe(getattr(job, field.name, None), depth)
            yield f"{field.name}={value}"


def _entries(entries: dict[Any, Any], depth: int) -> Iterable[str]:
    for name, item in entries.items():
        yield f"{_describe(name, depth)}: {_describe(item, depth)}"


def _items(items: Iterable[Any], depth: int) -> Iterable[str]:
    return (_describe(item, depth) for item in items)


def _join(texts: Iterable[str]) -> str:
    shown = list(itertools.islice(texts, MOST_ITEMS + 1))
    return ", ".join([*shown[:MOST_ITEMS], *(["..."] if len(shown) > MOST_ITEMS else [])])


def _shorten(value: Any) -> str:
    too_long = isinstance(value, str | bytes) and len(value) > LONGEST_TEXT
    try:
        text = repr(value[:LONGEST_TEXT] if too_long else value)
    # A __repr__ is code of the user's; a message about a job must not fail on it.
    except Exception:
        return f"<{type(value).__qualname__}>"
    return f"{text[:LONGEST_TEXT]}..." if too_long or len(text) > LONGEST_TEXT else text
