"""The table: Markdown, one row for each system, and the ratios to the best of the others; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.peers.figures import FIGURES, Figure
from benchmarks.peers.summary import Spread, Values, best_peer, ratio

OWN, LIMIT = "jobkit", "bare loop"


def markdown(values: Values, *, acks: Mapping[str, str], left_out: Mapping[str, str]) -> str:
    """Write all figures that were measured, a table for each, and what could not be."""
    parts = [_glance(values)]
    parts += [
        _of_figure(figure, values[figure.name], acks)
        for figure in FIGURES
        if values.get(figure.name)
    ]
    if left_out:
        parts.append("Left out: " + "; ".join(f"{name} ({why})" for name, why in left_out.items()))
    return "\n\n".join(parts) + "\n"


def _glance(values: Values) -> str:
    """Write one table of ours, the best of the others and the limit, each as a median."""
    lines = [
        f"| figure | {OWN} | the best of the others | {OWN} is | {LIMIT} |",
        "|---|---:|---|---:|---:|",
    ]
    for figure in FIGURES:
        found = {name: each for name, each in values.get(figure.name, {}).items() if each}
        if OWN not in found:
            continue
        best = best_peer(found, own=OWN, limit=LIMIT, more_is_better=figure.more_is_better)
        shown = {
            name: number(Spread.of(each).median, figure.digits) for name, each in found.items()
        }
        peer = "" if best is None else f"{best}: {shown[best]}"
        times = "" if best is None else _times(found, best)
        lines.append(
            f"| {figure.name} | {shown[OWN]} | {peer} | {times} | {shown.get(LIMIT, '')} |"
        )
    return "\n".join(lines)


def _of_figure(
    figure: Figure, values: Mapping[str, Sequence[float]], acks: Mapping[str, str]
) -> str:
    spreads = {name: Spread.of(each) for name, each in values.items() if each}
    order = sorted(spreads, key=lambda name: spreads[name].median, reverse=figure.more_is_better)
    lines = [
        f"### {figure.name}",
        "",
        "| system | median | range | rounds | jobkit is | delivery |",
        "|---|---:|---:|---:|---:|---|",
    ]
    lines += (_row(figure, name, spreads[name], values, acks) for name in order)
    best = best_peer(values, own=OWN, limit=LIMIT, more_is_better=figure.more_is_better)
    if best is not None and OWN in spreads and (times := _times(values, best)):
        lines += ["", f"Best of the others: {best}; jobkit is {times} of it."]
    return "\n".join(lines)


def _row(
    figure: Figure,
    name: str,
    spread: Spread,
    values: Mapping[str, Sequence[float]],
    acks: Mapping[str, str],
) -> str:
    middle = number(spread.median, figure.digits)
    reach = f"{number(spread.least, figure.digits)} - {number(spread.greatest, figure.digits)}"
    times = _times(values, name) if name != OWN and values.get(OWN) else ""
    return f"| {name} | {middle} | {reach} | {spread.rounds} | {times} | {acks.get(name, '')} |"


def _times(values: Mapping[str, Sequence[float]], name: str) -> str:
    times = ratio(values[OWN], values[name])
    return "" if times is None else f"{times:.2f} x"


def number(value: float, digits: int) -> str:
    """Write a number with separators.

    >>> number(1234567.89, 0), number(0.654, 2)
    ('1,234,568', '0.65')
    """
    return f"{value:,.{digits}f}"
