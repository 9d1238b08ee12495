from __future__ import annotations

from dataclasses import dataclass, field, make_dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

import pytest

import jobkit
from jobkit import InvalidOption, Unique
from jobkit.engine.uniqueness import key_text, shown_key, type_of_key, unique_key
from jobkit.jobtype import job_type, job_type_of


@jobkit.job(name="unit.Import", aliases=["unit.Old"])
@dataclass(frozen=True)
class Import:
    user: int
    ratio: float = 1.0
    tags: list[str] = field(default_factory=list[str])
    sizes: dict[str, float] = field(default_factory=dict[str, float])


class Keys(StrEnum):
    ONE = "one"


def key_of(job: Any, option: bool | Unique = True) -> str:
    made = unique_key(job, job_type_of(job), option)
    assert made is not None
    return made.key


def test_a_fingerprint_is_short_and_stays_the_same_over_processes() -> None:
    """B21: it is in the store, and must not depend on hash seeds or versions of Python."""
    assert key_of(Import(7)) == "unit.Import|~ad86bf85180843aaf278fb636b8b6857"


@pytest.mark.parametrize(
    "equal",
    [
        Import(user=1, ratio=1),
        Import(1, tags=[]),
        Import(1, sizes={}),
    ],
)
def test_what_does_not_change_a_fingerprint(equal: Import) -> None:
    """B21: fields at their default, and equal numbers."""
    assert key_of(equal) == key_of(Import(1))


def test_the_order_of_a_mapping_does_not_change_a_fingerprint() -> None:
    """B21"""
    one, other = {"a": 1.0, "b": 2.5}, {"b": 2.5, "a": 1}

    assert key_of(Import(1, sizes=one)) == key_of(Import(1, sizes=other))


@pytest.mark.parametrize(
    "other", [Import(2), Import(1, 1.5), Import(1, tags=["a"]), Import(1, tags=["b", "a"])]
)
def test_what_changes_a_fingerprint(other: Import) -> None:
    """B21"""
    assert key_of(other) not in (key_of(Import(1)), key_of(Import(1, tags=["a", "b"])))


def test_a_key_is_of_the_types_own_name() -> None:
    """B1, B21: not of an alias, so that it is one key for all who know the type."""
    assert type_of_key(key_of(Import(1))) == "unit.Import"


def test_a_new_field_and_another_order_of_fields_leave_the_key_as_it_is() -> None:
    """B21: while old and new code are deployed."""
    classes: list[Any] = [
        make_dataclass("A", [("a", int), ("b", int)]),
        make_dataclass("B", [("b", int), ("a", int), ("c", str, field(default=""))]),
    ]
    before, after = map(jobkit.job(name="unit.Deployed"), classes)

    assert key_of(before(a=1, b=2)) == key_of(after(a=1, b=2))


def test_two_types_with_one_payload_have_two_keys() -> None:
    """B21: the scope has the type."""
    one: Any = make_dataclass("One", [("a", int)])
    two: Any = make_dataclass("Two", [("a", int)])

    keys = {key_of(cls(1), option) for cls in (one, two) for option in (True, Unique(key="k"))}

    assert len(keys) == 4


def test_a_key_is_stored_as_it_is_if_it_can_be_shown() -> None:
    """B21: also with spaces and letters of any alphabet."""
    for key in ("user-7", "grüße an: 7", "a|b", "k" * 128):
        assert shown_key(key_of(Import(1), Unique(key=key))) == key_text(key) == key


@pytest.mark.parametrize("key", ["k" * 129, "a\nb", "a\x00b", "\ud800", "~", "~" + "0" * 32])
def test_other_keys_are_stored_as_their_hash(key: str) -> None:
    """B21: long ones, control characters, and those that look like a hash."""
    shown = shown_key(key_of(Import(1), Unique(key=key)))

    assert shown == key_text(key)
    assert shown is not None
    assert len(shown) == 33
    assert shown != key
    assert key_text(key + "!") != shown


def test_a_key_never_meets_a_fingerprint() -> None:
    """B21: not even one that has the same text."""
    fingerprint = shown_key(key_of(Import(1)))
    assert fingerprint is not None

    assert shown_key(key_of(Import(1), Unique(key=fingerprint))) != fingerprint


def test_an_enum_of_strings_is_a_key_by_its_value() -> None:
    """B21"""
    assert key_of(Import(1), Unique(key=Keys.ONE)) == "unit.Import|one"
    assert key_of(Import(1), Unique(key=lambda _: Keys.ONE)) == "unit.Import|one"


def test_the_options_reach_the_store_in_milliseconds() -> None:
    """B22: 24 hours unless told otherwise; None is without end; never nothing."""
    kind = job_type(Import)
    options = (
        True,
        Unique(until="done", ttl=None, on_conflict="raise"),
        Unique(ttl=timedelta(microseconds=1)),
    )

    made = [unique_key(Import(1), kind, option) for option in options]

    assert [(key.until, key.ttl, key.on_conflict) for key in made if key is not None] == [
        ("started", 86_400_000, "return"),
        ("done", None, "raise"),
        ("started", 1, "return"),
    ]
    assert unique_key(Import(1), kind, False) is None


def test_what_a_key_function_raises_is_told_without_its_text() -> None:
    """B57: the text may hold what is in the payload; the cause has it."""

    def fails(job: Import) -> str:
        raise RuntimeError(f"secret {job.user}")

    words = r"key= of Import raised RuntimeError: it has to return a str [\w ]+$"
    with pytest.raises(InvalidOption, match=words) as caught:
        key_of(Import(1), Unique(key=fails))

    assert isinstance(caught.value.__cause__, RuntimeError)


def test_the_type_of_job_may_be_said() -> None:
    """B21: `Unique[Import](...)`, as a type checker may ask for it."""
    named = Unique[Import](key=lambda job: str(job.user))

    assert key_of(Import(7), named) == "unit.Import|7"
    assert named == Unique(key=named.key)
