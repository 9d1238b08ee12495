"""Carries out a command that looks or acts, and turns its errors into exit codes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from jobkit.cli.backend import open_backend
from jobkit.cli.exit_codes import ExitCode
from jobkit.cli.loading import CannotLoad
from jobkit.errors import (
    BackendUnavailable,
    InvalidJob,
    InvalidOption,
    InvalidSchedule,
    JobkitError,
    NotSupported,
)

if TYPE_CHECKING:
    from jobkit.cli.leaf import LeafCommand
    from jobkit.worker import WorkingJobs

_USAGE = (CannotLoad, InvalidJob, InvalidOption, InvalidSchedule, NotSupported)


def carry_out(command: LeafCommand) -> ExitCode:
    """Run a command on its backend; what stands in the way is said on stderr."""
    try:
        with _backend(command) as jobs:
            return _function(command)(jobs, command.given)
    except BrokenPipeError:  # `| head` has seen enough
        sys.stderr.close()
        return ExitCode.OK
    except BackendUnavailable as error:
        return _refuse(command, error, ExitCode.NO_REDIS)
    except _USAGE as error:
        return _refuse(command, error, ExitCode.USAGE)
    except JobkitError as error:
        return _refuse(command, error, ExitCode.REFUSED)


def _backend(command: LeafCommand) -> WorkingJobs:
    from jobkit.memory import MemoryJobs

    given = command.given
    jobs = open_backend(
        given.app,
        imports=getattr(given, "import") or (),
        redis=given.redis,
        namespace=given.namespace,
        flags=command.flags,
    )
    if isinstance(jobs, MemoryJobs):
        raise InvalidOption(
            f"--app {given.app} is MemoryJobs, whose jobs live in its own process alone; name a "
            "RedisJobs"
        )
    return jobs


def _function(command: LeafCommand) -> Callable[[WorkingJobs, Any], ExitCode]:
    module, _, name = command.leaf.run.partition(":")
    function: Callable[[WorkingJobs, Any], ExitCode] = getattr(import_module(module), name)
    return function


def _refuse(command: LeafCommand, error: JobkitError, code: ExitCode) -> ExitCode:
    text = str(error)
    for word in command.leaf.path:  # methods name themselves, and often as the command does
        text = text.removeprefix(f"{word}: ")
    print(f"jobkit {' '.join(command.leaf.path)}: {text}", file=sys.stderr)
    return code
