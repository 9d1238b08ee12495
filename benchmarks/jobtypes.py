"""Five job types that only count, for sync and for async handlers."""

from __future__ import annotations

from dataclasses import dataclass

import jobkit


@dataclass(frozen=True)
class Payload:
    user_id: int
    locale: str = "en"
    amount: int = 1
    is_test: bool = False
    note: str = "hello"


@dataclass(frozen=True)
class JobA(Payload):
    pass


@dataclass(frozen=True)
class JobB(Payload):
    pass


@dataclass(frozen=True)
class JobC(Payload):
    pass


@dataclass(frozen=True)
class JobD(Payload):
    pass


@dataclass(frozen=True)
class JobE(Payload):
    pass


TYPES: tuple[type[Payload], ...] = (JobA, JobB, JobC, JobD, JobE)


def jobs(count: int) -> list[Payload]:
    """Return this many jobs, of the five types in turn."""
    return [TYPES[i % len(TYPES)](user_id=i) for i in range(count)]


def sync_handlers() -> jobkit.Handlers:
    """Return handlers in threads that do nothing."""
    handlers = jobkit.Handlers()

    @handlers.register
    def count(job: JobA | JobB | JobC | JobD | JobE) -> None:
        pass

    return handlers


def async_handlers() -> jobkit.Handlers:
    """Return handlers on the event loop that do nothing."""
    handlers = jobkit.Handlers()

    @handlers.register
    async def count(job: JobA | JobB | JobC | JobD | JobE) -> None:
        pass

    return handlers
