"""Reads subscribers from lines of CSV, and says what is wrong with those that it cannot read."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from datetime import date

HEADER = "email,name,signed_up_on,partner"

# Plain ASCII, as SMTP without extensions wants it; whether it exists, only its server knows.
_EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[a-z0-9-]+(\.[a-z0-9-]+)+", re.ASCII | re.IGNORECASE)


class Malformed(Exception):
    """A line is not a subscriber; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """Somebody who signed up, perhaps by way of a partner."""

    email: str
    name: str
    signed_up_on: date
    partner: str | None


def read_subscriber(line: str) -> Subscriber:
    """Read one line; raise `Malformed`.

    >>> read_subscriber("ann@mail.example,Ann,2026-01-31,acme").signed_up_on
    datetime.date(2026, 1, 31)
    >>> read_subscriber("ann@mail.example,Ann,2026-02-31,acme")
    Traceback (most recent call last):
    examples.signup.subscribers.Malformed: '2026-02-31' is not a date like 2026-01-31
    """
    email, name, signed_up_on, partner = _fields(line)
    if not _EMAIL.fullmatch(email):
        raise Malformed(f"{email!r} is not an e-mail address")
    if not name:
        raise Malformed("the name is empty")
    return Subscriber(
        email=email, name=name, signed_up_on=_date(signed_up_on), partner=partner or None
    )


def _fields(line: str) -> list[str]:
    if not line.strip():
        raise Malformed("the line is empty")
    if "\N{REPLACEMENT CHARACTER}" in line:
        raise Malformed("not UTF-8")
    try:
        # Line by line: a quote that is never closed spoils its own line and not the rest.
        (fields,) = csv.reader([line], strict=True)
    except csv.Error as error:
        raise Malformed(f"not CSV: {error}") from error
    expected = HEADER.count(",") + 1
    if len(fields) != expected:
        raise Malformed(f"{expected} fields expected, {len(fields)} found")
    return [field.strip() for field in fields]


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Malformed(f"{text!r} is not a date like 2026-01-31") from None
