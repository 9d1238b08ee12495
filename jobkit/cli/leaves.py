"""The words of the commands that look and act. Loads nothing that --help does not need."""

from __future__ import annotations

from jobkit.cli.leaf import AS_JSON, Argument, Leaf
from jobkit.cli.option import (
    Option,
    duration_or_none,
    instant,
    number_or_none,
    pairs,
    positive_number,
    seconds,
    switch,
    whole_number,
)

JOBS_LISTED = 20
STATES = "scheduled, queued, running, retrying, succeeded, dead or cancelled"

_QUEUE = Option(name="queue", read=str, metavar="NAME", help="only of this queue")
_TYPE = Option(name="type", read=str, metavar="TYPE", help="only of this job type, as stored")
_ALL_DEAD = Option(
    name="all_dead", read=switch, metavar=None, help="all dead jobs (of --queue, of --type)"
)
_IDS = Argument(name="id", help="the id of a job", many=True)
_IDS_OR_ALL = Argument(name="id", help="the id of a job", many=True, optional=True)

ENQUEUE = Leaf(
    path=("enqueue",),
    help="enqueue one job",
    run="jobkit.cli.enqueue:enqueue",
    arguments=(
        Argument(name="type", help="the job type: module:Class"),
        Argument(name="payload", help="its fields as JSON, e.g. '{\"user_id\": 7}'; - reads stdin"),
    ),
    options=(
        Option(name="queue", read=str, metavar="NAME", help="the queue"),
        Option(name="priority", read=whole_number, metavar="N", help="lower first", default="0"),
        Option(name="delay", read=seconds, metavar="SECONDS", help="how long to wait"),
        Option(
            name="run_at", read=instant, metavar="INSTANT", help="when, e.g. 2030-01-01T09:00+01:00"
        ),
        Option(
            name="max_retries",
            read=number_or_none,
            metavar="N",
            help="how often a failure is retried; none: without end",
        ),
        Option(
            name="max_timeout_retries",
            read=number_or_none,
            metavar="N",
            help="how often a timeout is retried; none: without end",
        ),
        Option(
            name="timeout",
            read=duration_or_none,
            metavar="SECONDS",
            help="how long an attempt may take; none: any time",
        ),
        Option(name="unique", read=switch, metavar=None, help="not if the same job waits already"),
        Option(
            name="retention", read=seconds, metavar="SECONDS", help="how long to keep its record"
        ),
        Option(
            name="metadata",
            read=pairs,
            metavar="KEY=VALUE",
            help="goes with the job; may be repeated",
            repeats=True,
        ),
        AS_JSON,
    ),
)

JOBS = (
    Leaf(
        path=("jobs", "list"),
        help="list jobs",
        run="jobkit.cli.jobs:list_jobs",
        options=(
            Option(name="state", read=str, metavar="STATE", help=f"only {STATES}"),
            _QUEUE,
            _TYPE,
            Option(
                name="limit",
                read=positive_number,
                metavar="N",
                help="how many",
                default=f"{JOBS_LISTED}",
            ),
            Option(name="cursor", read=str, metavar="TEXT", help="go on where a list ended"),
            AS_JSON,
        ),
    ),
    Leaf(
        path=("jobs", "show"),
        help="show one job and its attempts",
        run="jobkit.cli.jobs:show_job",
        arguments=(Argument(name="id", help="the id of a job"),),
        options=(AS_JSON,),
    ),
    Leaf(
        path=("jobs", "cancel"),
        help="cancel jobs; running ones are told to stop",
        run="jobkit.cli.jobs:cancel_jobs",
        arguments=(_IDS,),
    ),
    Leaf(
        path=("jobs", "retry"),
        help="run ended jobs again",
        run="jobkit.cli.jobs:retry_jobs",
        arguments=(_IDS_OR_ALL,),
        options=(_ALL_DEAD, _QUEUE, _TYPE),
    ),
    Leaf(
        path=("jobs", "delete"),
        help="remove jobs and their records",
        run="jobkit.cli.jobs:delete_jobs",
        arguments=(_IDS_OR_ALL,),
        options=(_ALL_DEAD, _QUEUE, _TYPE),
    ),
)

_PAUSED = (Argument(name="queue", help="the queue", optional=True),)
QUEUES = (
    Leaf(
        path=("queues", "list"),
        help="list queues, what they hold and how they get on",
        run="jobkit.cli.queues:list_queues",
        options=(AS_JSON,),
    ),
    Leaf(
        path=("queues", "pause"),
        help="stop the claims of a queue, of a type, or of a type in a queue",
        run="jobkit.cli.queues:pause",
        arguments=_PAUSED,
        options=(_TYPE,),
    ),
    Leaf(
        path=("queues", "resume"),
        help="end a pause",
        run="jobkit.cli.queues:resume",
        arguments=_PAUSED,
        options=(_TYPE,),
    ),
)

SCHEDULES = (
    Leaf(
        path=("schedules", "list"),
        help="list schedules",
        run="jobkit.cli.schedules:list_schedules",
        options=(AS_JSON,),
    ),
    Leaf(
        path=("schedules", "next"),
        help="show which schedules tick next, five times each",
        run="jobkit.cli.schedules:next_runs",
        arguments=(Argument(name="name", help="only this schedule", optional=True),),
        options=(AS_JSON,),
    ),
)

DOCTOR = Leaf(
    path=("doctor",),
    help="check Redis, queues, workers and schedules; 1 if there is anything to mend",
    run="jobkit.cli.doctor:doctor",
    options=(
        Option(
            name="audit",
            read=switch,
            metavar=None,
            help="check the invariants of the store as well: while nothing runs",
        ),
        AS_JSON,
    ),
)

LEAVES = (ENQUEUE, *JOBS, *QUEUES, *SCHEDULES, DOCTOR)
GROUPS = {
    "jobs": "list, show, cancel, retry and delete jobs",
    "queues": "list, pause and resume queues",
    "schedules": "list schedules and their next runs",
}
