"""`jobs.explore`: a scenario, run again and again with workers interleaved and things going wrong.

Each seed is one run: it decides whose turn it is and what fails. A run that fails is run again with
fewer faults, as long as it fails; what is told is the shortest list that was found.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from jobkit.errors import InvalidOption
from jobkit_testing.chance import Chance, Happened
from jobkit_testing.judging import is_assertion
from jobkit_testing.stage import STAGE, Stage

if TYPE_CHECKING:
    from jobkit_testing.jobs import TestingJobs

USUAL_WORKERS = 2


@dataclass(frozen=True, slots=True)
class Failure:
    """A run that failed: by what, after which faults, and what happened in it."""

    error: BaseException
    faults: tuple[Happened, ...]
    story: str


class Exploration:
    """Runs one scenario for many seeds.

    `is_fixed`: whether the next run of the test begins at this `start` again.
    """

    def __init__(
        self,
        scenario: Callable[[TestingJobs], None],
        fresh: Callable[[int], TestingJobs],
        *,
        workers: int,
        start: datetime,
        is_fixed: bool,
    ) -> None:
        if not _is_callable(scenario) or inspect.iscoroutinefunction(scenario):
            raise InvalidOption(
                f"explore: scenario={scenario!r}: give a plain function that takes a TestingJobs"
            )
        if type(workers) is not int or workers < 1:
            raise InvalidOption(f"explore: workers={workers!r}: give an int of at least 1")
        self._scenario = scenario
        self._fresh = fresh
        self._workers = workers
        self._start = start
        self._is_fixed = is_fixed
        self._has_run = False  # any job, in any seed, where things could befall it

    def run(self, seeds: Iterable[int]) -> None:
        """Run each seed, and raise `AssertionError` for the first that fails."""
        __tracebackhide__ = True
        passed: int | None = None
        for seed in _checked(seeds):
            failure = self._attempt(seed)
            if failure is not None:
                told = self._unsteady(seed, failure, passed) or self._told(seed, failure)
                raise AssertionError(told) from failure.error
            passed = seed if passed is None else passed
        if passed is None:
            raise InvalidOption("explore: seeds is empty: give some, such as range(500)")
        if not self._has_run:
            raise InvalidOption(
                "explore: the scenario ran no job in a way that something could befall, so nothing "
                "was explored: let it enqueue on the TestingJobs that it is given, which has the "
                "handlers of the one that you call explore on and what it registers itself, and "
                "call drain, run_for or run_until (perform, run_next and inline run one job as "
                "ever)"
            )

    def _attempt(
        self, seed: int, script: Mapping[int, str] | None = None, *, workers: int | None = None
    ) -> Failure | None:
        chance = Chance(seed, script)
        stage = Stage(chance, start=self._start, workers=workers or self._workers)
        token = STAGE.set(stage)
        try:
            self._scenario(self._fresh(seed))
        except BaseException as error:
            if not isinstance(error, Exception) and not is_assertion(error):
                raise
            return Failure(error, tuple(chance.happened), stage.story())
        finally:
            STAGE.reset(token)
            self._has_run = self._has_run or stage.has_run
            stage.close()
        return None

    def _shrunk(self, seed: int, failure: Failure) -> Failure:
        """Leave out one fault after the other, as long as it fails."""
        place = 0
        while place < len(failure.faults):
            kept = [each for index, each in enumerate(failure.faults) if index != place]
            again = self._attempt(seed, {each.place: each.name for each in kept})
            if again is None or len(again.faults) >= len(failure.faults):
                place += 1
            else:
                failure, place = again, 0
        return failure

    # What is told.

    def _unsteady(self, seed: int, failure: Failure, passed: int | None) -> str | None:
        """Tell of a scenario that does not do the same again; None if it does."""
        if self._attempt(seed) is None:
            why = (
                f"explore: seed {seed} failed, and did not when it was repeated: the scenario "
                "keeps state between runs (a global list?), or depends on chance or the real clock"
            )
        elif passed is not None and self._attempt(passed) is not None:
            why = (
                f"explore: seed {seed} failed, and seed {passed}, which had passed, fails now: the "
                "scenario keeps state between runs (a global list?): let it make what its handlers "
                "change"
            )
        else:
            return None
        return "\n".join([why, *_block(failure)])

    def _told(self, seed: int, first: Failure) -> str:
        shortest = self._shrunk(seed, first)
        faults = [f"  {number}. {each.words}" for number, each in enumerate(shortest.faults, 1)]
        cut = len(first.faults) - len(shortest.faults)
        fewer = f"; {cut} more were not needed" if cut else ""
        if faults:
            why = [f"explore: seed {seed} fails, with these faults{fewer}:", *faults]
        elif self._workers == 1:
            why = [f"explore: seed {seed} fails without any fault"]
        elif self._attempt(seed, {}, workers=1) is None:
            why = [f"explore: seed {seed} fails without any fault, by the order of the steps alone"]
        else:
            why = [
                f"explore: seed {seed} fails without any fault, in every order that was tried: "
                "with one worker as well"
            ]
        return "\n".join([*why, *_block(shortest), f"run it again: {self._call(seed)}"])

    def _call(self, seed: int) -> str:
        """Return the call that runs a seed again, step for step the same."""
        workers = "" if self._workers == USUAL_WORKERS else f", workers={self._workers}"
        call = f"jobs.explore(scenario, seeds=[{seed}]{workers})"
        if self._is_fixed:
            return call
        start = f'datetime.fromisoformat("{self._start.isoformat()}")'
        return f"{call}\n  with jobs = TestingJobs(start={start}, ...), or else it begins now"


def _block(failure: Failure) -> list[str]:
    said = f"{type(failure.error).__name__}: {failure.error}".splitlines()
    return [
        "what the scenario says:",
        *(f"  {line}" for line in said),
        "what happened:",
        *(f"  {line}" for line in failure.story.splitlines()),
    ]


def _checked(seeds: Iterable[int]) -> Iterable[int]:
    """Yield the seeds; types are a promise that user code may break at run time."""
    if not isinstance(seeds, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidOption(f"explore: seeds={seeds!r}: give ints, such as range(500)")
    for seed in seeds:
        if type(seed) is not int:
            raise InvalidOption(f"explore: seed {seed!r}: give ints, such as range(500)")
        yield seed


def _is_callable(scenario: object) -> bool:
    return callable(scenario)
