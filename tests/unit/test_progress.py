"""What a handler may say of how far it is."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

import pytest

from jobkit.errors import InvalidOption
from jobkit.progress import LONGEST_TEXT, check_in, decode_progress, encode_progress
from jobkit.record import Progress

AT = 1_893_456_000_000


class Step(IntEnum):
    SECOND = 2


class Shouted(str):
    __slots__ = ()


def seen(text: str, **numbers: Any) -> Progress:
    """Check in, store, and read."""
    stored = encode_progress(check_in(text, **numbers))
    assert b"\n" not in stored
    progress = decode_progress(stored, AT)
    assert progress is not None
    return progress


def test_text_and_numbers_are_read_as_they_were_given() -> None:
    """B29"""
    progress = seen("rows\nof \u20ac", done=3, total=10.5)

    assert progress == Progress(
        text="rows\nof \u20ac", done=3, total=10.5, at=datetime(2030, 1, 1, tzinfo=UTC)
    )
    assert isinstance(progress.done, int)


@pytest.mark.parametrize("character", ["x", "\u20ac", "\U0001f600"])
def test_a_long_text_is_cut_between_two_characters(character: str) -> None:
    """B29"""
    text = seen(character * 5000).text

    assert set(text) == {character}
    assert LONGEST_TEXT - 4 < len(text.encode()) <= LONGEST_TEXT


def test_half_a_surrogate_pair_is_replaced() -> None:
    """B29: it has no bytes, and a handler must not fail of it."""
    assert seen("a\ud800b").text == "a?b"


def test_kinds_of_text_and_numbers_become_plain_ones() -> None:
    """B29"""
    progress = seen(Shouted("HALF"), done=Step.SECOND, total=2**70)

    assert (progress.text, progress.done, progress.total) == ("HALF", 2, 2.0**70)


@pytest.mark.parametrize(
    ("text", "numbers", "complaint"),
    [
        (b"half", {}, "checkin: text=b'half': give a str"),
        ("half", {"done": "1"}, "checkin: done='1': give an int or a float"),
        ("half", {"done": True}, "checkin: done=True: give an int or a float"),
        ("half", {"total": float("nan")}, "checkin: total=nan: give a finite number"),
        ("half", {"done": float("-inf")}, "checkin: done=-inf: give a finite number"),
        ("half", {"total": 10**400}, "checkin: total is too great for a float"),
    ],
)
def test_what_is_no_text_or_number_is_refused(
    text: Any, numbers: dict[str, Any], complaint: str
) -> None:
    """B29"""
    with pytest.raises(InvalidOption) as refused:
        check_in(text, **numbers)

    assert str(refused.value) == complaint


@pytest.mark.parametrize("stored", [b"", b"half", b'{"text":"half"}', b'["half"]', b"[1,2,3]"])
def test_a_damaged_check_in_is_none(stored: bytes) -> None:
    """B43: a record is read all the same."""
    assert decode_progress(stored, AT) is None
