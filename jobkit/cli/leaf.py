"""A command that looks or acts and ends: its words, and which function carries it out."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jobkit.cli.option import Option, names, switch


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """A word of a command that is no option; `many`: one or more, `optional`: none or one."""

    name: str
    help: str
    many: bool = False
    optional: bool = False

    @property
    def count(self) -> str | None:
        """How many of them argparse takes; None: one."""
        if self.many:
            return "*" if self.optional else "+"
        return "?" if self.optional else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One command: `path` is what is typed, as in `("jobs", "list")`.

    `run` is "module:function", imported when the command runs: a function of the backend and of
    the values given that returns an `ExitCode`.
    """

    path: tuple[str, ...]
    help: str
    run: str
    arguments: tuple[Argument, ...] = ()
    options: tuple[Option, ...] = ()

    @property
    def all_options(self) -> tuple[Option, ...]:
        """Its own options, and those that say where the jobs are."""
        return (*self.options, *BACKEND_OPTIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafCommand:
    """A command with what was given to it; an option that was not given is None.

    `flags`: the options that stood on the command line, not in the environment.
    """

    leaf: Leaf
    given: argparse.Namespace
    flags: frozenset[str]


AS_JSON = Option(name="json", read=switch, metavar=None, help="print JSON, for programs")

NAMESPACE = Option(
    name="namespace", read=str, metavar="NAME", help="the namespace there", default="jobkit"
)
BACKEND_OPTIONS = (
    Option(
        name="app",
        read=str,
        metavar="MODULE",
        help="the application, as for the worker: its backend, and its types to read payloads by",
    ),
    Option(
        name="import",
        read=names,
        metavar="MODULE",
        help="import this module as well, for its job types; may be repeated",
        repeats=True,
    ),
    Option(
        name="redis",
        read=str,
        metavar="URL",
        help="where the jobs are, if there is no --app or it has Handlers and no backend",
        env="JOBKIT_REDIS_URL",
    ),
    NAMESPACE,
)


def add_leaf(parser: argparse.ArgumentParser, leaf: Leaf) -> None:
    """Teach a parser the words of a command."""
    for argument in leaf.arguments:
        parser.add_argument(
            argument.name, metavar=argument.name.upper(), nargs=argument.count, help=argument.help
        )
    add_options(parser, leaf.all_options)
    parser.set_defaults(leaf=leaf, parser_of_leaf=parser)


def add_options(parser: argparse.ArgumentParser, options: tuple[Option, ...]) -> None:
    """Teach a parser options, and show the variable of each."""
    for option in options:
        default = f"; default {option.default}" if option.default else ""
        words = f"{option.help} [{option.variable}{default}]"
        if option.metavar is None:
            switch_action = argparse.BooleanOptionalAction
            parser.add_argument(option.flag, dest=option.name, action=switch_action, help=words)
        else:
            parser.add_argument(
                option.flag,
                dest=option.name,
                type=option.read,
                metavar=option.metavar,
                action="extend" if option.repeats else "store",
                help=words,
            )


def with_environment(
    given: argparse.Namespace, options: tuple[Option, ...], environ: Mapping[str, str]
) -> frozenset[str]:
    """Fill in from the environment what no flag gave, and return the names of the flags given.

    Raises `ArgumentTypeError`.
    """
    values: dict[str, Any] = vars(given)
    flags = frozenset(option.name for option in options if values.get(option.name) is not None)
    for option in options:
        if option.name not in flags:
            setattr(given, option.name, option.from_environment(environ))
    return flags
