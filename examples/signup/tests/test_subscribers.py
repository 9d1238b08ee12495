"""Reading one line."""

from __future__ import annotations

from datetime import date

import pytest

from examples.signup.subscribers import Malformed, Subscriber, read_subscriber


def test_a_line_is_a_subscriber() -> None:
    assert read_subscriber("ann@mail.example,Ann,2026-01-31,acme") == Subscriber(
        email="ann@mail.example", name="Ann", signed_up_on=date(2026, 1, 31), partner="acme"
    )


def test_nobody_has_to_come_by_way_of_a_partner() -> None:
    assert read_subscriber("ann@mail.example,Ann,2026-01-31,").partner is None


def test_a_quoted_name_may_have_a_comma_and_quotes() -> None:
    line = 'king@mail.example,"Martin ""M. L."" King, Jr.",2026-01-31,'

    assert read_subscriber(line).name == 'Martin "M. L." King, Jr.'


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "the line is empty"),
        ("   ", "the line is empty"),
        ("ann@mail.example,Ann,2026-01-31", "4 fields expected, 3 found"),
        ("ann@mail.example,Ann,2026-01-31,acme,VIP", "4 fields expected, 5 found"),
        ("ann,Ann,2026-01-31,", "'ann' is not an e-mail address"),
        ("ann@mail,Ann,2026-01-31,", "'ann@mail' is not an e-mail address"),
        ("ann@@mail.example,Ann,2026-01-31,", "'ann@@mail.example' is not an e-mail address"),
        ("änn@mail.example,Ann,2026-01-31,", "'änn@mail.example' is not an e-mail address"),
        (",Ann,2026-01-31,", "'' is not an e-mail address"),
        ("ann@mail.example,,2026-01-31,", "the name is empty"),
        ("ann@mail.example,Ann,2026-02-30,", "'2026-02-30' is not a date like 2026-01-31"),
        ("ann@mail.example,Ann,31/01/2026,", "'31/01/2026' is not a date like 2026-01-31"),
        ('"ann@mail.example,Ann,2026-01-31,', "not CSV: unexpected end of data"),
        ("ann@mail.example,Ann\N{REPLACEMENT CHARACTER},2026-01-31,", "not UTF-8"),
    ],
)
def test_what_is_wrong_with_a_line_is_said(line: str, reason: str) -> None:
    with pytest.raises(Malformed) as refusal:
        read_subscriber(line)

    assert str(refusal.value) == reason
