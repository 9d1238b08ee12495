"""Does today's code still read yesterday's payloads? What each process finds, and all together."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
from msgspec.inspect import Type

from jobkit.codec.schema import schema_of
from jobkit.errors import InvalidJob
from jobkit.jobtype import JobType, job_type, named_type
from jobkit_testing.payload_files import Recorded
from jobkit_testing.recording import Recorder, by_size
from jobkit_testing.shapes import features, lost_fields

LONGEST_PAYLOAD = 300  # characters of it that are shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """One payload as text, and what it shows of its type.

    `trouble`: why it does not decode ("": it does). `lost`: which of its fields are dropped.
    """

    text: str
    features: frozenset[str] = frozenset()
    trouble: str = ""
    lost: tuple[str, ...] = ()

    @property
    def is_read(self) -> bool:
        """Whether today's class takes in all of it."""
        return not self.trouble and not self.lost


@dataclass(slots=True, kw_only=True)
class Findings:
    """What one process, or all of them together, found; it can be sent as text.

    `known`: the payloads of the files whose types are known, by type. `new`: what tests enqueued.
    `names`: of all types that they enqueued. `refused`: why nothing of a type can be recorded.
    `unloadable`: why the module of a type could not be imported, which is there.
    """

    known: dict[str, list[Payload]] = field(default_factory=dict[str, list[Payload]])
    new: dict[str, list[Payload]] = field(default_factory=dict[str, list[Payload]])
    homes: dict[str, str] = field(default_factory=dict[str, str])
    names: set[str] = field(default_factory=set[str])
    refused: dict[str, str] = field(default_factory=dict[str, str])
    unloadable: dict[str, str] = field(default_factory=dict[str, str])

    def encode(self) -> str:
        """Return a text that `decode_findings` reads."""
        return msgspec.json.encode(self).decode()

    def add(self, other: Findings) -> None:
        """Take in what another process found; where a type decodes differently, trouble wins."""
        for name, payloads in other.known.items():
            mine = self.known.setdefault(name, payloads)
            self.known[name] = [
                min(pair, key=_is_well) for pair in zip(mine, payloads, strict=True)
            ]
        for name, payloads in other.new.items():
            self.new.setdefault(name, []).extend(payloads)
        self.homes |= other.homes
        self.names |= other.names
        self.refused |= other.refused
        self.unloadable |= other.unloadable


def decode_findings(text: str) -> Findings:
    """Read what `Findings.encode` wrote."""
    return msgspec.json.decode(text, type=Findings)


def look(
    files: Mapping[str, Recorded],
    recorder: Recorder,
    *,
    search: bool,
    is_of_tests: Callable[[Path], bool],
) -> Findings:
    """Decode what is on file with the classes of this process, and add what was enqueued.

    `search`: import the module where the class of a type was, if the type is not known yet.
    `is_of_tests`: whether a module's file is one of tests, whose classes nobody else uses.
    """
    ours = {name for name in recorder.names if _is_of_application(name, is_of_tests)}
    found = Findings(
        homes={name: home for name, home in recorder.homes.items() if name in ours},
        names=ours,
        refused={name: why for name, why in recorder.refused.items() if name in ours},
    )
    for name, recorded in files.items():
        its_type = _type_of(recorded)
        if its_type is None and search:
            if why := _load_home(recorded):
                found.unloadable[name] = why
            its_type = _type_of(recorded)
        if its_type is not None:
            found.known[name] = _decoded(recorded, its_type)
    for name in ours & recorder.payloads.keys():
        shapes = recorder.payloads[name]
        found.new[name] = [
            Payload(text=payload.decode(), features=shape) for shape, payload in shapes.items()
        ]
    return found


def together(recorded: Recorded | None, name: str, found: Findings) -> Recorded:
    """Return what a type's file is to be: what it has and is read, and whatever shows more."""
    kept = [payload for payload in found.known.get(name, []) if payload.is_read]
    shown = frozenset[str]().union(*(payload.features for payload in kept))
    for payload in sorted(found.new.get(name, []), key=lambda it: by_size(it.text.encode())):
        if not payload.features <= shown:
            kept.append(payload)
            shown |= payload.features
    home = found.homes.get(name) or ("" if recorded is None else recorded.home)
    texts = tuple(payload.text.encode() for payload in kept)
    return Recorded(type=name, home=home, payloads=texts)


def troubles(payloads: Iterable[Payload]) -> Iterator[str]:
    """Yield two lines for each reason why some of these payloads do not decode."""
    return _by_reason((payload.trouble, payload) for payload in payloads if payload.trouble)


def losses(payloads: Iterable[Payload]) -> Iterator[str]:
    """Yield two lines for each field that is dropped from some of these payloads."""
    return _by_reason((field, payload) for payload in payloads for field in payload.lost)


def _by_reason(found: Iterable[tuple[str, Payload]]) -> Iterator[str]:
    by_reason: dict[str, list[Payload]] = {}
    for reason, payload in found:
        by_reason.setdefault(reason, []).append(payload)
    for reason, same in by_reason.items():
        more = f", and {len(same) - 1} more" if len(same) > 1 else ""
        yield f"  {reason}\n    in {same[0].text[:LONGEST_PAYLOAD]}{more}"


def _is_well(payload: Payload) -> tuple[bool, bool]:
    return not payload.trouble, not payload.lost


def _load_home(recorded: Recorded) -> str:
    """Import the module where a class was; say why it cannot be, unless it is gone."""
    home = recorded.home.partition(":")[0]
    try:
        import_module(home)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        return "" if f"{home}.".startswith(f"{missing}.") else _why(home, error)
    except Exception as error:  # code of the user's, which may raise anything
        return _why(home, error)
    return ""


def _why(home: str, error: Exception) -> str:
    return f"{home}: {type(error).__name__}: {error}"


def _decoded(recorded: Recorded, its_type: JobType[Any]) -> list[Payload]:
    schema = schema_of(its_type.cls)
    return [_checked(payload, its_type, schema) for payload in recorded.payloads]


def _type_of(recorded: Recorded) -> JobType[Any] | None:
    """Return the type of this name: that of the class at home, else the newest of this process."""
    module, _, names = recorded.home.partition(":")
    found: Any = sys.modules.get(module)
    for name in names.split("."):
        found = getattr(found, "__dict__", {}).get(name)
    if isinstance(found, type) and dataclasses.is_dataclass(found):
        with suppress(InvalidJob):
            at_home: JobType[Any] = job_type(found)
            if recorded.type in (at_home.name, *at_home.aliases):
                return at_home
    return named_type(recorded.type)


def _checked(payload: bytes, its_type: JobType[Any], schema: Type) -> Payload:
    text = payload.decode()
    try:
        its_type.decode(payload)
    except InvalidJob as error:
        return Payload(text=text, trouble=str(error))
    lost = tuple(lost_fields(schema, payload))
    return Payload(text=text, features=features(schema, payload), lost=lost)


def _is_of_application(name: str, is_of_tests: Callable[[Path], bool]) -> bool:
    """Tell whether a type is of the code under test, and not one that a test has made up."""
    known = named_type(name)
    if known is None or not known.durable:
        return False
    file = getattr(sys.modules.get(known.cls.__module__), "__file__", None)
    return file is not None and not is_of_tests(Path(file))
