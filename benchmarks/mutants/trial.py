"""One mutant in a copy of the sources, and what each layer says of it."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.mutants.layers import (
    PYTEST,
    SUITE,
    BrokenTrial,
    Finding,
    Layer,
    layers_of,
    look,
    run_tests,
    side_by_side,
)
from benchmarks.mutants.mutant import Mutant, StaleMutant
from benchmarks.mutants.running import copy_sources, run_python

FEW = 10


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of one mutant; `trouble`: it could not be tried."""

    mutant: Mutant
    findings: tuple[Finding, ...]
    trouble: str = ""

    @property
    def is_caught(self) -> bool:
        """Whether some layer has noticed."""
        return any(finding.caught for finding in self.findings)

    def finding(self, layer: Layer) -> Finding | None:
        """Return what a layer said; None: it was not asked."""
        return next((found for found in self.findings if found.layer == layer), None)


@contextmanager
def clean_copy() -> Generator[Path]:
    """Give a copy without a bug, of which the others are made."""
    with tempfile.TemporaryDirectory(prefix="jobkit-mutants-") as directory:
        clean = Path(directory)
        copy_sources(clean)
        yield clean


def try_mutant(mutant: Mutant, layers: Sequence[Layer], clean: Path, *, steps: int) -> Trial:
    """Plant a bug in a copy, and let all layers look at it that are asked for and apply."""
    with tempfile.TemporaryDirectory(prefix="jobkit-mutant-") as directory:
        at = Path(directory)
        copy_sources(at, source=clean)
        findings: list[Finding] = []
        try:
            mutant.plant(at)
            for layer in layers_of(mutant, layers):
                findings.append(look(layer, mutant, at, steps=steps))  # noqa: PERF401  # some are kept if one breaks
        except (BrokenTrial, StaleMutant) as trouble:
            return Trial(mutant, tuple(findings), str(trouble))
        return Trial(mutant, tuple(findings))


def try_all(
    mutants: Sequence[Mutant], layers: Sequence[Layer], clean: Path, *, jobs: int, steps: int
) -> Iterator[Trial]:
    """Try mutants, several at a time; yield them in their order."""
    if len(mutants) > FEW:  # it pays to compile once what will be run often
        collect = (*PYTEST, "--collect-only", SUITE)
        run_python(collect, at=clean, variables={}, timeout=60, output=clean / "output.txt")
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(partial(try_mutant, layers=layers, clean=clean, steps=steps), mutants)


def false_alarms(trials: Sequence[Trial], clean: Path, *, steps: int) -> list[str]:
    """Run what caught something on the sources without a bug; return what fails there too."""
    found: list[str] = []
    for store in ("memory", "redis"):
        findings = [trial.finding("conformance") for trial in trials if trial.mutant.store == store]
        found += _failing(findings, clean, store=store)
    if any(finding.caught for trial in trials if (finding := trial.finding("differential"))):
        same = side_by_side(clean, steps)
        found += [f"the comparison of both stores: {same.by}"] if same.caught else []
    return found + _failing([trial.finding("tests") for trial in trials], clean)


def _failing(
    findings: Iterable[Finding | None], clean: Path, *, store: str | None = None
) -> list[str]:
    caught = [finding for finding in findings if finding is not None and finding.caught]
    if not caught:
        return []
    themes = " ".join(finding.themes for finding in caught)
    if not all(finding.themes for finding in caught):
        themes = ""
    failed = run_tests(
        [*{finding.by: None for finding in caught}], clean, store=store, themes=themes
    )
    return [f"{failed} ({store or 'unmutated'})"] if failed else []
