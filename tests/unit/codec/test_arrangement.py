"""That equal jobs have equal bytes, in every process."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field, make_dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobkit.codec import PayloadCodec
from jobkit.errors import InvalidJob
from tests.unit.codec.samples import Colour, Item, codec_for

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@dataclass
class Report:
    user: int
    ratio: float = 1.0
    tags: set[str | int] = field(default_factory=set[str | int])
    items: list[Item] = field(default_factory=list[Item])
    data: Any = None
    price: Decimal = Decimal(1)
    at: datetime | None = None
    by_day: dict[int, float] = field(default_factory=dict[int, float])
    colours: frozenset[Colour] = frozenset()


# Prints payloads and fingerprints whose sets iterate in an order of the process's own.
SETS = """
from dataclasses import make_dataclass
from enum import Enum
from uuid import UUID
from typing import Any
from jobkit.codec import PayloadCodec

Colour = Enum("Colour", {name: name for name in "red green blue black white".split()})
words = [str(number) for number in range(20)]
ids = [UUID(int=number << 64 | number) for number in range(20)]
for annotation, value in [
    (set[str], set(words)),
    (frozenset[Colour], frozenset(Colour)),
    (set[UUID], set(ids)),
    (set[int | str | None], {None, *words, *range(20)}),
    (set[tuple[str, int]], {(word, 1) for word in words}),
    (set[frozenset[str]], {frozenset({word, "a", "b"}) for word in words}),
    (dict[str, set[Colour]], {word: set(Colour) for word in {*words}}),
    (dict[UUID, int], {one: 1 for one in {*ids}}),
    (dict[Colour, int], {one: 1 for one in {*Colour}}),
    (Any, {word: 1 for word in {*words}}),
]:
    cls = make_dataclass("Job", [("value", annotation)])
    codec, job = PayloadCodec(cls), cls(value)
    print(codec.encode(job).decode(), codec.canonical(job).decode())
"""


def test_bytes_do_not_depend_on_the_hash_seed() -> None:
    """B3."""
    printed = {
        subprocess.run(
            [sys.executable, "-c", SETS],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("0", "1", "2")
    }

    assert len(printed) == 1
    assert len(printed.pop().splitlines()) == 10


def test_bytes_do_not_depend_on_the_order_of_fields_and_keys() -> None:
    """B3."""
    one: Any = make_dataclass("One", [("a", int), ("b", dict[str, int])])
    other: Any = make_dataclass("Other", [("b", dict[str, int]), ("a", int)])

    payload = PayloadCodec(one).encode(one(a=1, b={"x": 1, "y": 2}))

    assert payload == PayloadCodec(other).encode(other(a=1, b={"y": 2, "x": 1}))


ALIKE: list[tuple[Report, Report]] = [
    (Report(1), Report(1, ratio=1, tags=set(), data=None)),
    (Report(1, ratio=2), Report(1, ratio=2.0)),
    (Report(1, price=Decimal("1.50")), Report(1, price=Decimal("1.5"))),
    (Report(1, price=Decimal("1E+2")), Report(1, price=Decimal(100))),
    (Report(1, price=Decimal("1.0")), Report(1)),
    (Report(1, data={"a": [1.0], "b": 2}), Report(1, data={"b": 2.0, "a": [1]})),
    (Report(1, at=NOON), Report(1, at=NOON.astimezone(timezone(timedelta(hours=5))))),
    (Report(1, items=[Item(1)]), Report(1, items=[Item(1, "")])),
    (Report(1, tags={1, "a"}), Report(1, tags={"a", 1})),
    (Report(1, by_day={1: 1, 2: 2.0}), Report(1, by_day={2: 2, 1: 1.0})),
    (Report(1, colours=frozenset(Colour)), Report(1, colours=frozenset(reversed(Colour)))),
]


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_equal_jobs_have_one_fingerprint(one: Report, other: Report) -> None:
    """B21."""
    codec = PayloadCodec(Report)

    assert codec.canonical(one) == codec.canonical(other)


DIFFERENT: list[Report] = [
    Report(1),
    Report(2),
    Report(1, data=True),
    Report(1, data=1),
    Report(1, data="1"),
    Report(1, data=[]),
    Report(1, data=[1, 2]),
    Report(1, data=[2, 1]),
    Report(1, tags={1}),
    Report(1, tags={"1"}),
    Report(1, at=NOON),
    Report(1, at=NOON.replace(tzinfo=None)),
    Report(1, items=[Item(1)]),
    Report(1, items=[Item(1, "a")]),
    Report(1, by_day={1: 2}),
    Report(1, price=Decimal(0)),
]


def test_different_jobs_have_different_fingerprints() -> None:
    """B21."""
    codec = PayloadCodec(Report)

    fingerprints = {codec.canonical(report) for report in DIFFERENT}

    assert len(fingerprints) == len(DIFFERENT)


def test_a_new_field_with_a_default_leaves_fingerprints_as_they_are() -> None:
    """B21."""
    before: Any = make_dataclass("Job", [("no", int)])
    after: Any = make_dataclass(
        "Job", [("no", int), ("tags", list[int], field(default_factory=list[int]))]
    )

    fingerprint = PayloadCodec(before).canonical(before(1))

    assert fingerprint == PayloadCodec(after).canonical(after(1)) == b'{"no":1}'


def test_a_fingerprint_of_what_cannot_be_stored_is_refused() -> None:
    """B21."""
    codec, cls = codec_for(Any)

    with pytest.raises(InvalidJob, match=r"app\.Job\.value\[0\]: object has no JSON form"):
        codec.canonical(cls([object()]))


FLOATS = st.floats(allow_nan=False, allow_infinity=False)
REPORTS = st.builds(
    Report,
    st.integers(),
    FLOATS | st.integers(-99, 99),
    st.sets(st.text(max_size=3) | st.integers()),
    st.lists(st.builds(Item, st.integers(), st.text(max_size=3)), max_size=3),
    st.dictionaries(st.text(max_size=3), FLOATS | st.booleans() | st.integers(), max_size=3),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.none() | st.datetimes() | st.datetimes(timezones=st.just(UTC)),
    st.dictionaries(st.integers(), FLOATS, max_size=3),
    st.frozensets(st.sampled_from(Colour)),
)


@settings(max_examples=100, deadline=None)
@given(REPORTS)
def test_a_stored_job_keeps_its_fingerprint(report: Report) -> None:
    """B21."""
    codec = PayloadCodec(Report)

    stored = codec.decode(codec.encode(report))

    assert codec.canonical(stored) == codec.canonical(report)
    assert codec.canonical(replace(report)) == codec.canonical(report)
