"""The differential machine: steps drawn by Hypothesis."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from jobkit_testing.side_by_side.comparing import finish
from jobkit_testing.side_by_side.drawing import Drawer
from jobkit_testing.side_by_side.fuzzing import (
    THOROUGH,
    Make,
    advance,
    check_makers,
    difference,
    shrunk,
    store_of,
)
from jobkit_testing.side_by_side.paired import Mismatch
from jobkit_testing.side_by_side.world import Step, World

_BELOW: Final = {bound: st.integers(0, bound - 1) for bound in range(1, 256)}
# A program is shrunk here, in a second; Hypothesis, which shrinks choices, takes minutes.
SETTINGS: Final = settings(
    deadline=None,
    phases=[phase for phase in Phase if phase is not Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
)


class HypothesisChoices:
    """Choices that Hypothesis makes."""

    def __init__(self) -> None:
        self.draw: Any = None  # that of the step under way

    def below(self, bound: int) -> int:
        """Return a number from 0 to below `bound`."""
        drawn: int = self.draw(_BELOW[bound])
        return drawn


@st.composite
def _steps(draw: Any) -> Step:
    """Draw a step that fits what the machine has come to."""
    machine: Any = draw(st.runner())
    machine.choices.draw = draw
    step: Step = machine.drawer.next()
    return step


def differential(
    make_a: Make, make_b: Make, *, without: Collection[str] = (), thorough: int = THOROUGH
) -> type[RuleBasedStateMachine]:
    """Return a Hypothesis machine that does the same to two stores, and fails where they differ.

    `make_a` and `make_b`: called for each example, give a new and empty `Store`, or a `TestingJobs`
    with one. `without`: kinds of step to leave out, such as `{"Schedule", "Fire"}`, for a store
    that does not support them. `thorough`: everything is compared after so many steps and at the
    end, and after each step answers, counts and what is due next.

    In a test module, `TestMine = differential(MemoryStore, make_mine).TestCase`. The program that
    a failure shows is as short as could be found; `replay` carries it out.
    """

    check_makers("differential", make_a, make_b)

    class Differential(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.program: list[Step] = []
            self.failed = False
            self.choices = HypothesisChoices()
            self.world = World(store_of(make_a()), store_of(make_b()), thorough=thorough)
            self.drawer = Drawer(self.world, self.choices, without=without)

        @rule(step=_steps())
        def step(self, step: Step) -> None:
            self.program.append(step)
            try:
                advance(self.world, step)
            except Mismatch as mismatch:
                self.fail(mismatch)

        def fail(self, mismatch: Mismatch) -> None:
            self.failed = True
            found = shrunk(make_a, make_b, difference(self.program, mismatch))
            raise AssertionError(str(found)) from None

        def teardown(self) -> None:
            try:
                if not self.failed:
                    finish(self.world)
            except Mismatch as mismatch:
                self.fail(mismatch)
            finally:
                self.world.paired.close()

    Differential.TestCase.settings = SETTINGS
    return Differential
