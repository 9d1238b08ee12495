"""What a run did (`Report`), and what matched a question (`Matches`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, overload

from jobkit.record import JobRecord

J_co = TypeVar("J_co", covariant=True)


class Matches(Sequence[JobRecord[J_co]], Generic[J_co]):
    """The records of some jobs, in the order in which they were enqueued or ran."""

    __slots__ = ("records",)

    def __init__(self, records: Iterable[JobRecord[J_co]] = ()) -> None:
        self.records = tuple(records)

    @overload
    def __getitem__(self, index: int) -> JobRecord[J_co]: ...
    @overload
    def __getitem__(self, index: slice) -> Matches[J_co]: ...
    def __getitem__(self, index: int | slice) -> JobRecord[J_co] | Matches[J_co]:
        if isinstance(index, slice):
            return Matches(self.records[index])
        return self.records[index]

    def __len__(self) -> int:
        return len(self.records)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Matches) and self.ids == other.ids

    def __hash__(self) -> int:
        return hash(self.ids)

    def __repr__(self) -> str:
        return f"Matches({[f'{r.type} {r.id} {r.state}' for r in self.records]})"

    @property
    def one(self) -> JobRecord[J_co]:
        """The only record; raises `AssertionError` if there are none or several."""
        if len(self.records) != 1:
            raise AssertionError(f"exactly one job was expected, there are {self!r}")
        return self.records[0]

    @property
    def jobs(self) -> tuple[J_co, ...]:
        """The payloads that decode."""
        return tuple(r.payload for r in self.records if r.payload is not None)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the jobs, in the order of their records."""
        return tuple(r.id for r in self.records)

    def where(self, condition: Callable[[J_co], bool], /) -> Matches[J_co]:
        """Keep the records whose payload meets a condition."""
        return Matches(r for r in self.records if r.payload is not None and condition(r.payload))


def _nothing() -> Matches[Any]:
    return Matches()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a run did; true if anything ran.

    The counts are of attempts by how they ended. `ran` has the records as they were after each
    attempt. `left` counts what still waits, by why: "future", "paused", "limited",
    "no handler".
    """

    succeeded: int = 0
    retried: int = 0
    dead: int = 0
    cancelled: int = 0
    snoozed: int = 0
    ran: Matches[Any] = field(default_factory=_nothing)
    left: Mapping[str, int] = field(default_factory=dict[str, int])

    def __bool__(self) -> bool:
        return bool(self.succeeded or self.retried or self.dead or self.cancelled or self.snoozed)
