"""Plant bugs and see who catches them: `make mutants`.

python -m benchmarks.mutants [--only WORDS]... [--layer LAYER]... [--steps 3000] [--jobs 2]
                             [--json] [--list]

`--only`: mutants with these words in their name or path. `--steps`: of two stores side by side.
`--json`: a line of JSON for each mutant.
Exits 1 if a mutant survives, 2 if one could not be tried, or a test that caught one fails without
it, too.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence

from benchmarks.mutants import report
from benchmarks.mutants.catalogue import CATALOGUE
from benchmarks.mutants.layers import LAYERS
from benchmarks.mutants.mutant import Mutant
from benchmarks.mutants.trial import Trial, clean_copy, false_alarms, try_all


def main(words: Sequence[str] | None = None) -> int:
    """Try what was asked for, and print what came of it."""
    asked = _parser().parse_args(words)
    signal.signal(signal.SIGTERM, _end)  # or its servers would outlive it
    mutants = chosen(asked.only)
    if asked.list:
        for mutant in mutants:
            print(f"{mutant.promise:4} {mutant.name}")
        return 0
    trials: list[Trial] = []
    with clean_copy() as clean:
        layers = asked.layer or LAYERS
        for trial in try_all(mutants, layers, clean, jobs=asked.jobs, steps=asked.steps):
            trials.append(trial)
            told = json.dumps(report.as_json(trial)) if asked.json else report.line(trial)
            print(told, flush=True)
        alarms = false_alarms(trials, clean, steps=asked.steps)
    if not asked.json:
        print(f"\n{report.summary(trials)}")
    if alarms or any(trial.trouble for trial in trials):
        print("".join(f"fails without a bug, too: {alarm}\n" for alarm in alarms), file=sys.stderr)
        return 2
    return 0 if all(trial.is_caught for trial in trials) else 1


def _end(*_: object) -> None:
    sys.exit(2)


def chosen(only: Sequence[str]) -> tuple[Mutant, ...]:
    """Return the mutants with some of these words in their name or path; none: all."""
    if not only:
        return CATALOGUE
    found = [m for m in CATALOGUE if any(word in m.name or word in m.path for word in only)]
    if not found:
        raise SystemExit(f"no mutant has one of {only} in its name or path; see --list")
    return tuple(found)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutants", description=__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="WORDS")
    parser.add_argument("--layer", action="append", choices=LAYERS)
    parser.add_argument("--steps", type=int, default=3_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--list", action="store_true")
    return parser


if __name__ == "__main__":
    sys.exit(main())
