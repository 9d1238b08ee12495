"""What the demo shows: progress while it runs, and a table at its end."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Self

from rich import box
from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table

from examples.signup.signup import SignedUp
from examples.signup.summary import Summary

PLAIN_STEP = 0.25  # of all jobs: so often progress is a line where there is no terminal


class Display:
    """Bars on a terminal, now and then a line elsewhere; a context manager while jobs run."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._told = 0.0

    def __enter__(self) -> Self:
        # jobkit logs each death: above the bars, not through them.
        shown = RichHandler(console=self._console, show_path=False, show_time=False)
        logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[shown])
        if self._console.is_terminal:
            self._bars = Progress(
                TextColumn("{task.description:<18}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[notes]}"),
                console=self._console,
            )
            self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def update(self, now: Sequence[Summary]) -> None:
        """Show how far the jobs of each type are."""
        if self._bars is not None:
            self._update_bars(self._bars, now)
            return
        ended, enqueued = sum(each.ended for each in now), sum(each.enqueued for each in now)
        if enqueued and ended / enqueued >= self._told + PLAIN_STEP:
            self._told = ended / enqueued
            self._console.print(
                ", ".join(f"{each.type} {each.ended}/{each.enqueued}" for each in now)
            )

    def _update_bars(self, bars: Progress, now: Sequence[Summary]) -> None:
        for each in now:
            if each.type not in self._tasks:
                self._tasks[each.type] = bars.add_task(each.type, notes="")
            bars.update(
                self._tasks[each.type],
                completed=each.ended,
                total=each.enqueued,
                notes=f"{each.retried} retried, {each.dead} dead",
            )


def show_sign_up(console: Console, signed_up: SignedUp) -> None:
    """Say what was read, and what was not and why."""
    console.print(
        f"{signed_up.subscribers} subscribers signed up, {len(signed_up.jobs)} jobs enqueued; "
        f"{len(signed_up.rejected)} lines rejected"
    )
    for each in signed_up.rejected:
        console.print(f"  line {each.line}: {each.reason}", markup=False, highlight=False)


def show_table(console: Console, of_types: Iterable[Summary], all_types: Summary) -> None:
    """Show what became of the jobs."""
    table = Table(box=box.SIMPLE_HEAD, show_footer=True, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("job type", footer="total", no_wrap=True)
    for title, number in (
        ("enqueued", all_types.enqueued),
        ("done", all_types.done),
        ("retried", all_types.retried),
        ("dead", all_types.dead),
        ("jobs/s", _rate(all_types)),
    ):
        table.add_column(title, footer=str(number), justify="right")
    table.add_column("died of")
    for each in of_types:
        reasons = ", ".join(f"{reason} ({count})" for reason, count in each.reasons.items())
        numbers = (each.enqueued, each.done, each.retried, each.dead, _rate(each))
        table.add_row(each.type, *map(str, numbers), reasons)
    console.print(table)


def _rate(summary: Summary) -> str:
    return "-" if summary.per_second is None else f"{summary.per_second:,.0f}"
