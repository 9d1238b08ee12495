"""Scenarios to explore, and what `explore` says of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from jobkit_testing import TestingJobs
from tests.unit.testing.samples import (
    jobs_of,
    message_of,
)

SEEDS = range(40)


def nothing(jobs: TestingJobs) -> None:
    """Be a scenario."""


def told_of(scenario: Callable[[TestingJobs], None], seeds: Iterable[int] = SEEDS) -> str:
    return message_of(lambda: jobs_of().explore(scenario, seeds=seeds))
