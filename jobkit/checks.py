"""Checks of values. Each returns in words what is wrong with a value, or None if nothing is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias

PRIORITIES = (-32768, 32767)
QUEUE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
TYPE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.<>-]{0,254}")

Check: TypeAlias = Callable[[Any], str | None]


def duration(value: Any) -> str | None:
    if not isinstance(value, timedelta):
        return "give a datetime.timedelta"
    return "must not be negative" if value < timedelta(0) else None


def positive_duration(value: Any) -> str | None:
    if not isinstance(value, timedelta):
        return "give a datetime.timedelta"
    return "must be longer than zero" if value <= timedelta(0) else None


def instant(value: Any) -> str | None:
    if not isinstance(value, datetime):
        return "give an aware datetime.datetime"
    if value.utcoffset() is None:
        return "has no time zone; give an aware datetime, e.g. datetime.now(UTC)"
    return None


def unique_key(key: object) -> str | None:
    if key is None or callable(key) or (isinstance(key, str) and key):
        return None
    return "key= takes a str that is not empty, or a function of the job"


def count(value: Any) -> str | None:
    return None if _is_int(value) and value >= 0 else "give an int of at least 0"


def positive(value: Any) -> str | None:
    return None if _is_int(value) and value >= 1 else "give an int of at least 1"


def priority(value: Any) -> str | None:
    low, high = PRIORITIES
    return None if _is_int(value) and low <= value <= high else f"give an int from {low} to {high}"


def flag(value: Any) -> str | None:
    return None if isinstance(value, bool) else "give True or False"


def optional(check: Check) -> Check:
    return lambda value: None if value is None else check(value)


def one_of(*choices: str) -> Check:
    words = " or ".join(map(repr, choices))
    return lambda value: None if value in choices else f"give {words}"


def queue_name(value: Any) -> str | None:
    """Check the name of a queue or a schedule."""
    if isinstance(value, str) and QUEUE_NAME.fullmatch(value):
        return None
    return "a name is 1 to 128 of A-Z a-z 0-9 . _ - and begins with a letter or a digit"


def type_name(value: Any) -> str | None:
    """Check the stored name of a type."""
    if isinstance(value, str) and TYPE_NAME.fullmatch(value):
        return None
    return "a type's name is 1 to 255 of A-Z a-z 0-9 _ . < > - and does not begin with . < > -"


def type_names(value: Any) -> str | None:
    if isinstance(value, str) or not is_a(Sequence, value):
        return "give a list of names"
    return next(filter(None, map(type_name, value)), None)


def metadata(value: Any) -> str | None:
    if not is_a(Mapping, value):
        return "give a mapping of str to str"
    for key, item in value.items():
        if not (isinstance(key, str) and isinstance(item, str)):
            return f"key and value of {key!r} must be str"
    return None


def weights(value: Any) -> str | None:
    is_mapping = is_a(Mapping, value)
    if isinstance(value, str) or not (is_mapping or is_a(Sequence, value)) or not value:
        return "give a list of queue names, or a mapping of name to weight"
    names = list(value)
    if complaint := next(filter(None, map(queue_name, names)), None):
        return complaint
    if is_mapping:
        for weight in value.values():
            if not (_is_int(weight) and 1 <= weight <= 1000):
                return f"a weight is an int from 1 to 1000, not {weight!r}"
        return None
    return "names a queue twice; give each once" if len(set(names)) < len(names) else None


def plain_name(name: str) -> str:
    """Return a name without the enum that it may be a member of.

    >>> from enum import Enum
    >>> class Queues(str, Enum):
    ...     MAIL = "mail"
    >>> f"{Queues.MAIL}", plain_name(Queues.MAIL)
    ('Queues.MAIL', 'mail')
    """
    return str.__str__(name)


def is_a(kind: type, value: object) -> bool:
    """Tell a bool alone: what is known of a user's value is that it is Any."""
    return isinstance(value, kind)


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
