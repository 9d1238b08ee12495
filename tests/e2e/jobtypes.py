"""Job types of the end-to-end tests; other processes import them from here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import jobkit

SOON = timedelta(milliseconds=20)


@jobkit.job(name="e2e.Ping")
@dataclass(frozen=True)
class Ping:
    """The job of most tests."""

    n: int = 0


@jobkit.job(name="e2e.Pong")
@dataclass(frozen=True)
class Pong:
    """Another type, where a test needs two."""

    n: int = 0


@jobkit.job(name="e2e.Flaky", backoff=SOON)
@dataclass(frozen=True)
class Flaky:
    """Comes back soon after a failure."""

    n: int = 0


@jobkit.job(name="e2e.Forgotten", backoff=SOON, max_retries=0, keep_dead=False)
@dataclass(frozen=True)
class Forgotten:
    """Leaves no record when it dies."""

    n: int = 0


@jobkit.job(name="e2e.Alone", max_concurrency=1)
@dataclass(frozen=True)
class Alone:
    """Runs one at a time."""

    n: int = 0


@jobkit.job(name="e2e.Mailed", queue="mail")
@dataclass(frozen=True)
class Mailed:
    """Has a queue of its own."""

    n: int = 0


@jobkit.job(name="e2e.Text")
@dataclass(frozen=True)
class Text:
    """Has a payload of any size."""

    text: str
