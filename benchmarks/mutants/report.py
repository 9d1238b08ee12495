"""What is printed: a line for each mutant, and the figures at the end."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from benchmarks.mutants.layers import LAYERS, Finding
from benchmarks.mutants.trial import Trial


def line(trial: Trial) -> str:
    """Return a mutant and what caught it, in some lines."""
    mutant = trial.mutant
    head = f"{'caught  ' if trial.is_caught else 'SURVIVED'} {mutant.promise:4} {mutant.name}"
    rows = [f"           {finding.layer:13}{_said(finding)}" for finding in trial.findings]
    if trial.trouble:
        rows.append(f"           TROUBLE: {trial.trouble}")
    return "\n".join([head, *rows])


def _said(finding: Finding) -> str:
    said = finding.by.rpartition("::")[2] if finding.caught else "-"
    if finding.shrunk is not None:
        said = f"{said} after {finding.steps:,} steps; {finding.shrunk} are enough"
    return f"{said}  ({finding.seconds:.1f} s)"


def as_json(trial: Trial) -> dict[str, Any]:
    """Return the same for a program."""
    found: dict[str, Any] = {
        finding.layer: {
            "by": finding.by,
            "steps": finding.steps,
            "shrunk": finding.shrunk,
            "seconds": round(finding.seconds, 1),
        }
        for finding in trial.findings
    }
    mutant = trial.mutant
    return {
        "name": mutant.name,
        "promise": mutant.promise,
        "path": mutant.path,
        "caught": trial.is_caught,
        "trouble": trial.trouble,
        **found,
    }


def summary(trials: Sequence[Trial]) -> str:
    """Return the figures: how many were planted, and which layer caught how many."""
    rows = [f"{len(trials)} mutants planted"]
    for layer in LAYERS:
        found = [finding for trial in trials if (finding := trial.finding(layer))]
        caught = sum(finding.caught for finding in found)
        if found:
            rows.append(f"{caught:4} of {len(found):3} caught by {layer}")
    stores = [(t.finding("conformance"), t.finding("differential")) for t in trials]
    both = [(a.caught, b.caught) for a, b in stores if a is not None and b is not None]
    if both:
        rows.append(f"{sum(a and b for a, b in both):4} by conformance and differential both")
        rows.append(f"{sum(a and not b for a, b in both):4} by conformance alone")
        rows.append(f"{sum(b and not a for a, b in both):4} by differential alone")
    shrunk = [b.shrunk for _, b in stores if b is not None and b.shrunk is not None]
    if shrunk:
        rows.append(f"{median(shrunk):4g} steps show a difference, in the median")
    survivors = [trial.mutant for trial in trials if not trial.is_caught]
    rows.append(f"{len(survivors):4} by nobody")
    rows += [f"       {mutant.promise:4} {mutant.name}" for mutant in survivors]
    return "\n".join(rows)
