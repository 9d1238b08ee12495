"""The domain code: it decides what is to be done, and depends on an `Enqueuer` alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from examples.signup.jobs import CallWebhook, SendWelcomeEmail, WriteCertificate
from examples.signup.subscribers import HEADER, Malformed, Subscriber, read_subscriber
from jobkit import Enqueuer, JobHandle


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A line that is no subscriber, counted from 1 (the header), and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedUp:
    """What became of a file: how many subscribers, the jobs for them, and the rejected lines."""

    subscribers: int
    jobs: tuple[JobHandle[Any], ...]
    rejected: tuple[Rejected, ...]


class SignUp:
    """Sign up everybody in a file of subscribers."""

    def __init__(self, jobs: Enqueuer) -> None:
        self._jobs = jobs

    def __call__(self, lines: Iterable[str]) -> SignedUp:
        """Enqueue the jobs of each good line; one bad line does not stop the others."""
        subscribers = 0
        handles: list[JobHandle[Any]] = []
        rejected: list[Rejected] = []
        for number, result in _read(lines):
            if isinstance(result, Malformed):
                rejected.append(Rejected(line=number, reason=str(result)))
            else:
                subscribers += 1
                handles += self._welcome(subscribers, result)
        return SignedUp(subscribers=subscribers, jobs=tuple(handles), rejected=tuple(rejected))

    def _welcome(self, number: int, subscriber: Subscriber) -> list[JobHandle[Any]]:
        email, name, day = subscriber.email, subscriber.name, subscriber.signed_up_on
        with self._jobs.transaction() as jobs:  # all that a subscriber is due, or nothing
            handles: list[JobHandle[Any]] = [
                jobs.enqueue(SendWelcomeEmail(email=email, name=name)),
                jobs.enqueue(WriteCertificate(number=number, name=name, signed_up_on=day)),
            ]
            if partner := subscriber.partner:
                call = CallWebhook(partner=partner, email=email, signed_up_on=day)
                handles.append(jobs.enqueue(call))
        return handles


def _read(lines: Iterable[str]) -> Iterator[tuple[int, Subscriber | Malformed]]:
    """Yield the number of each line after the header, and what it holds."""
    line_by_number: dict[str, int] = {}
    numbered = enumerate(lines, start=1)
    _, header = next(numbered, (1, ""))
    if header.strip() != HEADER:
        raise Malformed(f"line 1 is {header.strip()!r} and not the header {HEADER!r}")
    for number, line in numbered:
        try:
            subscriber = read_subscriber(line.rstrip("\r\n"))
            first = line_by_number.setdefault(subscriber.email.lower(), number)
            if first != number:
                raise Malformed(f"{subscriber.email!r} is already in line {first}")
        except Malformed as error:
            yield number, error
        else:
            yield number, subscriber
