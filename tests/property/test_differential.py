"""B55: the double's store and production's give the same answers, and a false one is found."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import fakeredis
import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from jobkit.errors import InvalidOption, NotSupported
from jobkit.memory.store import MemoryStore
from jobkit.redis.connections import Connections, address_of
from jobkit.redis.store import RedisStore
from jobkit.store import Capability, Declare, Store, Succeed, refuse_beyond
from jobkit_testing import TestingJobs, differential
from jobkit_testing.side_by_side import Enqueue, Note, Take, fuzz, replay
from jobkit_testing.side_by_side.jobtypes import LANES
from jobkit_testing.side_by_side.machine import SETTINGS
from jobkit_testing.side_by_side.world import World
from tests.servers import RedisServer

# A few examples, the same in each run.
QUICK = settings(SETTINGS, max_examples=4, stateful_step_count=20, database=None, derandomize=True)


class Forgetful(MemoryStore):
    """Loses what handlers return."""

    def run(self, operation: Any, /, *, now: int | None = None) -> Any:
        settlements = getattr(operation, "settlements", ())
        if any(isinstance(each, Succeed) and each.result for each in settlements):
            return ()
        return super().run(operation, now=now)


class Hasty(MemoryStore):
    """Starts what is due in a second."""

    def run(self, operation: Any, /, *, now: int | None = None) -> Any:
        is_claim = type(operation).__name__ == "Claim"
        return super().run(operation, now=now + 1_000 if is_claim and now else now)


class Broken(MemoryStore):
    """Cannot claim."""

    def run(self, operation: Any, /, *, now: int | None = None) -> Any:
        if type(operation).__name__ == "Claim":
            raise KeyError("no lane")
        return super().run(operation, now=now)


class Plain(MemoryStore):
    """Can do little, and says so."""

    capabilities = frozenset({Capability.CANCELS, Capability.UNIQUE_KEYS})

    def run(self, operation: Any, /, *, now: int | None = None) -> Any:
        refuse_beyond(operation, self.capabilities)
        return super().run(operation, now=now)


class Modest(MemoryStore):
    """Knows no declared schedules, and does not say so."""

    def run(self, operation: Any, /, *, now: int | None = None) -> Any:
        if isinstance(operation, Declare):
            raise NotSupported("declared schedules")
        return super().run(operation, now=now)


def redis_stores(server: RedisServer, namespace: str) -> Callable[[], Store]:
    """Return a function that makes an empty store on a server."""
    numbers = count(1)
    return lambda: RedisStore(
        Connections(address_of(server.url)), namespace=f"{namespace}-{next(numbers)}"
    )


def fake_store() -> Store:
    return RedisStore(Connections(address_of(fakeredis.FakeRedis(server=fakeredis.FakeServer()))))


def test_memory_and_redis_give_the_same_answers(
    each_redis_server: RedisServer, namespace: str
) -> None:
    """B55, B57: over the whole API; `make fuzz` does the same for as long as you like."""
    found = fuzz(MemoryStore, redis_stores(each_redis_server, namespace), steps=250, seed=1)

    assert found.difference is None, str(found.difference)
    assert found.steps == 250


def test_memory_and_fakeredis_give_the_same_answers() -> None:
    """B55: its Lua is slow, so few steps."""
    found = fuzz(MemoryStore, fake_store, steps=40, seed=2, program=40)

    assert found.difference is None, str(found.difference)


def test_hypothesis_finds_no_difference_between_equal_stores() -> None:
    """B55: a `TestingJobs` stands for its store."""
    run_state_machine_as_test(differential(MemoryStore, TestingJobs), settings=QUICK)


@pytest.mark.parametrize("broken", [Forgetful, Hasty])
def test_a_planted_bug_is_found_and_shrunk_to_a_few_steps(broken: type[MemoryStore]) -> None:
    """B55: what does not find a bug proves nothing."""
    found = fuzz(MemoryStore, broken, steps=5_000).difference

    assert found is not None
    assert len(found.program) <= 5
    assert replay(MemoryStore, broken, found.program) is not None
    assert replay(MemoryStore, MemoryStore, found.program) is None


def test_hypothesis_finds_and_shrinks_a_planted_bug() -> None:
    """B55: and the message is a program."""
    machine = differential(MemoryStore, Hasty)
    thorough = settings(QUICK, max_examples=100)

    with pytest.raises(AssertionError, match=r"program = \[\n +Enqueue") as raised:
        run_state_machine_as_test(machine, settings=thorough)

    assert int(str(raised.value).split()[1]) <= 6


def test_a_program_is_a_value_that_prints_as_code() -> None:
    """A failure can be pasted into a test."""
    found = replay(MemoryStore, Hasty, [Enqueue("j1", Note(), run_in=5), Take("ann", "default")])
    assert found is not None

    text = str(found)

    assert "Enqueue('j1', Note(), run_in=5)," in text
    assert "Take('ann', 'default')," in text


def test_an_operation_is_shown_without_what_stands_at_its_default() -> None:
    found = replay(MemoryStore, Hasty, [Enqueue("j1", Note(), run_in=5), Take("ann", "default")])
    assert found is not None

    assert found.operation.startswith("Claim(queue='default', worker='ann', ")
    assert "prefetch" not in found.operation


def test_a_store_that_raises_is_shown_with_the_end_of_its_traceback() -> None:
    found = replay(MemoryStore, Broken, [Enqueue("j1", Note()), Take("ann", "default")])
    assert found is not None

    text = str(found)

    assert "  b: KeyError: " in text
    assert '        raise KeyError("no lane")' in text
    assert "test_differential.py" in text


@pytest.mark.parametrize("compare", [fuzz, differential])
def test_a_store_in_the_place_of_what_makes_one_is_refused(compare: Any) -> None:
    """B57: before anything is made."""
    with pytest.raises(InvalidOption, match=f"{compare.__name__}: make_b is an instance of Mem"):
        compare(MemoryStore, MemoryStore())
    with pytest.raises(InvalidOption, match="replay: make_a is an instance of Hasty"):
        replay(Hasty(), MemoryStore, [])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_a_store_that_refuses_is_told_how_to_leave_such_steps_out() -> None:
    """B57: what is not supported is no difference, if one says so."""
    found = fuzz(MemoryStore, Modest, steps=5_000).difference

    assert found is not None
    assert "without=" in str(found)
    assert fuzz(MemoryStore, Modest, steps=300, without={"DeclareAll"}).difference is None


def test_of_a_store_that_can_do_little_that_is_compared() -> None:
    """B57: what one of the two cannot do is asked of neither."""
    found = fuzz(MemoryStore, Plain, steps=600, program=200)

    assert found.difference is None, str(found.difference)
    assert found.operations > 1_000


def test_a_kind_of_step_that_there_is_not_is_refused() -> None:
    with pytest.raises(InvalidOption, match="Sheduling"):
        fuzz(MemoryStore, MemoryStore, steps=1, without={"Sheduling"})


def test_simulated_workers_serve_what_real_ones_with_these_handlers_do() -> None:
    """B24, B26: their lanes are written down: a store may lack some of what they ask for."""
    runner = World(MemoryStore(), MemoryStore()).runner

    assert {name: runner.lane(name) for name in LANES} == LANES
