"""Every exception that jobkit raises.

JobkitError
├── InvalidJob            a payload or job type that jobkit cannot store
├── InvalidHandler        a handler, middleware or hook of the wrong shape
├── InvalidOption         an option that is unknown, out of range or of the wrong type
├── InvalidSchedule       a schedule spec that is malformed or never fires
├── Duplicate             a unique job is already there, and the caller asked to be told
├── JobNotFound           no job has this id
├── JobRunning            the job is running, and this cannot be done to a running job
├── WrongState            the job's state does not allow this
├── NotSupported          this backend cannot do that
├── BackendUnavailable    the store cannot be reached or refuses to write
└── PartialPublish        some queues of a batch were stored and some were not
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal


class JobkitError(Exception):
    """The base of all errors of jobkit."""


class InvalidJob(JobkitError):
    """A payload or a job type cannot be stored; nothing was."""


class InvalidHandler(JobkitError):
    """A handler, a middleware or a hook has a shape that jobkit cannot call."""


class InvalidOption(JobkitError):
    """An option is unknown, out of range or of the wrong type."""


class InvalidSchedule(JobkitError):
    """A schedule spec is malformed, or does not fire within 8 years."""


class Duplicate(JobkitError):
    """A job with this unique key is in its span, and nothing was stored.

    `handle` leads to that job: a `JobHandle`, or from a coroutine an `AsyncJobHandle`.
    """

    def __init__(self, message: str, *, handle: Any) -> None:
        super().__init__(message)
        self.handle = handle


class JobNotFound(JobkitError):
    """No job has this id: it never existed, was deleted, or its retention is over."""


class JobRunning(JobkitError):
    """The job is running, and this cannot be done to a running job."""


class WrongState(JobkitError):
    """The job's state does not allow this."""


class NotSupported(JobkitError):
    """This backend or version cannot do that; it is refused rather than ignored."""


class BackendUnavailable(JobkitError):
    """The store could not be reached, or refused to write, until the time for it was over.

    `stored` tells what became of the write: "no" (it did not happen) or "unknown" (the
    reply was lost; repeating the call may store it twice). `passing`: it may mend by itself, so
    that trying again makes sense; a refused login or a full store does not.
    """

    def __init__(
        self, message: str, *, stored: Literal["no", "unknown"], passing: bool = True
    ) -> None:
        super().__init__(message)
        self.stored: Literal["no", "unknown"] = stored
        self.passing = passing


class PartialPublish(JobkitError):
    """A batch over several queues failed half-way; `stored` lists the handles that exist.

    Only where a batch is one step for each queue: on a Redis Cluster. The handles are those that
    the call would have returned: async ones from a coroutine.
    """

    def __init__(self, message: str, *, stored: Sequence[Any]) -> None:
        super().__init__(message)
        self.stored = tuple(stored)
