"""Two stores side by side, of which one may have a bug.

python -m benchmarks.mutants.comparing URL STEPS

Prints a line of JSON: `by`, which operation they answer differently ("" for none); `steps`, how
many they did until then; `shrunk`, how many of these are enough to show it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from functools import partial
from itertools import count
from typing import Any

from benchmarks.mutants.stores import memory_store, redis_store
from jobkit.store import Store
from jobkit_testing.side_by_side import Difference, fuzz, replay
from jobkit_testing.side_by_side.shrinking import shrink
from jobkit_testing.side_by_side.world import Step

PROGRAM = 150  # steps on one pair of stores: short ones shrink fast
SHRINKING = 10.0  # seconds of CPU
SEED = 1


class Comparison:
    """The memory store and a Redis store, again and again from the beginning."""

    def __init__(self, url: str, steps: int) -> None:
        self._url = url
        self._steps = steps
        self._numbers = count(1)

    def redis(self) -> Store:
        """Return an empty Redis store."""
        return redis_store(self._url, f"compared-{next(self._numbers)}")

    def run(self) -> dict[str, Any]:
        """Do steps until the stores differ, and tell what was found."""
        try:
            done = fuzz(
                memory_store,
                self.redis,
                steps=self._steps,
                seed=SEED,
                program=PROGRAM,
                shrinking=False,
            )
        except Exception as error:  # a store with a bug may fail in any way
            return {"by": f"raises {type(error).__name__}"}
        if done.difference is None:
            return {"by": "", "steps": done.steps}
        shrunk = len(self.shrunk(done.difference))
        return {"by": done.difference.kind, "steps": done.steps, "shrunk": shrunk}

    def shrunk(self, found: Difference) -> Sequence[Step]:
        """Return the shortest program found, in the time that there is for it."""
        end = time.process_time() + SHRINKING

        def fails(program: Sequence[Step], thorough: int = 1) -> bool:
            if time.process_time() > end:
                return False
            shown = replay(memory_store, self.redis, program, thorough=thorough)
            return shown is not None and shown.kind == found.kind

        # Mostly it is enough to compare everything at the end, which takes a sixth of the time.
        rarely = partial(fails, thorough=PROGRAM + 1)
        return shrink(found.program, rarely if rarely(found.program) else fails)


if __name__ == "__main__":
    print(json.dumps(Comparison(sys.argv[1], int(sys.argv[2])).run()))
