"""Publishing a batch: in one step where the store can do that, else queue by queue."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from jobkit.engine.steps import Steps
from jobkit.errors import (
    BackendUnavailable,
    Duplicate,
    InvalidOption,
    JobkitError,
    PartialPublish,
)
from jobkit.store import NewJob

# Some jobs of one queue, in one atomic step; the ids under which they are stored.
PushTogether: TypeAlias = Callable[[Sequence[NewJob]], Steps[tuple[str, ...]]]


class PartlyStored(Exception):  # it says what happened, as the public ones do
    """Some queues of a batch are stored and one failed for good.

    `stored`: the place of each stored job in the batch, and the id under which it is stored.
    """

    def __init__(self, message: str, stored: Mapping[int, str]) -> None:
        super().__init__(message)
        self.stored = sorted(stored.items())

    def told(self, handles: Sequence[Any]) -> PartialPublish:
        """Return what to raise to the user, with the handles of what is stored."""
        return PartialPublish(str(self), stored=handles)


def queue_by_queue(jobs: Sequence[NewJob], push: PushTogether) -> Steps[tuple[str, ...]]:
    """Push the jobs of one queue after those of another, in the order of their first use."""
    queues: dict[str, list[int]] = {}
    for place, job in enumerate(jobs):
        queues.setdefault(job.queue, []).append(place)
    stored: dict[int, str] = {}
    for queue, places in queues.items():
        try:
            ids = yield from push([jobs[place] for place in places])
        except (BackendUnavailable, Duplicate, InvalidOption) as error:
            if not stored:
                raise
            raise PartlyStored(_message(queue, list(queues), error), stored) from error
        stored |= dict(zip(places, ids, strict=True))
    return tuple(stored[place] for place in range(len(jobs)))


def _message(queue: str, queues: list[str], error: JobkitError) -> str:
    at = queues.index(queue)
    is_unknown = isinstance(error, BackendUnavailable) and error.stored == "unknown"
    known = "perhaps stored" if is_unknown else "not stored"
    rest = f"; not tried: {', '.join(queues[at + 1 :])}" if queues[at + 1 :] else ""
    return (
        f"stored in {', '.join(queues[:at])}; {known} in {queue}{rest}: {error}. The handles of "
        f"what is stored are in this error's `stored`"
    )
