"""Kill workers at random while a limit holds them back: `python -m benchmarks.chaos --limits`.

Of the jobs of this run three may run at once, over all processes. Each takes one of three places
that the kernel keeps (see `places`), so a fourth one would be seen, whatever Redis says. Exits 1
if there ever was a fourth, if a place was never used, or if a job was lost or is stuck.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.chaos import Chaos, Runs, ended_in, lost_jobs, unfinished_jobs
from benchmarks.chaos_worker import LIMIT, Narrow
from benchmarks.places import Places
from jobkit.record import JobState
from jobkit.redis.store import RedisStore
from jobkit.store import MAX_LOSSES

QUEUE = "default"


class LimitedChaos(Chaos):
    """A crew that runs limited jobs, one at a time each."""

    scenario = "limits"
    backlog = 80
    warm_up = 0.0

    def job(self, number: int) -> Narrow:
        """Make a job that takes a few milliseconds."""
        return Narrow(number, self.dice.uniform(0.005, 0.04))

    def victim(self) -> int:
        """Choose a worker that runs a job, if there is one."""
        runs = Runs.read(self.log)
        ended = {(job_id, pid) for job_id, ends in runs.ends.items() for pid, _ in ends}
        busy = {
            pid
            for job_id, starts in runs.starts.items()
            for pid, _ in starts
            if (job_id, pid) not in ended
        }
        found = [at for at, worker in enumerate(self.workers) if at and worker.pid in busy]
        return self.dice.choice(found) if found else super().victim()

    def calm(self) -> float:
        """Give as many workers as there are the time to start again."""
        return self.dice.uniform(2, 6) / len(self.workers)

    def has_begun(self) -> bool:
        """Wait until the limit is what holds the crew back."""
        return self.places.exists() and len(Places.read(self.places).taken) == LIMIT

    @property
    def places(self) -> Path:
        """The journal of the places."""
        return places_of(self.log)


def places_of(log: Path) -> Path:
    """Return the journal of places beside that of runs."""
    return log.with_name(f"{log.name}.places")


def verdict(chaos: LimitedChaos, store: RedisStore, seconds: float) -> int:
    """Print the figures and return how many things went wrong."""
    places = Places.read(chaos.places)
    runs = Runs.read(chaos.log)
    dead = ended_in(store, JobState.DEAD)
    strange = [job_id for job_id, job in dead.items() if job.losses < MAX_LOSSES]
    lost = lost_jobs(chaos, store, runs)
    stuck = unfinished_jobs(store)
    breaches = store.audit(QUEUE)
    unused = LIMIT - len(places.taken)
    shares = " ".join(f"{places.taken.get(str(n), 0):,}" for n in range(LIMIT))
    print(f"jobs acknowledged          {len(chaos.ledger):8,}  in {seconds:.0f} s")
    print(f"workers                    {len(chaos.workers):8,}  of one slot each")
    print(f"workers killed             {len(chaos.kills):8,}")
    print(f"runs cut off by a kill     {len(runs.restarts(chaos.kills)):8,}")
    print(f"more than {LIMIT} at once        {len(places.over):8,}")
    print(f"excused by a stall         {len(places.excused):8,}  (lease {chaos.lease:g} s)")
    print(f"places never used          {unused:8,}  (of {LIMIT}, used {shares})")
    print(f"jobs lost                  {len(lost):8,}  {lost[:3] or ''}")
    print(f"jobs stuck                 {stuck:8,}")
    print(f"dead after three losses    {len(dead) - len(strange):8,}")
    print(f"dead without a reason      {len(strange):8,}  {strange[:3] or ''}")
    print(f"broken invariants          {len(breaches):8,}  {breaches[:3] or ''}")
    return len(places.over) + unused + len(lost) + stuck + len(strange) + len(breaches)
