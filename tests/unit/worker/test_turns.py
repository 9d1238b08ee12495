"""B11: turns in proportion to weights."""

from __future__ import annotations

from collections import Counter

import pytest

from jobkit.ids import jitter
from jobkit.worker.turns import Turns

NINE_TO_ONE = {"mail": 9, "default": 1}


def test_turns_are_in_proportion() -> None:
    turns = Turns()

    taken = Counter(turns.next(NINE_TO_ONE) for _ in range(1_000))

    assert taken == {"mail": 900, "default": 100}


def test_turns_come_smoothly() -> None:
    """Never in a bunch: in any ten turns in a row the light queue has one."""
    turns = Turns()

    taken = [turns.next(NINE_TO_ONE) for _ in range(100)]

    assert {taken[i : i + 10].count("default") for i in range(90)} == {1}


def test_equal_weights_take_turns() -> None:
    turns = Turns()

    taken = [turns.next({"a": 5, "b": 5, "c": 5}) for _ in range(6)]

    assert taken == ["a", "b", "c", "a", "b", "c"]


@pytest.mark.parametrize("weights", [NINE_TO_ONE, {"a": 1000, "b": 999, "c": 1}, {"a": 4, "b": 2}])
def test_giving_many_turns_is_as_fair_as_giving_one(weights: dict[str, int]) -> None:
    """Whatever the numbers of free slots were, nobody is more than a turn or two off his share."""
    turns = Turns()
    given: Counter[str] = Counter()

    for i in range(300):
        number = int(jitter("turns", i) * 40)
        shares = turns.give(number, weights)
        given.update(shares)
        assert sum(shares.values()) == number

    total = sum(given.values())
    for name, weight in weights.items():
        assert abs(given[name] - total * weight / sum(weights.values())) <= 2


def test_no_turn_is_given_twice() -> None:
    assert Turns().give(0, NINE_TO_ONE) == {"mail": 0, "default": 0}
    assert Turns().give(1, NINE_TO_ONE) == {"mail": 1, "default": 0}
    assert Turns().give(10_000_000, NINE_TO_ONE) == {"mail": 9_000_000, "default": 1_000_000}


def test_who_was_away_gets_no_credit() -> None:
    turns = Turns()
    for _ in range(500):
        assert turns.next({"default": 1}) == "default"

    taken = Counter(turns.next(NINE_TO_ONE) for _ in range(100))

    assert taken == {"mail": 90, "default": 10}


def test_who_had_nothing_to_give_gets_no_credit() -> None:
    """A turn that was of no use is paid for: afterwards shares are what the weights say."""
    turns = Turns()
    for _ in range(500):
        if turns.next(NINE_TO_ONE) == "mail":  # which is empty
            turns.next({"default": 1})

    taken = Counter(turns.next(NINE_TO_ONE) for _ in range(100))

    assert abs(taken["mail"] - 90) <= 1


def test_comings_and_goings_upset_no_share() -> None:
    """Whoever is asked at a time: nobody runs up a debt or a credit that tells later."""
    weights = {"a": 5, "b": 3, "c": 1, "d": 1}
    turns = Turns()
    for i in range(2_000):
        asked = {name: w for name, w in weights.items() if jitter("asked", i, name) < 0.6}
        if asked:
            turns.next(asked)

    taken = Counter(turns.next(weights) for _ in range(1_000))

    assert all(abs(taken[name] - weight * 100) <= 5 for name, weight in weights.items())
