"""`jobkit worker`: run jobs in the foreground until told to stop."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Mapping, Sequence

from jobkit.cli.backend import open_backend
from jobkit.cli.exit_codes import ExitCode
from jobkit.cli.logs import configure_logging
from jobkit.cli.parser import WorkerCommand
from jobkit.cli.printing import counted
from jobkit.cli.supervised import Supervised
from jobkit.cli.supervisor import Supervisor, same_command
from jobkit.cli.version import version
from jobkit.clock import SystemClock
from jobkit.errors import BackendUnavailable, InvalidOption, JobkitError
from jobkit.options import WorkerOptions, worker_settings
from jobkit.worker import Worker, WorkingJobs
from jobkit.worker.signals import stop_signals

LOOK = 0.05  # seconds between looks at how the worker fares
_LOGGER = logging.getLogger("jobkit.cli")


def run_worker(command: WorkerCommand, argv: Sequence[str] | None = None) -> ExitCode:
    """Load the application and serve it; what stands in the way is said on stderr.

    With several processes: let each do so. `argv`: what it was called with, if not the words that
    this process was started with.
    """
    try:
        settings = worker_settings(command.options)  # what does not fit together, first of all
        supervised = Supervised.from_environment()
        if command.processes > 1 and supervised is None:
            configure_logging(command.log_level)
            return Supervisor(
                same_command(argv),
                processes=command.processes,
                burst=command.burst,
                shutdown_timeout=settings.shutdown_timeout.total_seconds(),
            ).run()
        jobs = open_backend(
            command.target,
            imports=command.imports,
            redis=command.redis,
            namespace=command.namespace,
            flags=command.flags,
        )
        jobs.imports = (command.target.partition(":")[0], *command.imports)
        configure_logging(command.log_level)
        if supervised is not None:
            _refuse_memory(jobs, command.processes)
        return serve(jobs, command.options, burst=command.burst, supervised=supervised)
    except BackendUnavailable as error:
        return _refuse(error, ExitCode.NO_REDIS)
    except JobkitError as error:
        return _refuse(error, ExitCode.USAGE)


def serve(
    jobs: WorkingJobs,
    options: WorkerOptions,
    *,
    burst: bool = False,
    supervised: Supervised | None = None,
) -> ExitCode:
    """Run a worker until a signal, until all slots are lost, or with `burst` until it is dry.

    Main thread only: it installs signal handlers while it runs. Raises `BackendUnavailable` if
    the store cannot be reached within `enqueue_timeout`; later the worker waits for it.
    """
    with stop_signals(jobs.hurry) as stop, jobs:
        jobs.start(**options)
        worker = jobs.worker
        assert worker is not None  # only we stop it
        if trouble := _trouble_at_start(worker, jobs, stop):
            jobs.shutdown()
            raise trouble
        _announce(worker, jobs)
        if supervised is not None:
            supervised.join(worker, stop.set)
        if burst:
            worker.want_dry()
        _wait(stop, lambda: worker.is_exhausted or (burst and worker.is_dry))
        _tell_of_end(worker, is_told=stop.is_set())
        jobs.shutdown()
        _LOGGER.info("worker %s stopped: %s", worker.name, summary(worker.counts, jobs.handed_back))
        if worker.is_exhausted:
            return ExitCode.ABANDONED
        return ExitCode.HANDED_BACK if jobs.handed_back else ExitCode.OK


def _tell_of_end(worker: Worker, *, is_told: bool) -> None:
    """Say why the worker stops, before it waits for what runs; a dry one needs no reason."""
    if is_told:
        _LOGGER.info(
            "told to stop: running jobs have %g s to finish; Ctrl-C does not wait for them",
            worker.settings.shutdown_timeout.total_seconds(),
        )
    elif worker.is_exhausted:
        _LOGGER.error("every slot is taken by a handler that ran past its deadline: giving up")


def summary(counts: Mapping[str, int], handed_back: int) -> str:
    """Say what a worker did.

    >>> summary({"succeeded": 12, "dead": 1}, 2)
    '12 succeeded, 1 dead, 2 handed back'
    """
    told = {**counts, "handed back": handed_back}
    return ", ".join(f"{count} {what}" for what, count in told.items() if count) or "nothing ran"


def _refuse_memory(jobs: WorkingJobs, processes: int) -> None:
    from jobkit.memory import MemoryJobs

    if isinstance(jobs, MemoryJobs):
        raise InvalidOption(
            f"--processes {processes}: MemoryJobs keeps its jobs in one process, so each would see "
            "its own only; use RedisJobs"
        )


def _refuse(error: JobkitError, code: ExitCode) -> ExitCode:
    print(f"jobkit worker: {error}", file=sys.stderr)
    return code


def _trouble_at_start(
    worker: Worker, jobs: WorkingJobs, stop: threading.Event
) -> BackendUnavailable | None:
    """Return why the store cannot be used; a refused login is not given time to mend."""
    clock = SystemClock()
    deadline = clock.monotonic() + jobs.enqueue_timeout.total_seconds()
    while not worker.wait_for_store(LOOK) and not stop.is_set():
        trouble = worker.trouble
        if trouble is not None and _is_refused_login(trouble):
            return trouble
        if clock.monotonic() > deadline:
            return trouble or BackendUnavailable(f"{jobs!r} does not answer", stored="no")
    return None


def _is_refused_login(trouble: BackendUnavailable) -> bool:
    from jobkit.redis.faults import RefusedLogin

    return isinstance(trouble, RefusedLogin)


def _wait(stop: threading.Event, is_over: Callable[[], bool]) -> None:
    while not stop.wait(LOOK):
        if is_over():
            return


def _announce(worker: Worker, jobs: WorkingJobs) -> None:
    from jobkit.memory import MemoryJobs

    _LOGGER.info(
        "jobkit %s: worker %s serves %s with %s and %s, on %r",
        version(),
        worker.name,
        ", ".join(worker.queues),
        counted(worker.settings.concurrency, "slot"),
        counted(len(worker.types), "job type"),
        jobs,
    )
    if not worker.types:
        _LOGGER.warning("no job type has a handler, so nothing runs; is an --import missing?")
    if isinstance(jobs, MemoryJobs):
        _LOGGER.warning("MemoryJobs: no other process can enqueue here, and nothing outlives this")
