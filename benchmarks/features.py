"""What each feature costs, as a ratio to the plain job beside it: `make features`.

python -m benchmarks.features [--jobs 20000] [--rounds 3] [--only unique,retention]

For each feature some jobs are stored by `enqueue_many` and drained by one worker, in a process of
its own; the CPU time of that process and of Redis counts, so that a busy machine changes little.
Rounds are interleaved; a ratio is to the plain jobs of the same round.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from statistics import median
from typing import Any, cast

import redis

import jobkit
from benchmarks.figures import Figures, add, show
from benchmarks.jobtypes import JobA, Payload
from jobkit import EnqueueOptions, Handlers, Hooks, JobContext
from jobkit.options import JobOptions
from tests.servers import RedisServer, find_servers

MICROSECONDS = 1e6
PLAIN = "plain"
CONCURRENCY, PREFETCH = 64, 256


@jobkit.job(queue="children")
@dataclass(frozen=True)
class Child(Payload):
    """Is stored with the success of another."""


def nothing(job: Payload) -> None:
    """Be done."""


def give_result(job: Payload) -> int:
    """Return something to be kept."""
    return job.user_id


def give_child(job: Payload, ctx: JobContext) -> None:
    """Enqueue in the step that notes the success."""
    ctx.enqueue(Child(job.user_id))


def pass_on(_: JobContext, call_next: Callable[[], object]) -> object:
    """Be a middleware, of the least kind."""
    return call_next()


def see(record: jobkit.JobRecord[Any], attempt: jobkit.Attempt | None) -> None:
    """Be a hook."""


@dataclass(frozen=True, slots=True)
class Feature:
    """How jobs are enqueued, what their type asks for, and what surrounds the handler."""

    what: str
    options: EnqueueOptions = field(default_factory=EnqueueOptions)
    priorities: int = 1
    of_type: JobOptions = field(default_factory=JobOptions)
    handler: Callable[..., object] = nothing
    hooks: Hooks | None = None
    has_middleware: bool = False


FEATURES: dict[str, Feature] = {
    PLAIN: Feature("retention and statistics at their defaults"),
    "unique": Feature(
        "`unique=True`: no second one while the first waits", options={"unique": True}
    ),
    "delay": Feature(
        "`delay=`: waits for its time, then moves to the ready ones",
        options={"delay": timedelta(milliseconds=1)},
    ),
    "priority": Feature("ten priorities, mixed", priorities=10),
    "metadata": Feature(
        "two pairs of `metadata=`", options={"metadata": {"tenant": "a", "r": "1"}}
    ),
    "retention": Feature("`retention=` of its own", options={"retention": timedelta(hours=2)}),
    "gone": Feature("`retention=0`: gone when done", options={"retention": timedelta(0)}),
    "limit": Feature(
        "`max_concurrency=1000`: counted, never full", of_type={"max_concurrency": 1000}
    ),
    "full limit": Feature(
        "`max_concurrency=32`: full all the time", of_type={"max_concurrency": 32}
    ),
    "timeout": Feature("`timeout=`: somebody watches", options={"timeout": timedelta(minutes=1)}),
    "result": Feature("the handler returns a number, which is kept", handler=give_result),
    "children": Feature("each enqueues a job on its `ctx`; both are counted", handler=give_child),
    "middleware": Feature("one middleware", has_middleware=True),
    "hook": Feature("`Hooks(on_success=)`", hooks=Hooks(on_success=see)),
}


def drain(url: str, name: str, count: int) -> None:
    """Store jobs with a feature and run them; print microseconds of CPU by part."""
    feature = FEATURES[name]
    backend = jobkit.RedisJobs(url, handlers=handlers_of(feature))
    client = cast(Any, redis.Redis.from_url(url))  # pyright: ignore[reportUnknownMemberType]
    client.flushall()
    batch = [JobA(number) for number in range(count)]
    with backend:
        marks = [spent(client)]
        for priority in range(feature.priorities):
            part = batch[priority :: feature.priorities]
            options: EnqueueOptions = {"priority": priority, **feature.options}
            backend.enqueue_many(part, chunk=1_000, **options)
        marks.append(spent(client))
        backend.start(concurrency=CONCURRENCY, prefetch=PREFETCH)
        backend.drain()
        marks.append(spent(client))
        succeeded = backend.worker.counts["succeeded"] if backend.worker else 0
    expected = count * (2 if feature.handler is give_child else 1)
    if succeeded != expected:
        raise SystemExit(f"{name}: {succeeded} of {expected} jobs ran")
    enqueue, run = (
        {part: (after[part] - before[part]) / count * MICROSECONDS for part in after}
        for before, after in pairwise(marks)
    )
    print(json.dumps({"enqueue": enqueue, "run": run}))


def handlers_of(feature: Feature) -> Handlers:
    """Return handlers with this feature."""
    handlers = Handlers()
    jobkit.job(**feature.of_type)(JobA)
    handlers.register(feature.handler, job=JobA)
    handlers.register(nothing, job=Child)
    if feature.hooks is not None:
        handlers.hooks(feature.hooks)
    if feature.has_middleware:
        handlers.middleware(pass_on)
    return handlers


def spent(client: Any) -> dict[str, float]:
    """Return the CPU seconds so far, of this process and of Redis."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    used = client.info("cpu")
    return {
        "Python": own.ru_utime + own.ru_stime,
        "Redis": used["used_cpu_user"] + used["used_cpu_sys"],
    }


Costs = dict[str, dict[str, float]]


def measure(url: str, name: str, count: int) -> Costs:
    """Do it in a process of its own."""
    words = [sys.executable, "-m", "benchmarks.features", "--of", name, "--url", url]
    words += ["--jobs", str(count)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    found: Costs = json.loads(done.stdout)
    return found


def note(figures: Figures, name: str, costs: Costs, plain: Costs) -> None:
    """Take down what a feature costs, and how that compares."""
    for step, parts in costs.items():
        add(figures, f"{name}: {step}, us", sum(parts.values()))
        times = sum(parts.values()) / sum(plain[step].values())
        add(figures, f"{name}: {step}, x plain", times)


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description="What each feature costs.")
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", type=lambda text: text.split(","), help="names, by commas")
    parser.add_argument("--of", choices=FEATURES, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.of is not None:
        drain(options.url, options.of, options.jobs)
        return
    figures: Figures = {}
    with RedisServer(find_servers()[-1]) as server:
        for number in range(options.rounds):
            print(f"round {number + 1}, {server.binary.label}")
            plain = measure(server.url, PLAIN, options.jobs)
            note(figures, PLAIN, plain, plain)
            for name in [each for each in options.only or FEATURES if each != PLAIN]:
                note(figures, name, measure(server.url, name, options.jobs), plain)
    show(figures, print)
    print("\n" + markdown(figures))


def markdown(figures: Figures) -> str:
    """Write the table for the docs: ratios, each the median of the rounds."""
    lines = ["| feature | enqueue | run |", "|---|---:|---:|"]
    for name, feature in FEATURES.items():
        if f"{name}: run, us" in figures:
            cells = [cell(figures, name, step) for step in ("enqueue", "run")]
            lines.append(f"| {feature.what} | {cells[0]} | {cells[1]} |")
    return "\n".join(lines)


def cell(figures: Figures, name: str, step: str) -> str:
    """Write microseconds for the plain job, and ratios for the others."""
    if name == PLAIN:
        return f"{median(figures[f'{name}: {step}, us']):.1f} us"
    return f"{median(figures[f'{name}: {step}, x plain']):.2f} x"


if __name__ == "__main__":
    main()
