"""Bugs in the line of hooks."""

from __future__ import annotations

from benchmarks.mutants.mutant import Mutant

HOOKLINE = "jobkit/worker/hookline.py"
LINE = ("tests/unit/worker/test_hookline.py", "tests/unit/worker/test_claiming.py")
WORKERS = ("tests/e2e/test_worker_hook_line.py",)

MUTANTS = (
    Mutant(
        "worker: one that stops does not wait for hooks",
        "B52",
        "jobkit/worker/worker.py",
        "self._wait(self._crew.hooks.are_made, until=max(limit, grace))",
        "self._wait(self._crew.hooks.are_made, until=grace)",
        tests=WORKERS,
    ),
    Mutant(
        "worker: a drain that ran one does not wait for its hooks",
        "B30",
        "jobkit/worker/jobs.py",
        "worker.stop(timedelta(0), for_hooks=for_hooks)",
        "worker.stop(timedelta(0))",
        tests=WORKERS,
    ),
    Mutant(
        "worker: hooks are called after the worker has said that they are not",
        "B30",
        HOOKLINE,
        "uncalled = self._threads.drop() + self._skipped",
        "uncalled = self._length + self._skipped",
        tests=LINE,
    ),
    Mutant(
        "worker: what waits for hooks grows without bound",
        "B30",
        "jobkit/worker/claiming.py",
        "if hooks.is_full and not hooks.hang():",
        "if hooks.is_full and hooks.hang():",
        tests=LINE,
    ),
    Mutant(
        "worker: hooks that hang stop all jobs",
        "B30",
        HOOKLINE,
        "if self._monotonic() < self._last_sign + HANG:",
        "if self._monotonic() > 0:",
        tests=LINE,
    ),
    Mutant(
        "worker: hooks that return again are not called",
        "B30",
        HOOKLINE,
        "self._hangs, self._skipped = False, 0",
        "self._skipped = 0",
        tests=LINE,
    ),
    Mutant(
        "worker: nobody is told that there is room for hooks again",
        "B13",
        HOOKLINE,
        "        self._on_few()\n",
        "",
        tests=LINE,
    ),
)
