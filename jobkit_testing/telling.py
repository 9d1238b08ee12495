"""A timeline as plain text, field by field: it can travel to another process and be compared.

What must differ from run to run is taken out: an id becomes the number of its job, an instant the
time since the start. Secrets are taken out too.
"""

from __future__ import annotations

import platform
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import msgspec

from jobkit.clock import from_milliseconds
from jobkit.description import describe
from jobkit.ids import ALPHABET, ID_LENGTH
from jobkit.store import NewJob, StoredAttempt, StoredJob
from jobkit_testing.places import describe_store
from jobkit_testing.timeline import Event, Timeline

RAW = "bytes of the payload"  # a checksum, to be compared and not to be shown
_ID = re.compile(rf"\b[{ALPHABET}]{{{ID_LENGTH}}}\b")
_INSTANTS = frozenset({"run_at", "cancel_requested_at", "timed_out_at"} | {
    f"{verb}_at" for verb in ("enqueued", "started", "finished", "checked_in")
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldEvent:
    """One event: when, as one line, and the job's fields after it as text."""

    at: str
    line: str
    job: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A timeline: where and when it was, and its events; `earlier`: how many are forgotten."""

    place: str
    seed: int
    start: str
    jobkit: str
    python: str
    earlier: int
    events: tuple[ToldEvent, ...]

    def encode(self) -> str:
        """Return a text that `decode_told` reads."""
        return msgspec.json.encode(self).decode()


def decode_told(text: str) -> Told:
    """Read what `Told.encode` wrote."""
    return msgspec.json.decode(text, type=Told)


def tell(timeline: Timeline) -> Told:
    """Write a timeline down as it is now."""
    return Told(
        place=describe_store(timeline.store),
        seed=timeline.seed,
        start=from_milliseconds(timeline.start).isoformat().replace("+00:00", "Z"),
        jobkit=version("jobkit-sdk"),
        python=platform.python_version(),
        earlier=timeline.forgotten,
        events=tuple(_Teller(timeline).events()),
    )


class _Teller:
    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline

    def events(self) -> Iterator[ToldEvent]:
        for event in self._timeline.events:
            yield ToldEvent(
                at=self._timeline.since_start(event.at),
                line=self._plain(self._timeline.line(event)),
                job=self._timeline.label(event.job.id),
                fields=dict(self._fields(event)),
            )

    def _fields(self, event: Event) -> Iterator[tuple[str, str]]:
        job = event.job
        for name in job.__struct_fields__:
            value: Any = getattr(job, name)
            if name == "payload":
                yield name, self._payload(job)
                yield RAW, str(zlib.crc32(self._plain(_text(value)).encode()))
            elif name == "attempts":
                yield from self._attempts(value)
            elif name != "id":
                yield name, self._value(name, value)

    def _payload(self, job: NewJob | StoredJob) -> str:
        return self._plain(self._timeline.describe(job))

    def _attempts(self, attempts: tuple[StoredAttempt, ...]) -> Iterator[tuple[str, str]]:
        for number, attempt in enumerate(attempts):
            for name in attempt.__struct_fields__:
                value = self._value(name, getattr(attempt, name))
                yield f"attempts[{number}].{name}", value

    def _value(self, name: str, value: Any) -> str:
        if name in _INSTANTS and value is not None:
            return self._timeline.since_start(value)
        if isinstance(value, bytes):
            return self._plain(_text(value)) or "none"
        return self._plain(value if isinstance(value, str) else describe(value))

    def _plain(self, text: str) -> str:
        """Return a text with the numbers of jobs instead of their ids."""
        return _ID.sub(lambda match: self._timeline.label(match[0]), text)


def _text(stored: bytes) -> str:
    return stored.decode(errors="backslashreplace")
