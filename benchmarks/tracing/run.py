"""One trace check from start to end: servers, crew, load, replay, checks."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random

from benchmarks.tracing.backend import TracedJobs
from benchmarks.tracing.checks import breaches
from benchmarks.tracing.crew import Crew
from benchmarks.tracing.link import RecorderServer
from benchmarks.tracing.load import Load
from benchmarks.tracing.recorder import AsyncRecordedStore, RecordedStore, Recorder
from benchmarks.tracing.replay import Replay, compare, picture
from benchmarks.tracing.trace import Did, Entered, Stopped, Trace
from jobkit.clock import system_milliseconds
from jobkit.redis.connections import Connections, address_of
from jobkit.redis.store import RedisStore
from tests.servers import RedisServer, find_servers

NAMESPACE = "trace"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a run. `breaches`: what workers did and must not, by the name of a check."""

    trace: Trace
    operations: int
    kills: int
    requests_lost: int
    differences: list[str]
    ends: list[str]
    breaches: Mapping[str, list[str]]

    @property
    def kinds(self) -> Counter[str]:
        """How many operations there were of each kind."""
        return Counter(
            type(each.operation).__name__ for each in self.trace if isinstance(each, Did)
        )

    @property
    def runs(self) -> int:
        """How many runs of handlers began."""
        return sum(isinstance(each, Entered) for each in self.trace)

    @property
    def stops(self) -> int:
        """How many workers shut down in order."""
        return sum(isinstance(each, Stopped) for each in self.trace)

    @property
    def is_good(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.differences or self.ends or any(self.breaches.values()))


def trace_check(
    *,
    seconds: float,
    kills: int,
    seed: int,
    workers: int = 3,
    lease: float = 1.5,
    trouble: int = 10,
) -> Outcome:
    """Run workers under load, kill some, replay what they did, and check it."""
    dice = Random(seed)
    with ExitStack() as stack:
        redis = stack.enter_context(RedisServer(find_servers()[-1]))
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        path = str(Path(folder, "recorder"))
        store = RedisStore(Connections(address_of(redis.url)), namespace=NAMESPACE)
        stack.callback(store.close)
        recorder = Recorder(store, trouble=trouble, dice=Random(seed + 1))
        server = RecorderServer(recorder, path)
        stack.callback(server.close)
        crew = Crew(
            recorder,
            server,
            path=path,
            redis_url=redis.url,
            namespace=NAMESPACE,
            lease=lease,
            dice=dice,
        )
        stack.callback(crew.close)
        for _ in range(workers):
            crew.start()
        ends = _make_load(recorder, store, crew, dice, seconds=seconds, kills=kills)
        return _judge(recorder, store, crew.kills, ends)


def _make_load(
    recorder: Recorder, store: RedisStore, crew: Crew, dice: Random, *, seconds: float, kills: int
) -> list[str]:
    recorded = RecordedStore(recorder, store, "load")
    jobs = TracedJobs(recorded, AsyncRecordedStore(recorded), sender="load", say=recorder.say)
    load = Load(jobs, jobs.inspect, recorded, crew, dice)
    load.run(seconds=seconds, kills=kills)
    load.finish()
    return crew.stop_all()


def _judge(recorder: Recorder, store: RedisStore, kills: int, ends: list[str]) -> Outcome:
    replay = Replay()
    replay.follow(recorder.trace)
    now = max(system_milliseconds(), *(entry.at for entry in recorder.trace))
    theirs, ours = picture(store, now), picture(replay.store, now)
    audits = [f"{where}: {found}" for where, found in theirs.items() if "audit" in where and found]
    return Outcome(
        trace=recorder.trace,
        operations=replay.count,
        kills=kills,
        requests_lost=recorder.lost,
        differences=[str(each) for each in replay.differences] + compare(theirs, ours),
        ends=[*ends, *audits],
        breaches=breaches(recorder.trace),
    )
