"""What payloads show of their types, and how secrets are taken out of them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, NamedTuple, TypedDict
from uuid import UUID

import pytest

from jobkit.codec.schema import schema_of
from jobkit.jobtype import job_type
from jobkit_testing.shapes import features, without_secrets

NOON = datetime(2030, 6, 1, 12)  # noqa: DTZ001  # naive ones may be stored
SECRET: dict[str, Any] = {"sensitive": True}


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Point(NamedTuple):
    x: int
    y: int = 0


class Extra(TypedDict, total=False):
    note: str


@dataclass(frozen=True)
class Leaf:
    n: int
    token: str = field(default="t", metadata=SECRET)


@dataclass(frozen=True)
class Tree:
    n: int
    colour: Colour = Colour.RED
    leaf: Leaf | None = None
    leaves: dict[str, Leaf] = field(default_factory=dict[str, Leaf])
    next: Tree | None = None
    pair: tuple[int, Leaf | None] = (1, None)
    extra: Extra = field(default_factory=Extra)
    anything: Any = None


def _features(job: Tree) -> frozenset[str]:
    return features(schema_of(Tree), job_type(Tree).encode(job, max_payload=9_999))


def _masked(job: Secrets) -> Secrets:
    """Return the job that has come through, and check that its bytes are a payload."""
    of = job_type(Secrets)
    return of.decode(without_secrets(schema_of(Secrets), of.encode(job, max_payload=9_999)))


def test_values_make_no_difference() -> None:
    one = Tree(1, leaves={"a": Leaf(1)}, anything=[1])
    other = Tree(2, leaves={"b": Leaf(2), "c": Leaf(3)}, anything=[2, 3])

    assert _features(one) == _features(other)


@pytest.mark.parametrize(
    ("changed", "shown"),
    [
        (Tree(1, colour=Colour.BLUE), "Tree.colour is 'blue'"),
        (Tree(1, leaf=Leaf(1)), "Tree.leaf is object"),
        (Tree(1, leaves={"a": Leaf(1)}), "Tree.leaves[] is object"),
        (Tree(1, pair=(1, Leaf(2))), "Leaf.n is number"),
        (Tree(1, extra={"note": "x"}), "Extra.note is text"),
        (Tree(1, anything=[True]), "Tree.anything[] is true or false"),
    ],
)
def test_what_a_field_is_makes_a_difference(changed: Tree, shown: str) -> None:
    assert shown in _features(changed)
    assert shown not in _features(Tree(1))


def test_a_field_that_is_not_there_makes_one() -> None:
    schema = schema_of(Leaf)

    assert features(schema, b'{"n":1}') == {
        " is object",
        "Leaf.n is number",
        "Leaf.token is missing",
    }


def test_a_type_that_contains_itself_has_no_end_of_features() -> None:
    """The depth makes no difference: there are as many features as fields and kinds."""
    two, nine = Tree(1, next=Tree(2)), Tree(1)
    for n in range(9):
        nine = Tree(n, next=nine)

    assert _features(two) == _features(nine)


@dataclass(frozen=True)
class Secrets:
    """Each type of field, and some inside of others."""

    text: str = field(default="hunter2", metadata=SECRET)
    number: int = field(default=42, metadata=SECRET)
    real: float = field(default=4.2, metadata=SECRET)
    flag: bool = field(default=True, metadata=SECRET)
    blob: bytes = field(default=b"hunter2", metadata=SECRET)
    at: datetime = field(default=NOON, metadata=SECRET)
    aware: datetime = field(default=NOON.replace(tzinfo=UTC), metadata=SECRET)
    day: date = field(default=NOON.date(), metadata=SECRET)
    hour: time = field(default=NOON.time(), metadata=SECRET)
    span: timedelta = field(default=timedelta(hours=42), metadata=SECRET)
    uuid: UUID = field(default=UUID(int=42), metadata=SECRET)
    price: Decimal = field(default=Decimal("4.2"), metadata=SECRET)
    colour: Colour = field(default=Colour.BLUE, metadata=SECRET)
    word: Literal["a", "hunter2"] = field(default="hunter2", metadata=SECRET)
    several: tuple[str, ...] = field(default=("hunter2",), metadata=SECRET)
    pair: tuple[int, str] = field(default=(42, "hunter2"), metadata=SECRET)
    point: Point = field(default=Point(42, 42), metadata=SECRET)
    table: dict[str, str] = field(default_factory=lambda: {"hunter2": "x"}, metadata=SECRET)
    leaf: Leaf = field(default=Leaf(42, "hunter2"), metadata=SECRET)
    maybe: str | None = field(default="hunter2", metadata=SECRET)
    number_or_text: int | str = field(default="hunter2", metadata=SECRET)
    none: str | None = field(default=None, metadata=SECRET)
    anything: Any = field(default_factory=lambda: {"hunter2": 42}, metadata=SECRET)
    open: tuple[Leaf, ...] = (Leaf(1, "hunter2"),)
    open_table: dict[str, Leaf] = field(default_factory=lambda: {"a": Leaf(2, "hunter2")})


def test_a_secret_becomes_a_value_of_the_same_type() -> None:
    masked = _masked(Secrets())

    assert "hunter2" not in str(masked)
    assert "42" not in str(masked)
    assert masked.open == (Leaf(1, "***"),)
    assert masked.open_table == {"a": Leaf(2, "***")}
    assert masked.at.tzinfo is None
    assert masked.aware.tzinfo is not None
    assert masked.none is None
    assert masked.number_or_text == "***"
    assert masked.leaf == Leaf(0, "***")


def test_a_payload_without_secrets_keeps_its_bytes() -> None:
    payload = b'{"n":  100000000000000000000}'

    assert without_secrets(schema_of(Plain), payload) is payload


def test_big_numbers_beside_a_secret_stay_what_they_are() -> None:
    masked = without_secrets(schema_of(Leaf), b'{"n":100000000000000000000,"token":"x"}')

    assert json.loads(masked) == {"n": 10**20, "token": "***"}


@dataclass(frozen=True)
class Plain:
    n: int
