"""Draw the plots: python draw.py FIGURES.json FOLDER. Runs in an environment with matplotlib."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import median

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

OWN, LIMIT = "jobkit", "bare loop"


def style(name: str) -> dict[str, object]:
    """Return how a system is drawn: ours stands out, the limit is dashed."""
    if name.startswith(OWN):
        return {"linewidth": 2.5, "color": "#c0392b" if name == OWN else "#e67e22"}
    if name == LIMIT:
        return {"linestyle": "--", "color": "black"}
    return {"linewidth": 1}


def draw_slots(slots: dict[str, dict[str, float]], path: Path) -> None:
    """Draw throughput by how many jobs are taken, or run, at once."""
    figure, axes = pyplot.subplots(figsize=(8, 5))
    for name, points in slots.items():
        pairs = sorted((int(count), rate) for count, rate in points.items())
        axes.plot(*zip(*pairs, strict=True), marker="o", label=name, **style(name))
    axes.set(xscale="log", yscale="log", xlabel="slots (bare loop: batch)", ylabel="jobs/s")
    axes.set_title("One worker process, jobs that only count")
    _finish(figure, axes, path)


def draw_waits(waits: dict[str, list[float]], path: Path) -> None:
    """Draw which part of the jobs was picked up by an idle worker within which time."""
    figure, axes = pyplot.subplots(figsize=(8, 5))
    for name, values in waits.items():
        parts = [(at + 1) / len(values) for at in range(len(values))]
        axes.plot(sorted(values), parts, label=name, **style(name))
    axes.set(xscale="log", xlabel="ms from the call to the handler's start", ylabel="part of jobs")
    axes.set_title("Pick-up by an idle worker, one job every 20 ms")
    _finish(figure, axes, path)


def draw_growth(values: dict[str, dict[str, list[float]]], path: Path) -> None:
    """Draw how fast the first 10,000 jobs go when few wait, and when many do."""
    labels = [label for label in values if label.endswith("waiting, jobs/s")]
    waiting = [label.split()[0] for label in labels]
    figure, axes = pyplot.subplots(figsize=(8, 5))
    names = [name for name in values[labels[0]] if all(name in values[each] for each in labels)]
    for name in names:
        rates = [median(values[label][name]) for label in labels]
        axes.plot(waiting, rates, marker="o", label=name, **style(name))
    axes.set(yscale="log", xlabel="jobs that wait", ylabel="jobs/s, the first 10,000")
    axes.set_title("What a backlog costs")
    _finish(figure, axes, path)


def _finish(figure: pyplot.Figure, axes: pyplot.Axes, path: Path) -> None:
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))  # beside the lines
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def main() -> None:
    """Draw what the figures have."""
    figures = json.loads(Path(sys.argv[1]).read_text())
    folder = Path(sys.argv[2])
    if figures["slots"]:
        draw_slots(figures["slots"], folder / "throughput.png")
    if figures["waits"]:
        draw_waits(figures["waits"], folder / "pick-up.png")
    if any(name.endswith("waiting, jobs/s") for name in figures["values"]):
        draw_growth(figures["values"], folder / "growth.png")


if __name__ == "__main__":
    main()
