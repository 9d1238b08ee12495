"""What jobs hold beside their places, and let go of: unique keys."""

from __future__ import annotations

from dataclasses import dataclass, field

from jobkit.memory.kept import KeptJob
from jobkit.store import NewJob


@dataclass(slots=True)
class Ties:
    """The unique keys of a queue: who holds each, and until when (None: as long as it lives).

    Each is held by a live job whose `holds_key` says so. A key whose time is over is there until
    a newcomer takes it over, or its owner lets go of it.
    """

    unique: dict[str, tuple[str, int | None]] = field(
        default_factory=dict[str, tuple[str, int | None]]
    )

    def holder(self, new: NewJob, now: int) -> str | None:
        """Return the id of the job that holds this one's key, or None."""
        entry = None if new.unique is None else self.unique.get(new.unique.key)
        if entry is None or (entry[1] is not None and entry[1] <= now):
            return None
        return entry[0]

    def take(self, job: KeptJob, now: int) -> None:
        """Give a job its key, which nobody holds."""
        unique = job.new.unique
        if unique is not None:
            expiry = None if unique.ttl is None else max(job.run_at, now) + unique.ttl
            self.unique[unique.key] = (job.id, expiry)
            job.holds_key = True

    def hold_until(self, job: KeptJob, now: int) -> None:
        """Hold a key for longer or shorter, now that the job is due at another time."""
        if not job.holds_key:
            return
        if self.holder(job.new, now) == job.id:
            self.take(job, now)
        else:
            self.loosen(job)

    def loosen_at_start(self, job: KeptJob) -> None:
        """Let go of a key that is held until the first start."""
        if job.holds_key and job.new.unique is not None and job.new.unique.until == "started":
            self.loosen(job)

    def loosen(self, job: KeptJob) -> None:
        """Let go of everything: every path by which a job ends or goes comes through here."""
        if not job.holds_key or job.new.unique is None:
            return
        job.holds_key = False
        key = job.new.unique.key
        if key in self.unique and self.unique[key][0] == job.id:
            del self.unique[key]
