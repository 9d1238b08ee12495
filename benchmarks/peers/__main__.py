"""Measure jobkit beside other systems, in turn, on a Redis of its own: `make peers`.

python -m benchmarks.peers [--jobs 100000] [--rounds 3] [--only jobkit,mayu] [--grow 1000000]
                           [--json FILE] [--markdown FILE] [--plots FOLDER]

Each round measures all systems one after the other; figures are medians of the rounds, and ratios
are taken round by round. A system that cannot be installed is left out by name, and so is one that
does not run exactly the jobs it was given. `--grow 0` and no `--plots` leave out the long ones.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
from functools import partial
from pathlib import Path
from typing import NoReturn

from benchmarks.peers.environments import CannotInstall, python_of
from benchmarks.peers.measuring import Bench, WrongCount, a_folder
from benchmarks.peers.report import Report
from benchmarks.peers.systems import SYSTEMS, System
from benchmarks.peers.table import OWN
from tests.servers import RedisServer, find_servers


def installed(names: list[str] | None, report: Report) -> list[System]:
    """Make the environments, and return the systems that can be measured."""
    found: list[System] = []
    for system in SYSTEMS:
        if names and system.name not in names:
            continue
        try:
            python_of(system)
            found.append(system)
        except CannotInstall as error:
            leave_out(report, system, str(error))
    return found


def leave_out(report: Report, system: System, why: str) -> None:
    """Say that a system is not measured, and why."""
    report.left_out[system.name] = why.strip().splitlines()[-1]
    print(f"{system.name} is left out: {why}")


def one_round(benches: list[Bench], report: Report, *, jobs: int, grow: int) -> None:
    """Measure all systems once; who fails takes no part in what follows."""
    for bench in list(benches):
        note = partial(report.note, bench.system.name)
        try:
            bench.measure(jobs, note)
            if grow:
                bench.grow(grow, note)
            if bench.system.name == OWN:
                bench.own_shapes(jobs, note)
        except (WrongCount, RuntimeError) as error:
            benches.remove(bench)
            leave_out(report, bench.system, str(error))


def end(number: int, _: object) -> NoReturn:
    """End in order when told to: workers are sessions of their own, and would stay."""
    sys.exit(128 + number)


def main() -> None:
    """Run the rounds, print the tables, and write what was asked for."""
    options = parse()
    signal.signal(signal.SIGTERM, end)
    binary = find_servers()[-1]
    report = Report(
        f"{binary.label}, Python {platform.python_version()}, {os.cpu_count()} processors, "
        f"{options.jobs:,} jobs, {options.rounds} rounds"
    )
    systems = installed(options.only, report)
    with RedisServer(binary) as server, a_folder() as folder:
        benches = [Bench(system, server, folder) for system in systems]
        for number in range(options.rounds):
            print(f"round {number + 1}")
            one_round(benches, report, jobs=options.jobs, grow=options.grow)
            report.waits = {bench.system.name: bench.waits for bench in benches if bench.waits}
            write(report, options)  # whoever ends a run of an hour keeps the rounds it had
        if options.plots is not None:
            for bench in benches:
                bench.by_slots(options.jobs, report.note_slots)
            write(report, options)
            report.draw(options.plots)
    print(report.markdown())


def write(report: Report, options: argparse.Namespace) -> None:
    """Write the files that were asked for."""
    if options.json is not None:
        options.json.write_text(report.json())
    if options.markdown is not None:
        options.markdown.write_text(report.markdown())


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Measure jobkit beside other systems.")
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", type=lambda text: text.split(","), help="names, by commas")
    parser.add_argument("--grow", type=int, default=1_000_000, help="how many wait; 0: leave out")
    parser.add_argument("--json", type=Path, help="write all values to this file")
    parser.add_argument("--markdown", type=Path, help="write the tables to this file")
    parser.add_argument("--plots", type=Path, help="draw plots into this folder")
    return parser.parse_args()


if __name__ == "__main__":
    main()
