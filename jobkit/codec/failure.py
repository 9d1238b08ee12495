"""Why a job cannot be stored, and where in it the reason lies: read after the fact, never before.

No text here shows a value of the job, which may be secret.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from jobkit.codec.classes import label
from jobkit.codec.comparison import NOT_FINITE, Difference

_PLACE = re.compile(r"(?P<text>.*) - at (?P<key>`key` in )?`\$(?P<path>[^`]*)`", re.DOTALL)


def find_not_finite(job: object) -> Difference | None:
    """Find a NaN or an infinity, which msgspec writes as null."""
    for path, leaf in _leaves(job):
        if isinstance(leaf, float) and not math.isfinite(leaf):
            return Difference(path, NOT_FINITE)
    return None


def find_unwritable(job: object, write: Callable[[Any], bytes]) -> Difference | None:
    """Find a value that cannot be written, even alone."""
    for path, leaf in _leaves(job):
        try:
            write(leaf)
        except UnicodeEncodeError:
            return Difference(path, "holds a lone surrogate, which UTF-8 does not have; replace it")
        except ValueError as error:
            return Difference(path, str(error))
        except TypeError:
            return Difference(path, f"{label(type(leaf))} has no JSON form; store plain data")
    return None


def read_failure(error: Exception, *, secret: bool) -> Difference:
    """Return where decoding failed and why; with `secret` without what might quote a value."""
    place = _PLACE.fullmatch(str(error))
    text, path = (place["text"], place["path"]) if place else (str(error), "")
    if place and place["key"]:
        path += "[...]"
    raised = error.__cause__ if isinstance(error, msgspec.MsgspecError) else error
    if raised is not None:
        shown = "" if secret else f": {text}"
        return Difference(path, f"decoding it raised {type(raised).__name__}{shown}")
    if secret and text.startswith(("Invalid enum value", "Invalid value")):
        return Difference(path, "Invalid value")
    return Difference(path, text)


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    for segment, part in _parts(value):
        if segment:
            yield from _leaves(part, path + segment)
        else:
            yield path, part


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    kind: type[Any] = value.__class__
    if issubclass(kind, list | tuple):
        yield from ((f"[{index}]", item) for index, item in enumerate(value))
    elif issubclass(kind, set | frozenset):
        yield from (("[...]", item) for item in value)
    elif issubclass(kind, dict):
        yield from (("[...]", part) for entry in value.items() for part in entry)
    elif dataclasses.is_dataclass(kind):
        names = (field.name for field in dataclasses.fields(kind))
        yield from ((f".{name}", getattr(value, name, None)) for name in names)
    else:
        yield "", value
