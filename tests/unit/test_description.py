"""How jobs look in messages and logs."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

import pytest

from jobkit.description import LONGEST_TEXT, describe


class Colour(Enum):
    RED = "red"


@dataclass
class Card:
    owner: str
    number: str = field(default="4111", metadata={"sensitive": True})
    scan: bytes = field(default=b"", repr=False)


@dataclass
class Talkative(Card):
    def __repr__(self) -> str:
        return f"Talkative({self.number})"


class Pair(NamedTuple):
    left: Any
    right: Any


class Broken:
    def __repr__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7, "7"),
        ("it's", '"it\'s"'),
        (Colour.RED, "<Colour.RED: 'red'>"),
        ([1, "a"], "[1, 'a']"),
        ((1,), "(1,)"),
        ((), "()"),
        ({"a": {1: None}}, "{'a': {1: None}}"),
        ({"b", "a"}, "{'a', 'b'}"),
        (set[int](), "set()"),
        (Broken(), "<Broken>"),
        (Card, "<class 'tests.unit.test_description.Card'>"),
    ],
)
def test_a_description_reads_like_repr(value: object, text: str) -> None:
    assert describe(value) == text


@pytest.mark.parametrize(
    "value",
    [
        Card("ann"),
        Talkative("ann"),
        [Card("ann")],
        (Card("ann"), 1),
        Pair(Card("ann"), 1),
        {"a": [Card("ann")]},
        OrderedDict([("a", Talkative("ann"))]),
        {1: (Talkative("ann"),)},
    ],
)
def test_sensitive_fields_are_masked_at_every_depth(value: object) -> None:
    text = describe(value)

    assert "4111" not in text
    assert "owner='ann', number=***)" in text
    assert "scan" not in text


@pytest.mark.parametrize(
    "value",
    ["x" * 10_000, b"x" * 10_000, 10**3_000, list(range(10_000)), dict.fromkeys(range(99))],
)
def test_long_values_are_shortened(value: Sequence[object]) -> None:
    text = describe(value)

    assert "..." in text
    assert len(text) <= LONGEST_TEXT + 4


def test_a_value_that_contains_itself_has_an_end() -> None:
    loop: list[Any] = []
    loop.append(loop)

    assert describe(loop) == "[[[[[[...]]]]]]"
