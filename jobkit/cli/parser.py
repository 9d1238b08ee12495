"""The words of the command line. Loads nothing that --help does not need."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from jobkit.cli.exit_codes import MEANINGS
from jobkit.cli.leaf import LeafCommand, add_leaf, add_options, with_environment
from jobkit.cli.leaves import GROUPS, LEAVES
from jobkit.cli.version import version
from jobkit.cli.worker_options import PROCESS_OPTIONS, WORKER_OPTIONS
from jobkit.options import WorkerOptions

LATER: Mapping[str, str] = {
    "web": "serve the dashboard",
}

DESCRIPTION = "Run background jobs."
TARGET = """\
the application: module[:attribute]. The attribute is a backend (RedisJobs, MemoryJobs), a
Handlers (then --redis says where the jobs are), or a function without parameters that returns
one of them. Left out: `jobs`, else the only such object in the module. The current directory
can be imported from."""
EXAMPLES = """\
examples:
  # the backend `jobs` of app/jobs.py
  jobkit worker app.jobs

  # Handlers, on the Redis given here or in JOBKIT_REDIS_URL
  jobkit worker app.jobs:handlers --redis redis://localhost:6379/0

  # a function that makes the backend, and a module that registers handlers on it
  jobkit worker app.main:make_jobs --import app.mail

  # two queues, 32 jobs at a time, a minute to finish at SIGTERM
  jobkit worker app.jobs --queues mail,default --concurrency 32 --shutdown-timeout 60

  # run what is due, then end: for cron and for deployments
  jobkit worker app.jobs --burst

  # the same options from the environment
  JOBKIT_CONCURRENCY=32 JOBKIT_QUEUES=mail,default jobkit worker app.jobs
"""
ENVIRONMENT = """\
environment:
  Each option reads the variable in brackets when its flag is not given.
  JOBKIT_VERSION  your release, shown with the jobs that it ran
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaterCommand:
    """A command that has a name and nothing else yet."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerCommand:
    """`jobkit worker`, with everything read; None where nothing was given.

    `flags`: the options that stood on the command line, not in the environment.
    """

    target: str
    options: WorkerOptions
    imports: tuple[str, ...] = ()
    processes: int = 1
    burst: bool = False
    redis: str | None = None
    namespace: str | None = None
    log_level: str | None = None
    flags: frozenset[str] = frozenset()


def parse(
    argv: Sequence[str], environ: Mapping[str, str]
) -> WorkerCommand | LeafCommand | LaterCommand:
    """Read a command line; raises `SystemExit` for --help, --version and what is wrong."""
    parser, worker = _parsers()
    args, unknown = parser.parse_known_args(argv)
    if args.command in LATER:
        return LaterCommand(name=args.command)
    chosen: argparse.ArgumentParser = getattr(args, "parser_of_leaf", worker)
    if unknown:
        chosen.error(f"unrecognized arguments: {' '.join(unknown)}")
    options = args.leaf.all_options if "leaf" in args else (*WORKER_OPTIONS, *PROCESS_OPTIONS)
    try:
        flags = with_environment(args, options, environ)
    except argparse.ArgumentTypeError as error:
        chosen.error(str(error))
    if "leaf" in args:
        return LeafCommand(leaf=args.leaf, given=args, flags=flags)
    return _worker_command(args, flags)


def _worker_command(args: argparse.Namespace, flags: frozenset[str]) -> WorkerCommand:
    values = {name: value for name, value in vars(args).items() if value is not None}
    return WorkerCommand(
        target=args.target,
        options=cast(  # each value was read and checked by its Option
            WorkerOptions, {o.name: values[o.name] for o in WORKER_OPTIONS if o.name in values}
        ),
        imports=tuple(values.get("import", ())),
        processes=values.get("processes", 1),
        burst=values.get("burst", False),
        redis=values.get("redis"),
        namespace=values.get("namespace"),
        log_level=values.get("log_level"),
        flags=flags,
    )


def _parsers() -> tuple[argparse.ArgumentParser, argparse.ArgumentParser]:
    """Return the parser of the command line, and that of `jobkit worker` inside of it."""
    parser = argparse.ArgumentParser(
        prog="jobkit",
        description=DESCRIPTION,
        epilog=f"{EXAMPLES}\n{_exit_codes()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_ShowVersion, nargs=0, help="show the version and end")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    worker = commands.add_parser(
        "worker",
        help="run jobs",
        description="Run jobs until SIGTERM or Ctrl-C; a second Ctrl-C does not wait for them.",
        epilog=f"{EXAMPLES}\n{ENVIRONMENT}\n{_exit_codes()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    worker.add_argument("target", metavar="MODULE", help=TARGET)
    add_options(worker, (*PROCESS_OPTIONS, *WORKER_OPTIONS))
    _add_leaves(commands)
    for name, what in LATER.items():
        commands.add_parser(name, help=f"{what} (not supported yet)", add_help=False)
    return parser, worker


def _add_leaves(commands: Any) -> None:  # argparse has no public name for it
    groups = {
        name: commands.add_parser(name, help=what, description=what.capitalize() + ".")
        for name, what in GROUPS.items()
    }
    actions = {
        name: group.add_subparsers(dest="action", metavar="ACTION", required=True)
        for name, group in groups.items()
    }
    for leaf in LEAVES:
        place = actions.get(leaf.path[0], commands)
        parser = place.add_parser(
            leaf.path[-1],
            help=leaf.help,
            description=leaf.help.capitalize() + ".",
            epilog=_exit_codes(),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        add_leaf(parser, leaf)


def _exit_codes() -> str:
    lines = (f"  {code:d}  {meaning}" for code, meaning in MEANINGS.items())
    return "\n".join(("exit codes:", *lines))


class _ShowVersion(argparse.Action):
    """Looks the version up only when it is asked for: that takes longer than the help."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        sys.stdout.write(f"jobkit {version()}\n")
        parser.exit()
