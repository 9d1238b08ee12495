"""Bugs in what clients do before a store hears of it: channels, chunks, shared round trips."""

from __future__ import annotations

from benchmarks.mutants.mutant import Mutant

FLIGHTS = "jobkit/redis/aioflights.py"
SHARED = ("tests/unit/redis/test_aioflights.py",)
ENGINE = ("tests/unit/engine", "tests/unit/testing", "tests/unit/client")

MUTANTS = (
    Mutant(
        "engine: a chunk is sent before the last one is stored",
        "B4",
        "jobkit/client/jobs.py",
        "                    ids = finish_push()\n",
        "                    ids = tuple(job.id for job in batch.jobs)\n",
        tests=("tests/unit/client/test_chunks.py",),
    ),
    Mutant(
        "engine: who waits for a round trip waits on when the connection breaks",
        "B39",
        FLIGHTS,
        "        line, self._line = self._line, deque()\n",
        "        line = deque[_Passenger]()\n",
        tests=SHARED,
    ),
    Mutant(
        "engine: who shares a round trip gets the replies of another",
        "B6",
        FLIGHTS,
        "            at = end\n",
        "",
        tests=SHARED,
    ),
    Mutant(
        "engine: who was cancelled in line is sent all the same",
        "B6",
        FLIGHTS,
        "            if not first.replies.done():\n",
        "            if True:\n",
        tests=SHARED,
    ),
    Mutant(
        "engine: a request is sent however long it waited",
        "B6",
        FLIGHTS,
        "time() - first.since <= self._longest_wait:",
        "time() - first.since <= 10 * self._longest_wait:",
        tests=SHARED,
    ),
    Mutant(
        "engine: two pushes that overlap share a channel",
        "B6",
        "jobkit/engine/channels.py",
        "channel = self._idle.pop()",
        "channel = self._idle[-1]",
        tests=ENGINE,
    ),
)
