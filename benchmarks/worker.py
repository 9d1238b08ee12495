"""One worker process of a measurement: drains what is queued and prints what that took.

python -m benchmarks.worker URL NAMESPACE sync|async CONCURRENCY PREFETCH
"""

from __future__ import annotations

import json
import resource
import sys
import threading
import time
from pathlib import Path

import jobkit
from benchmarks.jobtypes import async_handlers, sync_handlers

NANOSECONDS = 1e9


def main() -> None:
    url, namespace, kind, concurrency, prefetch = sys.argv[1:]
    handlers = sync_handlers() if kind == "sync" else async_handlers()

    with jobkit.RedisJobs(url, namespace=namespace, handlers=handlers) as jobs:
        began = time.perf_counter()
        cpu = time.process_time()
        jobs.start(concurrency=int(concurrency), prefetch=int(prefetch))
        jobs.drain()
        seconds = time.perf_counter() - began
        used = resource.getrusage(resource.RUSAGE_SELF)
        print(
            json.dumps(
                {
                    "succeeded": jobs.worker.counts["succeeded"] if jobs.worker else 0,
                    "seconds": seconds,
                    "cpu": time.process_time() - cpu,
                    "rss": used.ru_maxrss * 1024,
                    "sleeps": used.ru_nvcsw,
                    "threads": seconds_by_thread(),
                }
            )
        )


def seconds_by_thread() -> dict[str, float]:
    """Return the CPU time of this process's threads since they began, by what they do."""
    names = {thread.native_id: thread.name for thread in threading.enumerate()}
    found: dict[str, float] = {}
    for folder in Path("/proc/self/task").glob("*"):
        name = names.get(int(folder.name), "")
        kind = name.removeprefix("jobkit-")
        kind = "pool" if kind.isdecimal() else "main" if name == "MainThread" else kind
        nanoseconds = int((folder / "schedstat").read_text().split()[0])
        found[kind] = found.get(kind, 0.0) + nanoseconds / NANOSECONDS
    return found


if __name__ == "__main__":
    main()
