"""jobkit: background jobs that you can test.

Job types are dataclasses. Domain code depends on an `Enqueuer`; unit tests inject
`jobkit_testing.TestingJobs`, production injects `RedisJobs` and starts workers.

The names here are loaded when they are first used, so that importing jobkit costs little.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobkit.lazy import lazy

if TYPE_CHECKING:
    from jobkit.backoff import Exponential as Exponential
    from jobkit.codec.classes import DataclassLike as DataclassLike
    from jobkit.context import JobContext as JobContext
    from jobkit.context import current_job as current_job
    from jobkit.context import metadata as metadata
    from jobkit.errors import BackendUnavailable as BackendUnavailable
    from jobkit.errors import Duplicate as Duplicate
    from jobkit.errors import InvalidHandler as InvalidHandler
    from jobkit.errors import InvalidJob as InvalidJob
    from jobkit.errors import InvalidOption as InvalidOption
    from jobkit.errors import InvalidSchedule as InvalidSchedule
    from jobkit.errors import JobkitError as JobkitError
    from jobkit.errors import JobNotFound as JobNotFound
    from jobkit.errors import JobRunning as JobRunning
    from jobkit.errors import NotSupported as NotSupported
    from jobkit.errors import PartialPublish as PartialPublish
    from jobkit.errors import WrongState as WrongState
    from jobkit.handle import AsyncJobHandle as AsyncJobHandle
    from jobkit.handle import JobHandle as JobHandle
    from jobkit.handlers import Handlers as Handlers
    from jobkit.hooks import Hooks as Hooks
    from jobkit.jobtype import job as job
    from jobkit.logs import JobLogFilter as JobLogFilter
    from jobkit.memory import MemoryJobs as MemoryJobs
    from jobkit.memory import NoopJobs as NoopJobs
    from jobkit.options import EnqueueOptions as EnqueueOptions
    from jobkit.options import QueueOptions as QueueOptions
    from jobkit.options import ScheduleOptions as ScheduleOptions
    from jobkit.options import Unique as Unique
    from jobkit.options import WorkerOptions as WorkerOptions
    from jobkit.outcome import Dead as Dead
    from jobkit.outcome import Discard as Discard
    from jobkit.outcome import Retry as Retry
    from jobkit.outcome import Snooze as Snooze
    from jobkit.protocols import AsyncEnqueuer as AsyncEnqueuer
    from jobkit.protocols import AsyncQueue as AsyncQueue
    from jobkit.protocols import AsyncScheduler as AsyncScheduler
    from jobkit.protocols import Enqueuer as Enqueuer
    from jobkit.protocols import Queue as Queue
    from jobkit.protocols import Schedule as Schedule
    from jobkit.protocols import Scheduler as Scheduler
    from jobkit.queueinfo import QueueInfo as QueueInfo
    from jobkit.record import Attempt as Attempt
    from jobkit.record import JobRecord as JobRecord
    from jobkit.record import JobState as JobState
    from jobkit.record import Page as Page
    from jobkit.record import Progress as Progress
    from jobkit.redis import RedisJobs as RedisJobs
    from jobkit.report import Matches as Matches
    from jobkit.report import Report as Report
    from jobkit.roster import SlotInfo as SlotInfo
    from jobkit.roster import WorkerInfo as WorkerInfo
    from jobkit.scheduleinfo import ScheduleInfo as ScheduleInfo
    from jobkit.stats import Counts as Counts
    from jobkit.stats import Histogram as Histogram
    from jobkit.stats import QueueStats as QueueStats
    from jobkit.stats import Stats as Stats
    from jobkit.stats import StatsMinute as StatsMinute
else:
    _HOMES = {
        "backoff": ("Exponential",),
        "codec.classes": ("DataclassLike",),
        "context": ("JobContext", "current_job", "metadata"),
        "errors": (
            "BackendUnavailable",
            "Duplicate",
            "InvalidHandler",
            "InvalidJob",
            "InvalidOption",
            "InvalidSchedule",
            "JobNotFound",
            "JobRunning",
            "JobkitError",
            "NotSupported",
            "PartialPublish",
            "WrongState",
        ),
        "handle": ("AsyncJobHandle", "JobHandle"),
        "handlers": ("Handlers",),
        "hooks": ("Hooks",),
        "jobtype": ("job",),
        "logs": ("JobLogFilter",),
        "memory": ("MemoryJobs", "NoopJobs"),
        "options": ("EnqueueOptions", "QueueOptions", "ScheduleOptions", "Unique", "WorkerOptions"),
        "outcome": ("Dead", "Discard", "Retry", "Snooze"),
        "protocols": (
            "AsyncEnqueuer",
            "AsyncQueue",
            "AsyncScheduler",
            "Enqueuer",
            "Queue",
            "Schedule",
            "Scheduler",
        ),
        "queueinfo": ("QueueInfo",),
        "record": ("Attempt", "JobRecord", "JobState", "Page", "Progress"),
        "redis": ("RedisJobs",),
        "report": ("Matches", "Report"),
        "roster": ("SlotInfo", "WorkerInfo"),
        "scheduleinfo": ("ScheduleInfo",),
        "stats": ("Counts", "Histogram", "QueueStats", "Stats", "StatsMinute"),
    }
    __all__ = [name for names in _HOMES.values() for name in names]
    __getattr__, __dir__ = lazy(__name__, _HOMES)
