"""What a test asks for, and how a job differs from it."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypedDict, TypeVar

from jobkit.checks import Check, duration
from jobkit.clock import MILLISECOND, duration_milliseconds, from_milliseconds, to_milliseconds_up
from jobkit.codec import label
from jobkit.description import MASK, describe
from jobkit.engine.records import metadata_of
from jobkit.engine.uniqueness import key_text, shown_key
from jobkit.errors import InvalidJob, InvalidOption
from jobkit.jobtype import DataclassLike, JobType, job_type, job_type_of
from jobkit.options import ENQUEUE_CHECKS, check_options
from jobkit.record import JobState
from jobkit.store import NewJob, StoredJob

J = TypeVar("J", bound=DataclassLike)


class Match(TypedDict, total=False):
    """What else an assertion may ask of a job than its type and payload.

    `run_at`, and `delay` from the enqueue to it, are exact unless there is a `tolerance`;
    `metadata` has to contain these pairs. `unique_key` is the key that the job was given, whether
    it still holds it or not.
    """

    queue: str
    priority: int
    run_at: datetime
    delay: timedelta
    tolerance: timedelta
    unique_key: str
    state: JobState | str
    metadata: Mapping[str, str]


def _state(value: Any) -> str | None:
    names = [str(state) for state in JobState]
    return None if value in names else f"give one of {', '.join(names)}"


_COUNTING = frozenset(f"assert_{what}" for what in (
    "queued", "performed", "failed", "dead", "cancelled"
))  # fmt: skip
_SAME_AS_ENQUEUE = ("queue", "priority", "run_at", "delay", "metadata")
MATCH_CHECKS: Mapping[str, Check] = {
    **{name: ENQUEUE_CHECKS[name] for name in _SAME_AS_ENQUEUE},
    "tolerance": duration,
    "unique_key": lambda value: None if isinstance(value, str) else "give a str",
    "state": _state,
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which a job is not what was asked for, in words."""

    path: str
    found: str
    expected: str

    def __str__(self) -> str:
        return f"{self.path}: {self.found}, expected {self.expected}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern(Generic[J]):
    """A type, perhaps an instance to be equal to, a part of the payload, and options."""

    kind: JobType[J]
    job: J | None = None
    payload: Mapping[str, object] | None = None
    where: Callable[[J], bool] | None = None
    match: Match

    def fits_type(self, stored: StoredJob | NewJob) -> bool:
        """Tell whether a job is of the type, under whatever of its names."""
        return stored.type == self.kind.name or stored.type in self.kind.aliases

    def among(self, stored: Iterable[StoredJob]) -> list[StoredJob]:
        """Return those that are what was asked for."""
        of_type = [job for job in stored if self.fits_type(job)]
        if self.asks_for_type_only:
            return of_type
        return [job for job in of_type if next(self.differences(job), None) is None]

    def fits(self, stored: StoredJob) -> bool:
        """Tell whether a job is what was asked for."""
        return bool(self.among([stored]))

    @property
    def asks_for_type_only(self) -> bool:
        """Whether any job of the type will do."""
        return self.job is None and not self.payload and self.where is None and not self.match

    def differences(self, stored: StoredJob) -> Iterator[Difference]:
        """Yield every difference of a job of this type."""
        if self.job is not None or self.payload or self.where is not None:
            try:
                payload = self.kind.decode(stored.payload)
            except InvalidJob:
                yield Difference("payload", "does not decode", "one that does")
            else:
                yield from self._in_payload(payload)
        yield from _in_options(stored, self.match)

    def _in_payload(self, payload: J) -> Iterator[Difference]:
        if self.job is not None:
            yield from compare(self.job, payload, "")
        if self.payload is not None:
            yield from compare(self.payload, payload, "", partly=True)
        if self.where is not None and not self.where(payload):
            yield Difference("where", "False", "True")


def pattern(
    of: str,
    spec: type[J] | J,
    *,
    payload: Mapping[str, object] | None = None,
    where: Callable[[J], bool] | None = None,
    match: Match,
) -> Pattern[J]:
    """Check what a test asks for; `of` is the name of the assertion, for messages."""
    its_type = _type_of(of, spec)
    _check_match(of, its_type, match)
    fields = {field.name for field in dataclasses.fields(its_type.cls)}
    if payload is not None and (unknown := [name for name in payload if name not in fields]):
        raise InvalidOption(
            f"{of}: payload={{{unknown[0]!r}: ...}}: {its_type.cls.__qualname__} has no such "
            f"field; it has {', '.join(sorted(fields)) or 'none'}"
        )
    return Pattern(
        kind=its_type,
        job=None if isinstance(spec, type) else spec,
        payload=payload,
        where=where,
        match=match,
    )


def compare(expected: Any, actual: Any, path: str, *, partly: bool = False) -> Iterator[Difference]:
    """Yield where a value differs from an expected one; `partly`: a mapping is a part of it.

    What is expected is on the left of `==`, so ANY, `pytest.approx` and the like work.
    """
    if expected is actual or expected == actual:
        return
    if _is_job_like(expected) and type(expected) is type(actual):
        names = [field.name for field in dataclasses.fields(expected) if field.compare]
        parts = {name: getattr(expected, name) for name in names}
        yield from _in_fields(parts, actual, path, partly=False)
    elif partly and _are(Mapping, expected) and _is_job_like(actual):
        yield from _in_fields(expected, actual, path, partly=True)
    elif _are(Mapping, expected, actual):
        yield from _in_mapping(expected, actual, path, partly=partly)
    elif _are(list, expected, actual) or _are(tuple, expected, actual):
        if len(expected) != len(actual):
            yield Difference(path, describe(actual), describe(expected))
            return
        for index, (part, item) in enumerate(zip(expected, actual, strict=True)):
            yield from compare(part, item, f"{path}[{index}]", partly=partly)
    else:
        yield Difference(path, describe(actual), describe(expected))


