"""What happened in a test, in order: for assertions on jobs that ran, and for people to read."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Literal, TypeAlias

from msgspec import Struct

from jobkit.clock import MILLISECOND, from_milliseconds
from jobkit.description import describe
from jobkit.engine import Engine
from jobkit.engine.records import progress_of
from jobkit.errors import InvalidJob
from jobkit.record import JobState
from jobkit.store import Fire, NewJob, Store, StoredJob

LINES_SHOWN = 200
EVENTS_KEPT = 10_000
FIRST_LINE_OF_ERROR = 120
DAY = 86_400  # seconds

Kind: TypeAlias = Literal[
    "enqueued",
    "started",
    "checked in",
    "succeeded",
    "retried",
    "snoozed",
    "dead",
    "cancelled",
    "timed out",
    "lost",
    "handed back",
    "deleted",
    "skipped",
    "crashed",
    "fault",
]


class Event(Struct, frozen=True, gc=False):
    """Something that befell a job at an instant (milliseconds); `job` as it was after that.

    `words`: what a test made happen, if it is that.
    """

    at: int
    kind: Kind
    job: NewJob | StoredJob
    words: str = ""


class Timeline:
    """All events since the start or the last `reset`, and the jobs by number, first one first."""

    def __init__(
        self, engine: Engine, store: Store, *, start: int, seed: int, first_worker: str
    ) -> None:
        self.engine = engine
        self.store = store
        self.start = start
        self.seed = seed
        self.first_worker = first_worker  # of whom nothing is said
        self.numbers: dict[str, int] = {}  # of those whose enqueue was seen, from 1
        self.enqueued_so_far = 0
        self._noted = 0
        self.events: deque[Event] = deque(maxlen=EVENTS_KEPT)  # the last ones
        self.ended: dict[str, StoredJob] = {}  # by id: after its last attempt, or its cancel

    def __str__(self) -> str:
        cut = max(0, self._noted - LINES_SHOWN)
        head = [f"... {cut:,} earlier events"] if cut else []
        return "\n".join([*head, *self._lines()])

    def story(self) -> str:
        """Return all that a reader of a failed test needs, with seed and start."""
        start = from_milliseconds(self.start).isoformat().replace("+00:00", "Z")
        return f"from {start}, seed {self.seed}\n{self}"

    @property
    def forgotten(self) -> int:
        """How many events there were before the first that is kept."""
        return self._noted - len(self.events)

    def clear(self) -> None:
        """Forget everything; numbers begin anew."""
        self.numbers.clear()
        self.enqueued_so_far = 0
        self._noted = 0
        self.events.clear()
        self.ended.clear()

    def enqueued(self, jobs: Iterable[NewJob], at: int) -> None:
        """Note jobs that were stored, in their order."""
        before = number = self.enqueued_so_far
        for new in jobs:
            number += 1
            self.numbers[new.id] = number
            self.events.append(Event(at, "enqueued", new))
        self.enqueued_so_far = number
        self._noted += number - before

    def skipped(self, tick: Fire, at: int) -> None:
        """Note a tick that made no job."""
        job = NewJob(id="", queue=tick.queue, type="", payload=b"", schedule=tick.name)
        self.events.append(Event(at, "skipped", job))
        self._noted += 1

    def note(self, kind: Kind, job: StoredJob, at: int) -> None:
        """Note what befell a job."""
        self.events.append(Event(at, kind, job))
        self._noted += 1

    def note_end(self, kind: Kind, job: StoredJob, at: int) -> None:
        """Note the end of an attempt, or of a job that was waiting."""
        self.note(kind, job, at)
        self.ended.pop(job.id, None)  # what ends last stands last
        self.ended[job.id] = job

    def fault(self, words: str, at: int, job: NewJob | StoredJob | None = None) -> None:
        """Note what a test made happen, perhaps to a job."""
        nobody = NewJob(id="", queue="", type="", payload=b"")
        self.events.append(Event(at, "fault", job or nobody, words))
        self._noted += 1

    def number(self, job_id: str) -> int:
        """Return which job of the test this is, from 1; 0 for jobs that others enqueued."""
        return self.numbers.get(job_id, 0)

    def name(self, job: NewJob | StoredJob) -> str:
        """Return `#1 SendMail(user_id=7)`, without secrets."""
        return f"{self.label(job.id)} {self.describe(job)}"

    def label(self, job_id: str) -> str:
        """Return `#1`; the id itself for jobs that others enqueued."""
        number = self.number(job_id)
        return f"#{number}" if number else job_id

    def describe(self, job: NewJob | StoredJob) -> str:
        """Return `SendMail(user_id=7)`, without secrets."""
        job_type = self.engine.type_named(job.type)
        if job_type is None:
            return f"{job.type} (unknown here)"
        try:
            return describe(job_type.decode(job.payload))
        except InvalidJob:
            return f"{job.type} (its payload does not decode)"

    def since_start(self, at: int) -> str:
        """Return an instant as `+1.5s`, from a day on as `+31d 00:00:01.5`."""
        return since(self.start, at)

    def outcome(self, job: StoredJob) -> str:
        """Tell where a job that has run is, and why: `dead at +3s: ValueError: no`."""
        if job.state is JobState.SUCCEEDED:
            return f"succeeded at {self.since_start(job.finished_at or 0)}"
        why = _error_of(job)
        if job.state in (JobState.DEAD, JobState.CANCELLED):
            return f"{job.state} at {self.since_start(job.finished_at or 0)}{why}"
        return f"{job.state}, due at {self.since_start(job.run_at)}{why}"

    def _lines(self) -> Iterator[str]:
        first = max(0, len(self.events) - LINES_SHOWN)
        shown = list(islice(self.events, first, None))
        width = max((len(self.since_start(event.at)) for event in shown), default=0)
        for event in shown:
            yield f"{self.since_start(event.at):>{max(width, 9)}}  {self.line(event)}"

    def line(self, event: Event) -> str:
        """Return what happened in one line, without the instant and without secrets."""
        job, label = event.job, self.label(event.job.id)
        match event.kind, job:
            case "enqueued", _:
                by = f" by schedule {job.schedule!r}" if job.schedule else ""
                return f"{label} enqueued {self.describe(job)} on {job.queue!r}{by}"
            case "fault", _:
                whose = f"{label} " if self.number(job.id) else ""
                return f"{whose}fault: {event.words}"
            case "skipped", _:
                return f"schedule {job.schedule!r} skipped a tick"
            case "started", StoredJob():
                attempt = 1 + job.failures + job.timeouts
                by = "" if job.worker in (None, self.first_worker) else f", by {job.worker}"
                return f"{label} started {self.describe(job)}, attempt {attempt}{by}"
            case "checked in", StoredJob():
                return f"{label} checked in{_said(job)}"
            case (("retried" | "snoozed"), StoredJob()):
                due = self.since_start(job.run_at)
                return f"{label} {event.kind}, due at {due}{_error_of(job)}"
            case (("dead" | "cancelled"), StoredJob()):
                return f"{label} {event.kind}{_error_of(job)}"
            case _:
                return f"{label} {event.kind}"


def _error_of(job: StoredJob) -> str:
    """Return `: ValueError: no` of the last attempt, if that failed."""
    last = job.attempts[-1] if job.attempts else None
    if last is None or not last.error_type:
        return ""
    message = _first_line(last.message)
    return f": {last.error_type}: {message}" if message else f": {last.error_type}"


def _said(job: StoredJob) -> str:
    """Return `: rows, 3 of 10` of a job that has checked in."""
    said = progress_of(job)
    if said is None:
        return ""
    counts = "" if said.done is None else str(said.done)
    if said.total is not None:
        counts = f"{counts or '?'} of {said.total}"
    text = _first_line(said.text)
    return ": " + ", ".join(each for each in (text, counts) if each)


def _first_line(text: str) -> str:
    """Return the first line of a text; where that is cut, it says so."""
    line = text.partition("\n")[0]
    too_long = len(line) > FIRST_LINE_OF_ERROR
    return f"{line[: FIRST_LINE_OF_ERROR - 1]}…" if too_long else line


def since(start: int, at: int) -> str:
    """Return the time between two instants.

    >>> since(0, 1_500), since(0, 86_400_000), since(0, 31 * 86_400_000 + 1_001), since(5_000, 0)
    ('+1.5s', '+1d 00:00:00', '+31d 00:00:01.001', '-5s')
    """
    seconds, rest = divmod(abs(at - start), 1_000)
    fraction = f".{rest:03}".rstrip("0") if rest else ""
    sign = "-" if at < start else "+"
    if seconds < DAY:
        return f"{sign}{seconds}{fraction}s"
    days, seconds = divmod(seconds, DAY)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{sign}{days}d {clock}{fraction}"


def due_in(job: StoredJob, now: int) -> str:
    """Return `due`, or `due in 1:00:00`."""
    return "due" if job.run_at <= now else f"due in {(job.run_at - now) * MILLISECOND}"
