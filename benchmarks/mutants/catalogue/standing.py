"""Bugs in claims that wait in the store while a worker has nothing to do."""

from __future__ import annotations

from benchmarks.mutants.mutant import Mutant

CLAIMING = "jobkit/worker/claiming.py"
LINES = "jobkit/worker/lines.py"
PUMP = "jobkit/worker/pump.py"
STANDING = ("tests/e2e/test_worker_stands_by.py",)
COPIES = ("tests/unit/worker/test_claiming.py",)

PICKING_UP = ("tests/e2e/test_worker_picks_up.py",)

MUTANTS = (
    Mutant(
        "worker: who hears of a job leaves it to the pump",
        "B13",
        PUMP,
        "self._guarded(self._hand_out_here)",
        "pass",
        tests=PICKING_UP,
    ),
    Mutant(
        "worker: who hears of a job hands it out while the pump is at work",
        "B37",
        PUMP,
        "            with self._turn:\n",
        "            if True:\n",
        tests=PICKING_UP,
    ),
    Mutant(
        "worker: an answer that comes too late brings its jobs again",
        "B13",
        CLAIMING,
        "if line.pending is not claim:  # it was answered twice",
        "if line.pending is claim is None:  # it was answered twice",
        tests=STANDING,
    ),
    Mutant(
        "worker: what only a late answer knows to have ended is told to nobody",
        "B36",
        CLAIMING,
        "            self._inbox.ended(line.name, claimed.ended)\n",
        "",
        tests=STANDING,
    ),
    Mutant(
        "worker: a lease counts from when its claim was sent again",
        "B37",
        CLAIMING,
        "leased_at = line.asked_at if claimed.repeated else sent",
        "leased_at = sent",
        tests=COPIES,
    ),
    Mutant(
        "worker: a worker rests that was given all it asked for, and would not hear of more",
        "B13",
        CLAIMING,
        "line.worth_asking = claimed.more or (claim.idle and is_filled)",
        "line.worth_asking = claimed.more",
        tests=COPIES,
    ),
    Mutant(
        "worker: while claims stand by nobody looks when a job gets due",
        "B8",
        CLAIMING,
        "        if self._has_room():\n            rest =",
        "        if not self.standby.has_claims and self._has_room():\n            rest =",
        tests=COPIES,
    ),
    Mutant(
        "worker: a drain that waits for a job does not listen",
        "B13",
        PUMP,
        "                self.claiming.listen(self.claiming.rest())\n",
        "                pass\n",
        tests=STANDING,
    ),
    Mutant(
        "worker: a stop does not ask what a claim took that stood by",
        "B52",
        PUMP,
        "            self.claiming.plan_voids(claims)\n",
        "            pass\n",
        tests=STANDING,
    ),
    Mutant(
        "worker: a stop claims with the number of the claim that stood by",
        "B52",
        LINES,
        "replace(line.pending, slots=0, prefetch=0, suspects=0, idle=False)",
        "replace(line.pending, idle=False)",
        tests=COPIES,
    ),
    Mutant(
        "worker: a limited type that has room again is not asked for",
        "B26",
        PUMP,
        "return not self.lines.has_limits and let_nothing_in(endings,",
        "return let_nothing_in(endings,",
        tests=("tests/e2e/test_worker_waking.py",),
    ),
    Mutant(
        "redis: the copy of a claim is taken for a new one",
        "B23",
        "jobkit/redis/commands.py",
        "repeated=reply[6] < 0,",
        "repeated=False,",
        themes="replaying",
    ),
    Mutant(
        "memory: the copy of a claim is taken for a new one",
        "B23",
        "jobkit/memory/claiming.py",
        "return replace(_claimed(queue, operation, held, [], now), repeated=True)",
        "return _claimed(queue, operation, held, [], now)",
        themes="replaying",
    ),
)
