"""What the runner of `make peers` makes of its values; the measuring itself is not run here."""

from __future__ import annotations

import ast
import runpy
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from benchmarks.peers.figures import BY_NAME
from benchmarks.peers.hits import FORM, Hits, read_waits
from benchmarks.peers.measuring import SHAPES
from benchmarks.peers.processes import SCRIPTS, Work
from benchmarks.peers.report import Report
from benchmarks.peers.summary import Spread, best_peer, percentile, ratio
from benchmarks.peers.systems import SYSTEMS
from benchmarks.peers.table import LIMIT, OWN, markdown

DRAIN = "drain, sync, 1 process, jobs/s"
WAIT = "pick-up p50, ms"


def test_a_spread_is_the_median_with_its_range() -> None:
    assert Spread.of([5.0, 1.0, 3.0, 4.0]) == Spread(3.5, 1.0, 5.0, 4)


def test_a_ratio_compares_what_ran_in_the_same_round() -> None:
    """A machine that was slow in one round was so for both."""
    assert ratio([100.0, 10.0, 90.0], [50.0, 5.0, 30.0]) == 2.0


def test_a_ratio_leaves_out_rounds_that_one_of_them_lacks() -> None:
    assert ratio([100.0, 90.0, 80.0], [50.0]) == 2.0
    assert ratio([100.0], []) is None
    assert ratio([100.0], [0.0]) is None


def test_the_best_peer_is_neither_ours_nor_the_limit() -> None:
    values = {OWN: [9.0], LIMIT: [99.0], "one": [3.0, 4.0, 5.0], "two": [1.0, 9.0, 1.0]}

    assert best_peer(values, own=OWN, limit=LIMIT, more_is_better=True) == "one"
    assert best_peer(values, own=OWN, limit=LIMIT, more_is_better=False) == "two"
    assert best_peer({OWN: [1.0]}, own=OWN, limit=LIMIT, more_is_better=True) is None


def test_a_percentile_of_few_values_is_one_of_them() -> None:
    assert percentile([7.0], 0.99) == 7.0


def test_a_table_has_the_best_first_and_says_what_is_left_out() -> None:
    values = {
        DRAIN: {OWN: [200.0, 300.0, 100.0], "one": [100.0, 100.0, 100.0]},
        WAIT: {OWN: [0.5], "one": [0.25]},
    }

    text = markdown(values, acks={"one": "at most once"}, left_out={"two": "no Python for it"})

    rows = [line for line in text.splitlines() if line.startswith(("| jobkit", "| one"))]
    assert rows == [
        "| jobkit | 200 | 100 - 300 | 3 |  |  |",
        "| one | 100 | 100 - 100 | 3 | 2.00 x | at most once |",
        "| one | 0.25 | 0.25 - 0.25 | 1 | 2.00 x | at most once |",
        "| jobkit | 0.50 | 0.50 - 0.50 | 1 |  |  |",
    ]
    assert "Best of the others: one; jobkit is 2.00 x of it." in text
    assert text.endswith("Left out: two (no Python for it)\n")


def test_a_glance_sets_ours_beside_the_best_and_the_limit() -> None:
    values = {
        DRAIN: {OWN: [200.0], "one": [50.0], "two": [100.0], LIMIT: [800.0]},
        WAIT: {OWN: [0.5], "one": [0.25]},
    }

    text = markdown(values, acks={}, left_out={})

    assert text.splitlines()[2:4] == [
        f"| {DRAIN} | 200 | two: 100 | 2.00 x | 800 |",
        f"| {WAIT} | 0.50 | one: 0.25 | 2.00 x |  |",
    ]


def test_the_hits_of_several_processes_are_added_up(tmp_path: Path) -> None:
    (tmp_path / "11").write_bytes(FORM.pack(3, 10.0, 12.0))
    (tmp_path / "12").write_bytes(FORM.pack(2, 11.0, 14.0))
    (tmp_path / "13").write_bytes(FORM.pack(0, 0.0, 0.0))  # has run nothing yet
    (tmp_path / "14").write_bytes(b"")  # has just been made
    (tmp_path / "waits").write_text("3000000\n1000000\n")

    hits = Hits.read(tmp_path)

    assert hits == Hits(5, 10.0, 14.0)
    assert hits.rate == 1.0
    assert read_waits(tmp_path) == [1.0, 3.0]


def test_what_the_scripts_write_is_what_the_runner_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HITS", str(tmp_path))
    script = runpy.run_path(str(SCRIPTS / "hits.py"))

    for _ in range(3):
        script["hit"]()
    script["waited"](0)

    assert Hits.read(tmp_path).count == 4
    assert len(read_waits(tmp_path)) == 1


def test_the_rate_of_sleepers_counts_the_time_before_the_first_end() -> None:
    """Two waves of 10 that sleep for a second each take two seconds: 10 a second."""
    assert Hits(20, 101.0, 102.0).rate_of_sleepers(1.0) == 10.0


def test_a_shape_is_the_same_at_both_ends() -> None:
    tree = ast.parse((SCRIPTS / "side.py").read_text())
    shape = next(
        node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Shape"
    )
    named = [ast.unparse(each.target) for each in shape.body if isinstance(each, ast.AnnAssign)]

    assert named == ["url", *(field.name for field in fields(Work))]


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
def test_each_system_has_a_script_and_pinned_versions(system: Any) -> None:
    assert (SCRIPTS / f"{system.script}.py").exists()
    assert all("==" in package for package in system.packages)
    assert system.verbs
    assert set(system.scales) <= set(system.kinds)


def test_a_report_keeps_each_round(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report("a machine")
    for value in (1.0, 2.0):
        report.note(OWN, DRAIN, value)
    report.note_slots(OWN, 16, 3.0)

    assert report.values == {DRAIN: {OWN: [1.0, 2.0]}}
    assert report.slots == {OWN: {16: 3.0}}
    assert report.markdown().startswith("a machine\n\n| figure |")
    assert DRAIN in capsys.readouterr().out
    assert DRAIN in BY_NAME
    assert {shape.name for shape in SHAPES} <= set(BY_NAME)
