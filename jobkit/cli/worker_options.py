"""The options of `jobkit worker`: those of a worker, and those of its process."""

from __future__ import annotations

from jobkit.cli.leaf import NAMESPACE
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
from jobkit.options import WorkerSettings

_DEFAULTS = WorkerSettings()
WORKER_OPTIONS = (
    Option(
        name="queues",
        read=checked("queues", queues),
        metavar="NAMES",
        help="queues to serve: mail,default or with weights mail=10,default=1",
        default='"default" and those of the job types',
    ),
    Option(
        name="strict",
        read=switch,
        metavar=None,
        help="drain the queues in the order given",
    ),
    Option(
        name="concurrency",
        read=checked("concurrency", whole_number),
        metavar="N",
        help="how many jobs run at the same time",
        default=f"{_DEFAULTS.concurrency}",
    ),
    Option(
        name="prefetch",
        read=checked("prefetch", whole_number),
        metavar="N",
        help="how many jobs to claim beyond that",
        default=f"{_DEFAULTS.prefetch}",
    ),
    Option(
        name="lease",
        read=checked("lease", seconds),
        metavar="SECONDS",
        help="how long a job stays with a worker that is no longer heard of",
        default=f"{_DEFAULTS.lease.total_seconds():g}",
    ),
    Option(
        name="shutdown_timeout",
        read=checked("shutdown_timeout", seconds),
        metavar="SECONDS",
        help="how long a shutdown waits for running jobs before it hands them back",
        default=f"{_DEFAULTS.shutdown_timeout.total_seconds():g}",
    ),
    Option(
        name="poll",
        read=checked("poll", seconds),
        metavar="SECONDS",
        help="how often to look at the queues when nobody tells of new jobs",
        default=f"{_DEFAULTS.poll.total_seconds():g}",
    ),
    Option(
        name="abandon_after",
        read=checked("abandon_after", seconds),
        metavar="SECONDS",
        help="how long a handler that timed out may go on before its slot is given up",
        default=f"{_DEFAULTS.abandon_after.total_seconds():g}",
    ),
)
PROCESS_OPTIONS = (
    Option(
        name="import",
        read=names,
        metavar="MODULE",
        help="import this module as well, for the handlers that it registers; may be repeated",
        repeats=True,
    ),
    Option(
        name="processes",
        read=positive_number,
        metavar="N",
        help="how many worker processes to run",
        default="1",
    ),
    Option(
        name="burst",
        read=switch,
        metavar=None,
        help="end when nothing is left that is due and can be run here",
    ),
    Option(
        name="redis",
        read=str,
        metavar="URL",
        help="where the jobs are, if MODULE has Handlers and no backend",
        env="JOBKIT_REDIS_URL",
    ),
    NAMESPACE,
    Option(
        name="log_level",
        read=level,
        metavar="LEVEL",
        help="how much to log",
        default="INFO, unless the application configures logging",
    ),
)
