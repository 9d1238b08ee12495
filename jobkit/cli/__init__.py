"""The command line: `jobkit`, `python -m jobkit.cli`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from jobkit.cli.exit_codes import ExitCode
from jobkit.cli.leaf import LeafCommand
from jobkit.cli.leaving import leave
from jobkit.cli.parser import LaterCommand, WorkerCommand, parse

__all__ = ["ExitCode", "main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; None: the one that this process was started with."""
    code = _run(argv)
    if argv is None and code in (ExitCode.HANDED_BACK, ExitCode.ABANDONED):
        leave(code)
    return code


def _run(argv: Sequence[str] | None) -> int:
    try:
        command = parse(sys.argv[1:] if argv is None else argv, os.environ)
    except SystemExit as ended:  # argparse has said why
        return ended.code if isinstance(ended.code, int) else ExitCode.OK
    match command:
        case LaterCommand(name=name):
            print(f"jobkit {name} is not supported yet", file=sys.stderr)
            return ExitCode.USAGE
        case LeafCommand():
            from jobkit.cli.carrying_out import carry_out

            return carry_out(command)
        case WorkerCommand():
            from jobkit.cli.worker import run_worker

            return run_worker(command, argv)
