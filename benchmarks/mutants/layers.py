"""The layers that could notice a bug, and what each said of one."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from benchmarks.mutants.mutant import Mutant
from benchmarks.mutants.noting import NOTES, failed_test
from benchmarks.mutants.running import run_python
from benchmarks.mutants.stores import STORE, THEMES
from tests.servers import RedisServer, find_servers

Layer: TypeAlias = Literal["conformance", "differential", "tests"]
LAYERS: tuple[Layer, ...] = get_args(Layer)

TEST_TIMEOUT = 20  # seconds for one test; a mutant makes some wait for what never comes
LAYER_TIMEOUT = 300.0  # seconds
PASSED = 0  # exit code of pytest
SUITE = "benchmarks/mutants/suite.py"
PYTEST = (
    *("-m", "pytest", "-x", "-q", "--no-header", "--tb=short", f"--timeout={TEST_TIMEOUT}"),
    *("-p", "no:randomly", "-p", "no:xdist", "-p", "no:cacheprovider"),
    *("-p", "benchmarks.mutants.noting", "--doctest-modules"),
    "--ignore=tests/unit/test_mutants.py",  # it tells of any change
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a layer said of a mutant: caught `by` this, or not ("").

    `themes`: those of the suite that it is of, if not all were run. Of two stores side by side:
    after how many `steps` they differed, and how many of those are enough (`shrunk`).
    """

    layer: Layer
    by: str
    themes: str = ""
    steps: int | None = None
    shrunk: int | None = None
    seconds: float = 0.0

    @property
    def caught(self) -> bool:
        """Whether it noticed."""
        return bool(self.by)


class BrokenTrial(Exception):
    """A layer could not be run on a mutant: that says nothing about the tests."""


def layers_of(mutant: Mutant, wanted: Sequence[Layer]) -> list[Layer]:
    """Return which of these layers a mutant goes through."""
    fits: dict[Layer, bool] = {
        "conformance": mutant.store is not None,
        "differential": mutant.store is not None,
        "tests": bool(mutant.tests),
    }
    return [layer for layer in wanted if fits.get(layer)]


def look(layer: Layer, mutant: Mutant, at: Path, *, steps: int) -> Finding:
    """Let a layer look at a copy in which the mutant is planted; `steps`: of two stores."""
    began = time.perf_counter()
    found = _look(layer, mutant, at, steps)
    return replace(found, seconds=time.perf_counter() - began)


def _look(layer: Layer, mutant: Mutant, at: Path, steps: int) -> Finding:
    match layer:
        case "conformance":
            return _conformance(mutant, at)
        case "differential":
            return side_by_side(at, steps)
        case "tests":
            return Finding(layer="tests", by=run_tests((mutant.path, *mutant.tests), at))


def _conformance(mutant: Mutant, at: Path) -> Finding:
    for themes in (mutant.themes, ""):
        if by := run_tests((SUITE,), at, store=mutant.store, themes=themes):
            return Finding(layer="conformance", by=by, themes=themes)
    return Finding(layer="conformance", by="")


def side_by_side(at: Path, steps: int) -> Finding:
    """Let both stores of a copy do the same steps, so many."""
    output = at / "output.txt"
    with RedisServer(find_servers()[-1]) as server:
        words = ("-m", "benchmarks.mutants.comparing", server.url, str(steps))
        code = run_python(words, at=at, variables={}, timeout=LAYER_TIMEOUT, output=output)
    said = output.read_text(errors="replace")
    if code is None:
        return Finding(layer="differential", by="hangs")
    if code != 0:
        raise BrokenTrial(f"benchmarks.mutants.comparing ended with {code}:\n{said[-2000:]}")
    return Finding(layer="differential", **json.loads(said.splitlines()[-1]))


def run_tests(what: Sequence[str], at: Path, *, store: str | None = None, themes: str = "") -> str:
    """Run tests in a copy; return the first that fails or hangs, "" if none does."""
    notes, output = at / "notes.txt", at / "output.txt"
    notes.write_text("")
    with ExitStack() as stack:
        url = store or ""
        if store == "redis":
            url = stack.enter_context(RedisServer(find_servers()[-1])).url
        code = run_python(
            (*PYTEST, *what),
            at=at,
            variables={STORE: url, THEMES: themes, NOTES: str(notes)},
            timeout=LAYER_TIMEOUT,
            output=output,
        )
    if code == PASSED:
        return ""
    failed = failed_test(notes.read_text(), hangs=code is None)
    if failed is None:
        said = output.read_text(errors="replace")[-2000:]
        raise BrokenTrial(f"pytest ended with {code}:\n{said}")
    return failed
