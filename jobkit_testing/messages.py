"""What a failed assertion says, so that the test can be mended without a debugger."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from jobkit.clock import from_milliseconds
from jobkit.description import describe
from jobkit.record import WAITING, JobState
from jobkit.store import StoredJob
from jobkit_testing.masking import masked
from jobkit_testing.matching import Difference, Pattern
from jobkit_testing.timeline import Timeline, due_in

T = TypeVar("T")
MOST_JOBS = 20
MOST_DIFFERENCES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """All that a message can show.

    `kind`: an adjective for the jobs that were looked through, the `candidates`: "waiting",
    "performed". `waiting`, `ran`: all jobs that wait, and all that have run or ended.
    """

    kind: str
    candidates: Sequence[StoredJob]
    waiting: Sequence[StoredJob]
    ran: Sequence[StoredJob]
    timeline: Timeline
    now: int
    seed: int

    def job_line(self, job: StoredJob) -> str:
        """Return `#1 Audit(...)  queue='default', due in 1:00:00`."""
        name = self.timeline.name(job)
        if job.state in WAITING and not job.attempts:
            return f"{name}  queue={job.queue!r}, {due_in(job, self.now)}"
        return f"{name}  {self.timeline.outcome(job)}"

    def block(self, title: str, jobs: Sequence[StoredJob]) -> list[str]:
        """Return a title and a line for each job; nothing without jobs."""
        return _block(title, jobs, self.job_line)

    def foot(self) -> list[str]:
        """Return the last line, of time and seed."""
        instant = from_milliseconds(self.now).isoformat().replace("+00:00", "Z")
        since = self.timeline.since_start(self.now)
        return [f"  clock {instant} ({since}, virtual), seed {self.seed}"]


def not_as_expected(
    scene: Scene, pattern: Pattern[Any], matching: Sequence[StoredJob], times: int | None
) -> str:
    """Tell why another number of jobs matches than was expected."""
    ids = {job.id for job in matching}
    others = [job for job in scene.candidates if job.id not in ids]
    lines = [_headline(scene, pattern, len(matching), times)]
    lines += scene.block("matching", matching)
    if len(matching) < (1 if times is None else times):
        lines += _nearest(scene, pattern, others)
    else:
        lines += scene.block(f"other {scene.kind} jobs", others)
    lines += _elsewhere(scene, pattern)
    return "\n".join(lines + scene.foot())


def not_the_total(scene: Scene, expected: str) -> str:
    """Tell what waits when another number of jobs was expected."""
    count = len(scene.waiting)
    jobs = {0: "no job waits", 1: "1 job waits"}.get(count, f"{count:,} jobs wait")
    lines = [f"{jobs}, expected {expected}"]
    lines += scene.block("waiting", scene.waiting)
    lines += scene.block("already ran", scene.ran)
    return "\n".join(lines + scene.foot())


def not_exactly(
    scene: Scene,
    headline: str,
    *,
    missing: Sequence[Pattern[Any]] = (),
    unexpected: Sequence[StoredJob] = (),
) -> str:
    """Tell in what the waiting jobs differ from a closed list."""
    lines = [headline]
    lines += _block("missing", missing, expectation)
    lines += scene.block("not expected", unexpected)
    lines += scene.block("waiting", scene.waiting)
    lines += scene.block("already ran", scene.ran)
    return "\n".join(lines + scene.foot())


def expectation(pattern: Pattern[Any]) -> str:
    """Return `SendMail(user_id=7) with queue='mail'`."""
    cls = pattern.kind.cls
    text = cls.__qualname__ if pattern.job is None else describe(pattern.job)
    conditions = [f"{name}={_shown(value)}" for name, value in pattern.match.items()]
    if pattern.payload is not None:
        conditions.insert(0, f"payload={masked(pattern.payload, cls)}")
    if pattern.where is not None:
        conditions.append(f"where={getattr(pattern.where, '__name__', '...')}")
    return f"{text} with {', '.join(conditions)}" if conditions else text


def _shown(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else describe(value)


def _headline(scene: Scene, pattern: Pattern[Any], count: int, times: int | None) -> str:
    wanted = expectation(pattern)
    expected = {None: "", 0: ", expected none"}.get(times, f", expected {times}")
    if count == 0:
        return f"no {scene.kind} job matches {wanted}{'' if times == 1 else expected}"
    jobs = f"1 {scene.kind} job matches" if count == 1 else f"{count:,} {scene.kind} jobs match"
    return f"{jobs} {wanted}{expected}"


def _nearest(scene: Scene, pattern: Pattern[Any], others: Sequence[StoredJob]) -> list[str]:
    """Show the job that comes closest, and the rest; or say that there is none of the type."""
    if not scene.candidates:
        return [f"  no {scene.kind} job at all"]
    alike = [job for job in others if pattern.fits_type(job)]
    if not alike:
        jobs = scene.block(f"other {scene.kind} jobs", others)
        other = "other " if len(others) < len(scene.candidates) else ""
        return [f"  no {other}{pattern.kind.cls.__qualname__} among them", *jobs]
    ranked = [(list(pattern.differences(job)), job) for job in alike]
    differences, closest = min(ranked, key=lambda pair: len(pair[0]))
    count = len(differences)
    fields = "1 field differs" if count == 1 else f"{count} fields differ"
    lines = [f"  closest, {fields}: {scene.job_line(closest)}", *_differences(differences)]
    rest = [job for job in others if job is not closest]
    return lines + scene.block(f"other {scene.kind} jobs", rest)


def _differences(differences: Sequence[Difference]) -> Iterator[str]:
    for difference in differences[:MOST_DIFFERENCES]:
        yield f"    {difference}"
    if len(differences) > MOST_DIFFERENCES:
        yield f"    and {len(differences) - MOST_DIFFERENCES} more"


def _elsewhere(scene: Scene, pattern: Pattern[Any]) -> list[str]:
    """Show jobs that are elsewhere in their lives, and which assertion would find them."""

    def line(job: StoredJob) -> str:
        text = scene.job_line(job)
        if pattern.fits(job):
            return f"{text}  <- {_hint(job)}"
        return text

    shown = {job.id for job in scene.candidates}
    waiting = [job for job in scene.waiting if job.id not in shown]
    ran = [job for job in scene.ran if job.id not in shown]
    return _block("waiting", waiting, line) + _block("already ran", ran, line)


def _hint(job: StoredJob) -> str:
    match job.state:
        case JobState.SUCCEEDED:
            return "did you mean assert_performed?"
        case JobState.DEAD | JobState.CANCELLED:
            return f"did you mean assert_{job.state}?"
        case _ if job.attempts:
            return "did you mean assert_failed?"
        case _:
            return "it has not run: did you forget drain() or run_for(...)?"


def _block(title: str, items: Sequence[T], line: Callable[[T], str]) -> list[str]:
    """Return a title and lines below it, a bounded number of them; nothing without items."""
    if not items:
        return []
    cut = len(items) - MOST_JOBS
    more = [f"    and {cut:,} more"] if cut > 0 else []
    return [f"  {title}:", *(f"    {line(item)}" for item in items[:MOST_JOBS]), *more]
