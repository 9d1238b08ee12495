"""Bugs in what clients do before a store hears of it: payloads, channels, chunks, round trips."""

from __future__ import annotations

from benchmarks.mutants.mutant import Mutant

FLIGHTS = "jobkit/redis/aioflights.py"
SHARED = ("tests/unit/redis/test_aioflights.py",)
ENGINE = ("tests/unit/engine", "tests/unit/testing", "tests/unit/client")

PLAIN_FIELDS = "jobkit/codec/plain_fields.py"
CODEC = ("tests/unit/codec",)

MUTANTS = (
    Mutant(
        "engine: a field of a subclass passes for plain",
        "B3",
        PLAIN_FIELDS,
        "if type(getattr(job, name)) not in classes:",
        "if not isinstance(getattr(job, name), tuple(classes)):",
        tests=CODEC,
    ),
    Mutant(
        "engine: a job that is changed when it is decoded passes for plain",
        "B3",
        PLAIN_FIELDS,
        "return any(getattr(cls, name, None) is not usual for name, usual in own)",
        "return all(getattr(cls, name, None) is not usual for name, usual in own)",
        tests=CODEC,
    ),
    Mutant(
        "engine: bounds of a field are not looked at",
        "B3",
        PLAIN_FIELDS,
        "return frozenset(cls for kept, cls in _KEPT if info == kept)",
        "return frozenset(cls for kept, cls in _KEPT if type(info) is type(kept))",
        tests=CODEC,
    ),
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
