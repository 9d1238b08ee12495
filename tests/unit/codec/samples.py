"""Types and values that a payload keeps, for the tests of the codec."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, make_dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    NamedTuple,
    NewType,
    NotRequired,
    Optional,
    TypedDict,
    TypeVar,
    Union,
)
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from jobkit.codec import PayloadCodec

T = TypeVar("T")


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1


class Mode(StrEnum):
    FAST = "fast"


class Text(str):
    __slots__ = ()


class Point(NamedTuple):
    x: int
    label: str = ""


class Address(TypedDict):
    street: str
    number: NotRequired[int]


@dataclass(frozen=True)
class Item:
    no: int
    name: str = ""


@dataclass(frozen=True)
class SubItem(Item):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Slotted:
    no: int
    tags: tuple[str, ...] = ()


@dataclass
class Node:
    value: int
    children: list[Node]
    parent: Node | None = None


@dataclass
class Box(Generic[T]):
    content: T
    next: Box[T] | None = None


@dataclass
class IntBox(Box[int]):
    pass


def job_class(annotation: Any) -> Any:
    """Return the class app.Job with one field `value`."""
    cls = make_dataclass("Job", [("value", annotation)])
    cls.__module__ = "app"  # until Python 3.12 make_dataclass says "types"
    return cls


def codec_for(annotation: Any) -> tuple[PayloadCodec[Any], Callable[[Any], Any]]:
    """Return the codec of a job with one field `value`, and the job's class."""
    cls = job_class(annotation)
    return PayloadCodec(cls), cls


def ids(cases: Sequence[tuple[Any, ...]]) -> list[str]:
    """Name cases by annotation: a set prints differently in each of xdist's processes."""
    return [f"{index}-{case[0]}" for index, case in enumerate(cases)]


def typed(value: Any, *, widen: bool = False) -> Any:
    """Return a value in which equality includes the classes, at every depth, and offsets.

    With `widen` an int is the same as the float of its value.
    """
    kind: type[Any] = value.__class__

    def key(item: Any) -> str:
        return repr(typed(item, widen=widen))

    if dataclasses.is_dataclass(kind):
        fields = ((f.name, getattr(value, f.name)) for f in dataclasses.fields(kind))
        return kind, [(name, typed(item, widen=widen)) for name, item in fields]
    if issubclass(kind, list | tuple):
        return kind, [typed(item, widen=widen) for item in value]
    if issubclass(kind, set | frozenset):
        return kind, sorted(map(key, value))
    if issubclass(kind, dict):
        return kind, sorted((key(name), key(item)) for name, item in value.items())
    if issubclass(kind, datetime | time):
        # Python compares across zones by the wall clock, or never finds them equal (fold).
        return kind, value.replace(tzinfo=None, fold=0), value.utcoffset()
    if kind is int and widen:
        return float, value
    return kind, value


PARIS = ZoneInfo("Europe/Paris")
NAIVE = datetime.fromisoformat("2026-03-29T02:30:00.000001")
ID = UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
UserId = NewType("UserId", int)

KEPT: list[tuple[Any, Any]] = [
    (int, 7),
    (int, 2**63),
    (int, -(10**40)),
    (float, 0.1),
    (float, -0.0),
    (float, 5e-324),
    (bool, True),
    (None, None),
    (str, "naïve ☃ \U0001f600 \x00 \u2028"),
    (str, ""),
    (bytes, b"\xff\x00"),
    (bytearray, bytearray(b"\xff")),
    (datetime, NAIVE),
    (datetime, NAIVE.replace(tzinfo=UTC)),
    (datetime, NAIVE.replace(tzinfo=timezone(timedelta(hours=5, minutes=30)))),
    (datetime, datetime.max.replace(tzinfo=timezone(timedelta(hours=-12)))),
    (date, date(2026, 2, 28)),
    (time, time(23, 59, 59, 999999)),
    (time, time(1, 2, tzinfo=UTC)),
    (timedelta, timedelta(days=-3, microseconds=1)),
    (timedelta, timedelta.max),
    (UUID, ID),
    (Decimal, Decimal("1.50")),
    (Decimal, Decimal("-1E+400")),
    (Colour, Colour.RED),
    (Level, Level.LOW),
    (Mode, Mode.FAST),
    (Literal["a", 1, None], "a"),
    (Literal["a", 1, None], 1),
    (Optional[int], None),  # noqa: UP045 - people write it
    (int | str | None, "7"),
    (int | float, 1.0),
    (int | float, 1),
    (Union[int, list[int], Item], [1]),  # noqa: UP007
    (Item | None, Item(1)),
    (Any, {"a": [1, 1.5, True, None, {"b": []}]}),
    (Any, 2**80),
    (Any | None, [1]),
    (object, {"a": [1]}),
    (list[int], []),
    (list[Item], [Item(1, "a"), Item(2)]),
    (Sequence[int], [1]),
    (list, [1, "a", None]),
    (tuple[int, str], (1, "a")),
    (tuple[int, ...], (1, 2, 3)),
    (tuple[()], ()),
    (tuple, (1, [2])),
    (set[str], {"a", "b"}),
    (set[Colour], {Colour.RED, Colour.BLUE}),
    (set[int | str | None], {1, "1", None}),
    (set[tuple[int, str | None]], {(1, None), (1, "a")}),
    (frozenset[frozenset[int]], frozenset({frozenset({1}), frozenset({2})})),
    (set[Item], {Item(1), Item(2)}),
    (set[datetime], {NAIVE, NAIVE.replace(tzinfo=UTC)}),
    (dict[str, int], {"é": 1, "": 2}),
    (dict[int, str], {10: "a", 9: "b"}),
    (dict[float, int], {1.5: 1}),
    (dict[UUID, int], {ID: 1}),
    (dict[Colour, list[int]], {Colour.BLUE: [1]}),
    (dict[date, int], {date(2026, 1, 1): 1}),
    (dict[datetime, int], {NAIVE: 1}),
    (dict[timedelta, int], {timedelta(1): 1}),
    (dict[bytes, int], {b"\xff": 1}),
    (dict[Decimal, int], {Decimal("1.0"): 1}),
    (dict[Literal["a", "b"], int], {"b": 1}),
    (dict[str, dict[int, set[Colour]]], {"a": {1: {Colour.RED}}}),
    (Mapping[str, int], {"a": 1}),
    (dict, {"a": [1]}),
    (Address, {"street": "Rue", "number": 7}),
    (Address, {"street": "Rue"}),
    (Point, Point(1, "a")),
    (UserId, 7),
    (Annotated[int, "documented"], 7),
    (Annotated[int, msgspec.Meta(description="documented")], 7),
    (Item, Item(1)),
    (Slotted, Slotted(no=1, tags=("a",))),
    (Node, Node(1, [Node(2, [Node(3, [])])], Node(0, []))),
    (Box[str], Box("a", Box("b"))),
    (Box[Any], Box([1])),
    (IntBox, IntBox(1)),
]
