"""The jobs of the trace check: each is there for one thing that a worker must get right."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import jobkit

SOON = timedelta(milliseconds=40)
TIMEOUT = timedelta(milliseconds=120)
LIMIT = 2


@jobkit.job(name="Quick")
@dataclass(frozen=True)
class Quick:
    """Ends at once, in a thread."""

    number: int


@jobkit.job(name="Swift")
@dataclass(frozen=True)
class Swift:
    """Ends at once, on the loop."""

    number: int


@jobkit.job(name="Slow")
@dataclass(frozen=True)
class Slow:
    """Takes a while in a thread, and ends when it is told to."""

    seconds: float


@jobkit.job(name="Waiting")
@dataclass(frozen=True)
class Waiting:
    """Takes a while on the loop; is cancelled when it is to end."""

    seconds: float


@jobkit.job(name="Flaky", max_retries=2, backoff=SOON)
@dataclass(frozen=True)
class Flaky:
    """Raises, asks for a retry, snoozes, gives up, buries itself, or succeeds, by the dice."""

    number: int


@jobkit.job(name="FlakyToo", max_retries=2, backoff=SOON, keep_dead=False)
@dataclass(frozen=True)
class FlakyToo:
    """The same on the loop; its dead are dropped."""

    number: int


@jobkit.job(name="Late", timeout=TIMEOUT, max_timeout_retries=1, backoff=SOON)
@dataclass(frozen=True)
class Late:
    """Runs past its deadline in a thread. A stubborn one does not stop either: it is abandoned."""

    stubborn: bool


@jobkit.job(name="LateToo", timeout=TIMEOUT, max_timeout_retries=1, backoff=SOON)
@dataclass(frozen=True)
class LateToo:
    """Runs past its deadline on the loop."""

    number: int


@jobkit.job(name="Parent", max_retries=1, backoff=SOON)
@dataclass(frozen=True)
class Parent:
    """Enqueues children on its context, and then may fail."""

    children: int


@jobkit.job(name="Narrow", max_concurrency=LIMIT)
@dataclass(frozen=True)
class Narrow:
    """Of these few run at once, over all workers."""

    seconds: float


@jobkit.job(name="Fragile", on_lost="dead")
@dataclass(frozen=True)
class Fragile:
    """Runs at most once."""

    seconds: float


@jobkit.job(name="Telling")
@dataclass(frozen=True)
class Telling:
    """Says how far it is."""

    steps: int


@jobkit.job(name="Tick", unique=jobkit.Unique(key="tick", until="done"))
@dataclass(frozen=True)
class Tick:
    """Made by schedules; unique until it is done."""

    number: int


TYPES: tuple[type, ...] = (
    Quick,
    Swift,
    Slow,
    Waiting,
    Flaky,
    FlakyToo,
    Late,
    LateToo,
    Parent,
    Narrow,
    Fragile,
    Telling,
    Tick,
)
