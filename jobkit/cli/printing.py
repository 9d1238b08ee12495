"""How commands print what they found: tables for people, JSON for programs."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

import msgspec

from jobkit.description import describe, masked
from jobkit.record import JobRecord

GAP = "  "


def print_json(value: Any) -> None:
    """Print a value as JSON; instants as ISO 8601, durations in seconds."""
    json.dump(_plain(value), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def print_table(titles: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows below titles, columns as wide as they need to be; nothing for no rows."""
    if not rows:
        return
    lines = [[*titles], *([shown(cell) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(titles) - 1)]
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=False)]
        print(GAP.join([*cells, line[-1]]).rstrip())


def shown(value: object) -> str:
    """Return a cell or a field as people read it.

    >>> shown(None), shown(timedelta(milliseconds=1500)), shown(("a", "b"))
    ('-', '1.5 s', 'a, b')
    """
    match value:
        case None:
            return "-"
        case datetime():
            return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case timedelta():
            return f"{value.total_seconds():g} s"
        case tuple() | list():
            items = cast("Sequence[object]", value)  # a pattern does not tell of what
            return ", ".join(shown(item) for item in items) or "-"
        case _:
            return str(value)


def counted(number: int, noun: str) -> str:
    """Return a number and what it is of.

    >>> counted(1, "job"), counted(1000, "job")
    ('1 job', '1,000 jobs')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def payload_of(record: JobRecord[Any]) -> str:
    """Return the payload without secrets; without its type nobody knows what is secret."""
    if record.payload is not None:
        return describe(record.payload)
    return counted(len(record.raw), "byte")


def is_unread(record: JobRecord[Any]) -> bool:
    """Tell whether a payload is there that nobody here can read."""
    return record.payload is None and record.raw != b""


def record_json(record: JobRecord[Any]) -> dict[str, Any]:
    """Return a record for programs: the payload without secrets, not the raw bytes."""
    fields = {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}
    del fields["raw"]
    return {**fields, "payload": masked(record.payload)}


def _plain(value: Any) -> Any:
    match value:
        case timedelta():
            return value.total_seconds()
        case datetime():
            return shown(value)
        case Mapping():
            entries = cast("Mapping[object, object]", value)  # as above
            return {str(key): _plain(item) for key, item in entries.items()}
        case list() | tuple():
            return [_plain(item) for item in cast("Sequence[Any]", value)]  # as above
        case _ if dataclasses.is_dataclass(value):
            return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        case _:
            return msgspec.to_builtins(value)
