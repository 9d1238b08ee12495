"""What a handler says of how far it is: checked when it says it, written a moment later."""

from __future__ import annotations

from math import isfinite
from typing import NamedTuple

import msgspec

from jobkit.clock import from_milliseconds
from jobkit.errors import InvalidOption
from jobkit.record import Progress

LONGEST_TEXT = 1024  # bytes of UTF-8; what is longer is cut
_EXACT = 2**53  # greater ints become floats: no reader of JSON keeps more


class CheckedIn(NamedTuple):
    """One check-in of a handler."""

    text: str
    done: int | float | None  # msgspec reads what is named here
    total: int | float | None


_decode = msgspec.json.Decoder(CheckedIn)


def check_in(text: str, *, done: float | None = None, total: float | None = None) -> CheckedIn:
    """Return what a handler said, checked and cut to size; raises `InvalidOption`.

    >>> check_in("rows", done=3, total=10)
    CheckedIn(text='rows', done=3, total=10)
    """
    # Types are a promise that user code may break at run time.
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidOption(f"checkin: text={text!r}: give a str")
    if type(text) is not str or len(text) > LONGEST_TEXT or not text.isascii():
        text = _cut(text)
    if done is not None:
        done = _number("done", done)
    if total is not None:
        total = _number("total", total)
    return CheckedIn(text, done, total)


def encode_progress(said: CheckedIn) -> bytes:
    """Return a check-in as a store keeps it: one line of JSON."""
    return msgspec.json.encode(said)


def decode_progress(stored: bytes, at: int) -> Progress | None:
    """Return a stored check-in, made at `at` (milliseconds), as users see it.

    None: it does not decode.
    """
    try:
        said = _decode.decode(stored)
    except ValueError:  # msgspec's errors are ValueErrors
        return None
    return Progress(text=said.text, done=said.done, total=said.total, at=from_milliseconds(at))


def _cut(text: str) -> str:
    # Half a surrogate pair has no bytes; a cut may leave half a character.
    return str.encode(text, "utf-8", "replace")[:LONGEST_TEXT].decode("utf-8", "ignore")


def _number(name: str, value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise InvalidOption(f"checkin: {name}={value!r}: give an int or a float")
    try:
        number = int(value) if isinstance(value, int) and abs(value) < _EXACT else float(value)
    except OverflowError:
        raise InvalidOption(f"checkin: {name} is too great for a float") from None
    if not isfinite(number):
        raise InvalidOption(f"checkin: {name}={value!r}: give a finite number")
    return number
