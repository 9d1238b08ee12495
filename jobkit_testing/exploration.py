"""`jobs.explore`: a scenario, run again and again with workers interleaved and things going wrong.

Each seed is one run: it decides whose turn it is and what fails. A run that fails is run again with
fewer faults, as long as it fails; what is told is the shortest list that was found.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobkit.errors import InvalidOption
from jobkit_testing.chance import Chance, Happened
from jobkit_testing.judging import is_assertion

if TYPE_CHECKING:
    from jobkit_testing.exploring import Explorer
    from jobkit_testing.jobs import TestingJobs


@dataclass(frozen=True, slots=True)
class Failure:
    """A run that failed: by what, after which faults, and what happened in it."""

    error: BaseException
    faults: tuple[Happened, ...]
    story: str


class Exploration:
    """Runs one scenario for many seeds."""

    def __init__(
        self,
        scenario: Callable[[TestingJobs], None],
        fresh: Callable[[int, Chance], tuple[TestingJobs, Explorer]],
        *,
        workers: int,
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

    def run(self, seeds: Iterable[int]) -> None:
        """Run each seed, and raise `AssertionError` for the first that fails."""
        __tracebackhide__ = True
        count = 0
        for seed in seeds:
            if type(seed) is not int:
                raise InvalidOption(f"explore: seed {seed!r}: give ints, such as range(500)")
            count += 1
            failure = self._attempt(seed, None)
            if failure is not None:
                told = self._told(seed, failure, self._shrunk(seed, failure))
                raise AssertionError(told) from failure.error
        if count == 0:
            raise InvalidOption("explore: seeds is empty: nothing would be run")

    def _attempt(self, seed: int, script: Mapping[int, str] | None) -> Failure | None:
        chance = Chance(seed, script)
        jobs, explorer = self._fresh(seed, chance)
        try:
            self._scenario(jobs)
        except BaseException as error:
            if not isinstance(error, Exception) and not is_assertion(error):
                raise
            return Failure(error, tuple(chance.happened), jobs.timeline.story())
        finally:
            explorer.close()
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

    def _told(self, seed: int, first: Failure, shortest: Failure) -> str:
        error = shortest.error
        faults = [f"  {number}. {each.words}" for number, each in enumerate(shortest.faults, 1)]
        cut = len(first.faults) - len(shortest.faults)
        fewer = f"; {cut} more were not needed" if cut else ""
        if faults:
            why = [f"explore: seed {seed} fails, with these faults{fewer}:", *faults]
        elif self._workers > 1:
            why = [f"explore: seed {seed} fails without any fault, by the order of the steps alone"]
        else:
            why = [f"explore: seed {seed} fails without any fault"]
        said = f"{type(error).__name__}: {error}".splitlines()
        return "\n".join(
            [
                *why,
                "what the scenario says:",
                *(f"  {line}" for line in said),
                "what happened:",
                *(f"  {line}" for line in shortest.story.splitlines()),
                f"run it again: jobs.explore(scenario, seeds=[{seed}])",
            ]
        )


def _is_callable(scenario: object) -> bool:
    return callable(scenario)
