"""Options of the command line: from a text to a value, or to what is wrong with it."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable
from datetime import timedelta

import pytest

from jobkit.cli.option import (
    Option,
    checked,
    level,
    names,
    positive_number,
    queues,
    seconds,
    switch,
    whole_number,
)


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (whole_number, " 12 ", 12),
        (whole_number, "-3", -3),
        (positive_number, "1", 1),
        (seconds, "1.5", timedelta(seconds=1.5)),
        (seconds, "0", timedelta(0)),
        (names, "app.mail", ["app.mail"]),
        (names, " a , b ", ["a", "b"]),
        (queues, "mail", ["mail"]),
        (queues, "mail, default", ["mail", "default"]),
        (queues, "mail=10, default", {"mail": 10, "default": 1}),
        (switch, "1", True),
        (switch, "Yes", True),
        (switch, "off", False),
        (level, "debug", "DEBUG"),
    ],
)
def test_a_text_is_read(read: Callable[[str], object], text: str, value: object) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "text", "complaint"),
    [
        (whole_number, "1.5", "'1.5' is no whole number"),
        (positive_number, "0", "at least 1"),
        (seconds, "soon", "'soon' is no number of seconds"),
        (seconds, "nan", "'nan' is no number of seconds"),
        (seconds, "inf", "'inf' is no number of seconds"),
        (names, "a,,b", "empty name"),
        (queues, "mail=", "'' is no whole number"),
        (queues, "mail=1,mail=2", "names a queue twice; give each once"),
        (switch, "perhaps", "give 1 or 0"),
        (level, "loud", "give one of DEBUG, INFO"),
    ],
)
def test_a_wrong_text_says_what_is_wrong(
    read: Callable[[str], object], text: str, complaint: str
) -> None:
    with pytest.raises(ArgumentTypeError, match=complaint):
        read(text)


@pytest.mark.parametrize(
    ("name", "read", "text", "complaint"),
    [
        ("concurrency", whole_number, "0", "at least 1"),
        ("prefetch", whole_number, "-1", "at least 0"),
        ("lease", seconds, "0", "longer than zero"),
        ("abandon_after", seconds, "-1", "must not be negative"),
        ("queues", queues, "mail,mail", "names a queue twice; give each once"),
        ("queues", queues, "mail=0", "from 1 to 1000"),
        ("queues", queues, "m/ail", "a name is 1 to 128 of"),
    ],
)
def test_a_workers_options_are_checked_as_start_checks_them(
    name: str, read: Callable[[str], object], text: str, complaint: str
) -> None:
    with pytest.raises(ArgumentTypeError, match=complaint):
        checked(name, read)(text)


def test_the_flag_and_the_variable_follow_from_the_name() -> None:
    option = Option(name="abandon_after", read=seconds, metavar="SECONDS", help="")

    assert (option.flag, option.variable) == ("--abandon-after", "JOBKIT_ABANDON_AFTER")


@pytest.mark.parametrize("environ", [{}, {"JOBKIT_POLL": ""}, {"JOBKIT_POLL": " "}])
def test_a_variable_that_is_missing_or_empty_gives_nothing(environ: dict[str, str]) -> None:
    option = Option(name="poll", read=seconds, metavar="SECONDS", help="")

    assert option.from_environment(environ) is None


def test_a_bad_value_in_the_environment_names_its_variable() -> None:
    option = Option(name="poll", read=seconds, metavar="SECONDS", help="")

    with pytest.raises(ArgumentTypeError, match=r"^JOBKIT_POLL='soon': 'soon' is no number"):
        option.from_environment({"JOBKIT_POLL": "soon"})
