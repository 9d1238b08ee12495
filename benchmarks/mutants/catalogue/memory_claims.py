"""Bugs of claims in memory: which job, in what order, how many, and who hears of it."""

from __future__ import annotations

from benchmarks.mutants.mutant import Mutant

QUEUE = "jobkit/memory/queue.py"
CLAIMING = "jobkit/memory/claiming.py"

MUTANTS = (
    Mutant(
        "memory: a paused type is claimed",
        "B27",
        QUEUE,
        "if are_paused and self.pauses.hold(type_name, served.group):",
        "if self.pauses.queue:",
        "pausing",
    ),
    Mutant(
        "memory: one more than the limit runs",
        "B26",
        QUEUE,
        "len(self.active.get(lane.group, ())) >= lane.limit",
        "len(self.active.get(lane.group, ())) > lane.limit",
        "limits",
    ),
    Mutant(
        "memory: promotion begins with what is due last",
        "B9",
        QUEUE,
        "self.make_ready(min(heads, key=lambda pair: pair[0])[1].pop(), Move.PROMOTE)",
        "self.make_ready(max(heads, key=lambda pair: pair[0])[1].pop(), Move.PROMOTE)",
        "timing ordering",
    ),
    Mutant(
        "memory: a job that is due is promoted a millisecond late",
        "B8",
        QUEUE,
        "if (head := line.head()) is not None and head[0] <= now",
        "if (head := line.head()) is not None and head[0] < now",
        "timing",
    ),
    Mutant(
        "memory: next_due is the later of two",
        "B13",
        QUEUE,
        "return min(heads, default=None)",
        "return max(heads, default=None)",
        "timing claiming",
    ),
    Mutant(
        "memory: suspects are prefetched",
        "B37",
        QUEUE,
        "may_suspect = suspects > 0 and len(taken) < slots",
        "may_suspect = suspects > 0",
        "suspects prefetching",
    ),
    Mutant(
        "memory: several suspects at once",
        "B37",
        QUEUE,
        'suspects -= best.startswith("!")',
        "suspects -= 0",
        "suspects",
    ),
    Mutant(
        "memory: the last free slot takes no job as started",
        "B37",
        QUEUE,
        "taken.append((job, len(taken) < slots))",
        "taken.append((job, len(taken) + 1 < slots))",
        "prefetching claiming",
    ),
    Mutant(
        "memory: the copy of a claim takes other jobs",
        "B6",
        CLAIMING,
        "if earlier is not None and operation.request <= earlier[0]:",
        "if earlier is not None and operation.request < earlier[0]:",
        "replaying",
    ),
    Mutant(
        "memory: a worker that has claimed stays idle",
        "B13",
        CLAIMING,
        "crew.idle.pop(operation.worker, None)\n    earlier",
        "earlier",
        "waking",
    ),
    Mutant(
        "memory: `more` looks at suspects that may not be taken",
        "B13",
        CLAIMING,
        "more=queue.has_open_lane(operation.lanes, suspects=may_suspect)",
        "more=queue.has_open_lane(operation.lanes, suspects=True)",
        "suspects claiming",
    ),
    Mutant(
        "memory: the fence does not grow",
        "B38",
        CLAIMING,
        "queue.fences += 1",
        "queue.fences += 0",
        "leases claiming",
    ),
    Mutant(
        "memory: the greatest priority first",
        "B9",
        "jobkit/memory/kept.py",
        "return (self.priority, self.run_at, self.arrival, self.new.id)",
        "return (-self.priority, self.run_at, self.arrival, self.new.id)",
        "ordering",
    ),
    Mutant(
        "memory: arrival before due time",
        "B9",
        "jobkit/memory/kept.py",
        "return (self.priority, self.run_at, self.arrival, self.new.id)",
        "return (self.priority, self.arrival, self.run_at, self.new.id)",
        "ordering",
    ),
    Mutant(
        "memory: an earlier due time wakes nobody",
        "B13",
        QUEUE,
        "if line.head() is job.entry:",
        "if line.count == 1:",
        "waking",
    ),
)