# These tell a bool alone: what is known of a user's value is that it is Any.
def _are(kind: type, *values: object) -> bool:
    return all(isinstance(value, kind) for value in values)


def _is_job_like(value: object) -> bool:
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def _in_fields(
    parts: Mapping[Any, Any], actual: Any, path: str, *, partly: bool
) -> Iterator[Difference]:
    fields = {field.name: field for field in dataclasses.fields(actual)}
    for name, part in parts.items():
        where = f"{path}.{name}" if path else str(name)
        if name not in fields:
            yield Difference(where, "no such field", describe(part))
            continue
        inside = compare(part, getattr(actual, name), where, partly=partly)
        if not fields[name].metadata.get("sensitive"):
            yield from inside
        elif next(inside, None) is not None:
            yield Difference(where, MASK, f"another {MASK}")


def _in_mapping(
    expected: Mapping[Any, Any], actual: Mapping[Any, Any], path: str, *, partly: bool
) -> Iterator[Difference]:
    for key, part in expected.items():
        where = f"{path}[{key!r}]"
        if key in actual:
            yield from compare(part, actual[key], where, partly=partly)
        else:
            yield Difference(where, "missing", describe(part))
    for key in [] if partly else [key for key in actual if key not in expected]:
        yield Difference(f"{path}[{key!r}]", describe(actual[key]), "nothing")


def _in_options(stored: StoredJob, match: Match) -> Iterator[Difference]:
    if "queue" in match and stored.queue != match["queue"]:
        yield Difference("queue", repr(stored.queue), repr(match["queue"]))
    if "priority" in match and stored.priority != match["priority"]:
        yield Difference("priority", str(stored.priority), str(match["priority"]))
    if "state" in match and stored.state != match["state"]:
        yield Difference("state", str(stored.state), str(match["state"]))
    if "unique_key" in match and shown_key(stored.unique_key) != key_text(match["unique_key"]):
        yield Difference(
            "unique_key", repr(shown_key(stored.unique_key)), repr(match["unique_key"])
        )
    yield from _in_times(stored, match)
    if "metadata" in match:
        yield from compare(match["metadata"], metadata_of(stored), "metadata", partly=True)


def _in_times(stored: StoredJob, match: Match) -> Iterator[Difference]:
    tolerance = duration_milliseconds(match.get("tolerance", timedelta(0)))
    more_or_less = f" ± {match['tolerance']}" if "tolerance" in match else ""
    if "run_at" in match:
        wanted = to_milliseconds_up(match["run_at"])
        if abs(stored.run_at - wanted) > tolerance:
            found = from_milliseconds(stored.run_at).isoformat()
            yield Difference("run_at", found, match["run_at"].isoformat() + more_or_less)
    if "delay" in match:
        delay = stored.run_at - stored.enqueued_at
        if abs(delay - duration_milliseconds(match["delay"])) > tolerance:
            expected = f"{match['delay']}{more_or_less}"
            yield Difference("delay", str(delay * MILLISECOND), expected)


def _type_of(of: str, spec: Any) -> JobType[Any]:
    if not dataclasses.is_dataclass(spec):
        kind = label(spec if isinstance(spec, type) else type(spec))
        given = f"the class {kind}" if isinstance(spec, type) else f"an instance of {kind}"
        raise InvalidJob(
            f"{of}: {given} is not a job; give a dataclass, or an instance of one: SendWelcome, "
            "SendWelcome(user_id=7)"
        )
    return job_type(spec) if isinstance(spec, type) else job_type_of(spec)


def _check_match(of: str, its_type: JobType[Any], match: Match) -> None:
    fields = {field.name for field in dataclasses.fields(its_type.cls)}
    for name, value in match.items():
        if name in fields and name not in MATCH_CHECKS:
            cls = its_type.cls.__qualname__
            text = MASK if name in its_type.sensitive else describe(value)
            whole = f" or {cls}({name}={text})" if _is_all_that_is_needed(name, its_type) else ""
            raise InvalidOption(
                f"{of}: {name!r} is a field of {cls}: write payload={{{name!r}: {text}}}{whole}"
            )
        if name not in MATCH_CHECKS:
            hint = _hint(of, name, value, its_type)
            raise InvalidOption(f"{of}: unknown option {name!r}; {hint}")
    check_options(match, MATCH_CHECKS, of=of)
    if "run_at" in match and "delay" in match:
        raise InvalidOption(f"{of}: run_at and delay exclude each other; give one of them")
    if "tolerance" in match and "run_at" not in match and "delay" not in match:
        raise InvalidOption(f"{of}: tolerance is for run_at or delay; give one of them")


def _is_all_that_is_needed(name: str, its_type: JobType[Any]) -> bool:
    """Tell whether a job can be made with this field alone."""
    return all(
        field.name == name
        or field.default is not dataclasses.MISSING
        or field.default_factory is not dataclasses.MISSING
        for field in dataclasses.fields(its_type.cls)
    )


def _hint(of: str, name: str, value: object, its_type: JobType[Any]) -> str:
    keywords = sorted([*MATCH_CHECKS, "payload", "where", "msg"])
    if close := difflib.get_close_matches(name, keywords, n=1):
        return f"did you mean {close[0]!r}?"
    known = f"there are {', '.join(keywords)}"
    if of in _COUNTING:
        number = value if type(value) is int else 1
        known += f". How many is said by position: {of}({its_type.cls.__qualname__}, {number})"
    return known
