"""Figures of several rounds, and their table."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import TypeAlias

Figures: TypeAlias = dict[str, list[float]]


def add(figures: Figures, name: str, value: float) -> None:
    """Take down a figure of this round, and say it."""
    figures.setdefault(name, []).append(value)
    print(f"  {name}: {value:,.2f}", flush=True)


def show(figures: Figures, write: Callable[[str], object]) -> None:
    """Print the medians as a table."""
    write(f"{'figure':55} {'median':>12} {'least':>12} {'greatest':>12}")
    for name, values in figures.items():
        write(f"{name:55} {median(values):12,.2f} {min(values):12,.2f} {max(values):12,.2f}")
