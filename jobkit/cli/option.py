"""An option of a command: a flag and an environment variable, read alike."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from jobkit.options import WORKER_CHECKS

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
SWITCH: Mapping[str, bool] = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option; `read` makes a value of a text, or raises `ArgumentTypeError`.

    `metavar` None: a switch, which takes no value as a flag. `repeats`: the flag may be given
    several times, and `read` returns a list.
    """

    name: str
    read: Callable[[str], Any]
    metavar: str | None
    help: str
    default: str = ""
    env: str = ""
    repeats: bool = False

    @property
    def flag(self) -> str:
        """The flag on the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """The environment variable."""
        return self.env or "JOBKIT_" + self.name.upper()

    def from_environment(self, environ: Mapping[str, str]) -> Any:
        """Read the variable; None if it is not set or empty. Raises `ArgumentTypeError`."""
        text = environ.get(self.variable, "").strip()
        if not text:
            return None
        try:
            return self.read(text)
        except ArgumentTypeError as error:
            raise ArgumentTypeError(f"{self.variable}={text!r}: {error}") from None


def checked(name: str, read: Callable[[str], Any]) -> Callable[[str], Any]:
    """Read a value for `WorkerOptions`, and check it as `start` does."""

    def read_and_check(text: str) -> Any:
        value = read(text)
        if complaint := WORKER_CHECKS[name](value):
            raise ArgumentTypeError(complaint)
        return value

    return read_and_check


def whole_number(text: str) -> int:
    """Read an int.

    >>> whole_number("12")
    12
    """
    try:
        return int(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no whole number") from None


def positive_number(text: str) -> int:
    """Read an int of at least 1."""
    number = whole_number(text)
    if number < 1:
        raise ArgumentTypeError("give an int of at least 1")
    return number


def seconds(text: str) -> timedelta:
    """Read a duration.

    >>> seconds("0.5")
    datetime.timedelta(microseconds=500000)
    """
    try:
        found = timedelta(seconds=float(text))
    except (ValueError, OverflowError):  # also "nan" and "inf"
        raise ArgumentTypeError(f"{text!r} is no number of seconds") from None
    if found < timedelta(0):
        raise ArgumentTypeError("must not be negative")
    return found


def names(text: str) -> list[str]:
    """Read a list.

    >>> names("app.mail, app.export")
    ['app.mail', 'app.export']
    """
    found = [name.strip() for name in text.split(",")]
    if not all(found):
        raise ArgumentTypeError(f"{text!r} has an empty name")
    return found


def queues(text: str) -> list[str] | dict[str, int]:
    """Read queues: names, or names with weights (1 where none is given).

    >>> queues("mail,default")
    ['mail', 'default']
    >>> queues("mail=10,default")
    {'mail': 10, 'default': 1}
    """
    parts = names(text)
    if "=" not in text:
        return parts
    weights: dict[str, int] = {}
    for part in parts:
        name, has_weight, weight = part.partition("=")
        if name in weights:
            raise ArgumentTypeError("names a queue twice; give each once")
        weights[name] = whole_number(weight) if has_weight else 1
    return weights


def switch(text: str) -> bool:
    """Read whether something is on.

    >>> switch("yes"), switch("0")
    (True, False)
    """
    try:
        return SWITCH[text.lower()]
    except KeyError:
        raise ArgumentTypeError("give 1 or 0") from None


def level(text: str) -> str:
    """Read the name of a level of logging."""
    if text.upper() not in LEVELS:
        raise ArgumentTypeError(f"give one of {', '.join(LEVELS)}")
    return text.upper()


def instant(text: str) -> datetime:
    """Read an instant; it must have an offset.

    >>> instant("2030-01-01T09:00+01:00").isoformat()
    '2030-01-01T09:00:00+01:00'
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no instant; write 2030-01-01T09:00+01:00") from None
    if found.utcoffset() is None:
        raise ArgumentTypeError(f"{text!r} has no offset; write {found.isoformat()}Z for UTC")
    return found


def pairs(text: str) -> list[tuple[str, str]]:
    """Read one pair, as a list so that several of them make one.

    >>> pairs("user=7")
    [('user', '7')]
    """
    key, has_value, value = text.partition("=")
    if not (key and has_value):
        raise ArgumentTypeError(f"{text!r} is no KEY=VALUE")
    return [(key, value)]


# argparse takes None for "not given"; this is a value that was given.
NONE = "none"


def number_or_none(text: str) -> int | str:
    """Read an int or "none".

    >>> number_or_none("3"), number_or_none("None")
    (3, 'none')
    """
    return NONE if text.lower() == NONE else whole_number(text)


def duration_or_none(text: str) -> timedelta | str:
    """Read a number of seconds or "none"."""
    return NONE if text.lower() == NONE else seconds(text)
