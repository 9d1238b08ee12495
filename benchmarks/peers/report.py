"""What a run has found: kept as JSON, shown as Markdown, drawn as plots."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.peers.environments import KEPT, python_with
from benchmarks.peers.processes import SCRIPTS
from benchmarks.peers.summary import Values
from benchmarks.peers.systems import SYSTEMS
from benchmarks.peers.table import markdown

PLOTTING = ("matplotlib==3.10.7",)


@dataclass(slots=True)
class Report:
    """Everything that was measured. `slots`: jobs/s by system and slots; `waits`: ms by system."""

    machine: str = ""
    values: Values = field(default_factory=Values)
    slots: dict[str, dict[int, float]] = field(default_factory=dict[str, dict[int, float]])
    waits: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    left_out: dict[str, str] = field(default_factory=dict[str, str])

    def note(self, system: str, figure: str, value: float) -> None:
        """Keep one value of a round."""
        self.values.setdefault(figure, {}).setdefault(system, []).append(value)
        print(f"  {system:12} {figure:40} {value:14,.2f}", flush=True)

    def note_slots(self, system: str, slots: int, rate: float) -> None:
        """Keep a point of the plot of throughput."""
        self.slots.setdefault(system, {})[slots] = rate
        print(f"  {system:24} {slots:4} slots {rate:14,.2f}", flush=True)

    def markdown(self) -> str:
        """Write it as tables."""
        acks = {system.name: system.ack for system in SYSTEMS}
        return f"{self.machine}\n\n{markdown(self.values, acks=acks, left_out=self.left_out)}"

    def json(self) -> str:
        """Write everything down."""
        return json.dumps(asdict(self), indent=1)

    def draw(self, folder: Path) -> None:
        """Draw the plots, in an environment of their own."""
        folder.mkdir(parents=True, exist_ok=True)
        python = python_with(KEPT / "plots", PLOTTING, (3, 11))
        figures = KEPT / "figures.json"
        figures.write_text(self.json())
        words = [str(python), str(SCRIPTS / "draw.py"), str(figures), str(folder)]
        subprocess.run(words, check=True)
