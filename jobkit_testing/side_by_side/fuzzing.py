"""Programs of steps on two stores: made by dice, run fast, and shrunk when the stores differ.

Hypothesis draws some ten steps a second, with everything that it keeps for shrinking. For runs of
a million steps there is a plain loop here, over the same steps and the same drawing of them, and
a shrinker of its own: a program is a list of values, so it shrinks by leaving steps out.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias

from jobkit.client import Jobs
from jobkit.errors import InvalidOption, JobkitError
from jobkit.store import Store
from jobkit_testing.side_by_side.comparing import compare, finish
from jobkit_testing.side_by_side.dice import Dice
from jobkit_testing.side_by_side.drawing import Drawer
from jobkit_testing.side_by_side.paired import Mismatch
from jobkit_testing.side_by_side.shrinking import shrink
from jobkit_testing.side_by_side.values import shown
from jobkit_testing.side_by_side.world import Step, World

Make: TypeAlias = Callable[[], Any]  # a Store, or a TestingJobs, whose store is taken
PROGRAM: Final = 300  # steps on one pair of stores
THOROUGH: Final = 10  # steps from one full comparison to the next
QUICK_TRIES: Final = 100  # while a program is long
LONGEST_ANSWER: Final = 2_000  # characters of it that are shown
LAST_FRAMES: Final = 3  # of a traceback
AUDITED: Final = 5  # full comparisons from one audit to the next


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Where two stores part: after this program of steps one operation is answered differently.

    `lines`: each a field, what the first store says, and what the second. `seed` and `found_after`
    say which run found it, after how many steps; `program` is what is left of those.
    """

    program: tuple[Step, ...]
    operation: str
    kind: str
    lines: tuple[str, ...]
    a: str
    b: str
    seed: int | None = None
    found_after: int = 0

    def __str__(self) -> str:
        return "\n".join(
            [
                f"after {len(self.program)} steps the stores differ",
                "  program = [",
                *(f"      {shown(step)}," for step in self.program),
                "  ]",
                f"  in {self.operation}",
                *(f"    {line}" for line in self.lines[:12]),
                f"  a: {self.a}",
                f"  b: {self.b}",
            ]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run has come to: how many steps it did, and the difference that it ended with."""

    steps: int
    programs: int
    operations: int
    difference: Difference | None = None


def fuzz(
    make_a: Make,
    make_b: Make,
    *,
    steps: int = 1_000,
    seed: int = 0,
    program: int = PROGRAM,
    without: Collection[str] = (),
    shrinking: bool = True,
    thorough: int = THOROUGH,
) -> Outcome:
    """Do so many steps on two stores, and return the first difference, shrunk.

    Each `program` of steps begins with two new stores; programs are numbered from `seed` on.
    `without`: kinds of step to leave out, for a store that does not support them. `thorough`:
    everything is compared after so many steps, the cheap part after each.
    """
    done = programs = operations = 0
    while done < steps:
        wanted = min(program, steps - done)
        world = _world("fuzz", make_a, make_b, thorough)
        ran, mismatch = _walk(world, Drawer(world, Dice(seed + programs), without=without), wanted)
        done += len(ran)
        operations += world.paired.operations
        programs += 1
        if mismatch is not None:
            found = difference(ran, mismatch, seed=seed + programs - 1, after=len(ran))
            if shrinking:
                found = shrunk(make_a, make_b, found)
            return Outcome(steps=done, programs=programs, operations=operations, difference=found)
    return Outcome(steps=done, programs=programs, operations=operations)


def replay(
    make_a: Make, make_b: Make, program: Sequence[Step], *, thorough: int = 1
) -> Difference | None:
    """Carry out a program on two stores; return the difference that it shows, None if none.

    Compares everything after each step, or after each `thorough` of them, and at the end.
    """
    world = _world("replay", make_a, make_b, thorough)
    try:
        mismatch = _run(world, program)
    finally:
        world.paired.close()
    if mismatch is None:
        return None
    return difference(program[: world.steps + 1], mismatch)


def check_makers(of: str, make_a: Any, make_b: Any) -> None:
    """Raise `InvalidOption` for a store in the place of what makes one."""
    for name, make in (("make_a", make_a), ("make_b", make_b)):
        if not callable(make):
            kind = type(make).__name__
            raise InvalidOption(
                f"{of}: {name} is an instance of {kind}: give what makes a new and empty store "
                "each time, such as a class or a function without arguments"
            )


def store_of(made: Any) -> Store:
    """Return the store itself: the one made, or that of the jobs made."""
    store: Store = made._store if isinstance(made, Jobs) else made  # pyright: ignore[reportPrivateUsage]  # `Jobs` shows none
    return store


def _world(of: str, make_a: Make, make_b: Make, thorough: int) -> World:
    check_makers(of, make_a, make_b)
    return World(store_of(make_a()), store_of(make_b()), thorough=thorough)


def advance(world: World, step: Step, *, auditing: int = AUDITED) -> None:
    """Carry out a step, and compare everything if it is time for that; raises `Mismatch`."""
    world.step(step)
    if world.steps % world.thorough == 0:
        compare(world, audit=world.steps // world.thorough % auditing == 0)


def _walk(world: World, drawer: Drawer, steps: int) -> tuple[list[Step], Mismatch | None]:
    ran: list[Step] = []
    try:
        for _ in range(steps):
            ran.append(drawer.next())
            advance(world, ran[-1])
        finish(world)
    except Mismatch as mismatch:
        return ran, mismatch
    finally:
        world.paired.close()
    return ran, None


def _run(world: World, program: Sequence[Step]) -> Mismatch | None:
    try:
        for step in program:
            advance(world, step, auditing=1)
        finish(world)
    except Mismatch as mismatch:
        return mismatch
    return None


def shrunk(make_a: Make, make_b: Make, found: Difference) -> Difference:
    """Return the same difference with the shortest program that still shows it."""
    best = found

    def fails(program: Sequence[Step], *, thorough: int = 1) -> bool:
        nonlocal best
        shown_by = replay(make_a, make_b, program, thorough=thorough)
        if shown_by is None or shown_by.kind != found.kind:
            return False
        best = shown_by
        return True

    # Comparing everything only at the end is quick; after each step, it shows where they part.
    shrink(found.program, partial(fails, thorough=len(found.program) + 1), tries=QUICK_TRIES)
    shrink(best.program, fails)
    return Difference(
        program=best.program,
        operation=best.operation,
        kind=best.kind,
        lines=best.lines,
        a=best.a,
        b=best.b,
        seed=found.seed,
        found_after=found.found_after,
    )


def difference(
    program: Sequence[Step], mismatch: Mismatch, *, seed: int | None = None, after: int = 0
) -> Difference:
    """Return what a mismatch after a program of steps says to a reader."""
    return Difference(
        program=tuple(program),
        operation=shown(mismatch.operation),
        kind=mismatch.kind,
        lines=mismatch.lines,
        a=_answer(mismatch.a),
        b=_answer(mismatch.b),
        seed=seed,
        found_after=after,
    )


def _answer(answer: object) -> str:
    """Show what a store answered; where one of its own errors came from, too."""
    if not isinstance(answer, Exception) or isinstance(answer, JobkitError):
        return shown(answer)[:LONGEST_ANSWER]
    frames = traceback.format_tb(answer.__traceback__)[-LAST_FRAMES:]
    lines = [f"{type(answer).__name__}: {answer}", *"".join(frames).splitlines()]
    return "\n    ".join(lines)[:LONGEST_ANSWER]
