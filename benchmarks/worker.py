"""One worker process of a measurement: drains what is queued and prints what that took.

python -m benchmarks.worker URL NAMESPACE sync|async CONCURRENCY PREFETCH
"""

from __future__ import annotations

import json
import resource
import sys
import time

import jobkit
from benchmarks.jobtypes import async_handlers, sync_handlers


def main() -> None:
    url, namespace, kind, concurrency, prefetch = sys.argv[1:]
    handlers = sync_handlers() if kind == "sync" else async_handlers()

    with jobkit.RedisJobs(url, namespace=namespace, handlers=handlers) as jobs:
        jobs.start(concurrency=int(concurrency), prefetch=int(prefetch))
        began = time.perf_counter()
        cpu = time.process_time()
        report = jobs.drain()
        seconds = time.perf_counter() - began
        print(
            json.dumps(
                {
                    "succeeded": report.succeeded,
                    "seconds": seconds,
                    "cpu": time.process_time() - cpu,
                    "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
                }
            )
        )


if __name__ == "__main__":
    main()
