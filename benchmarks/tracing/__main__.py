"""Trace real workers under load, and replay them on the memory store: `make trace`.

python -m benchmarks.tracing [--seconds 90] [--kills 60] [--seed 1] [--workers 4] [--lease 1.5]
                             [--trouble 10] [--show 3] [--keep FILE]

Real processes, threads and Redis; `kill -9`, shutdowns, lost requests and replies, cancels,
deletions, pauses, schedules. Exits 1 if the memory store did not answer as Redis did, if the two
do not have the same records at the end, or if a worker did what workers never do.
"""

from __future__ import annotations

import argparse
import pickle
import sys
from pathlib import Path

from benchmarks.tracing.run import Outcome, trace_check


def report(outcome: Outcome, *, show: int) -> None:
    """Print the figures, and the first few of everything that is wrong."""
    print(f"operations replayed        {outcome.operations:8,}")
    print(f"runs of handlers           {outcome.runs:8,}")
    print(f"workers killed             {outcome.kills:8,}")
    print(f"workers shut down          {outcome.stops:8,}")
    print(f"requests lost              {outcome.requests_lost:8,}")
    print(f"differences                {len(outcome.differences):8,}")
    print(f"bad ends                   {len(outcome.ends):8,}")
    for name, found in outcome.breaches.items():
        print(f"{name.replace('_', ' '):42} {len(found):8,}")
    print(", ".join(f"{kind} {count:,}" for kind, count in outcome.kinds.most_common()))
    wrong = [outcome.differences, outcome.ends, *outcome.breaches.values()]
    for each in (sentence for sentences in wrong for sentence in sentences[:show]):
        print(each, file=sys.stderr)


def main() -> None:
    """Run, print, and exit 1 if something is wrong."""
    parser = argparse.ArgumentParser(description="Trace workers, and replay them in memory.")
    parser.add_argument("--seconds", type=float, default=90.0)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--lease", type=float, default=1.5)
    parser.add_argument("--trouble", type=int, default=10, help="lost requests of a thousand")
    parser.add_argument("--show", type=int, default=3, help="how many of each kind of fault")
    parser.add_argument("--keep", type=Path, help="write the trace to this file, as a pickle")
    options = parser.parse_args()
    outcome = trace_check(
        seconds=options.seconds,
        kills=options.kills,
        seed=options.seed,
        workers=options.workers,
        lease=options.lease,
        trouble=options.trouble,
    )
    if options.keep is not None:
        options.keep.write_bytes(pickle.dumps(outcome.trace))
    report(outcome, show=options.show)
    raise SystemExit(0 if outcome.is_good else 1)


if __name__ == "__main__":
    main()
