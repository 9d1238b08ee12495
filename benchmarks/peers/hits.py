"""What handlers wrote down: how many jobs they ran, and from when to when."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from struct import Struct

FORM = Struct("qdd")  # as in scripts/hits.py


@dataclass(frozen=True, slots=True)
class Hits:
    """Of all processes together; instants of the monotonic clock."""

    count: int
    first: float
    last: float

    @classmethod
    def read(cls, folder: Path) -> Hits:
        """Read the files of a run."""
        read = [path.read_bytes() for path in folder.iterdir() if path.name.isdecimal()]
        # A file may be looked at before its first bytes are there.
        found = [FORM.unpack(each) for each in read if len(each) == FORM.size]
        counted = [each for each in found if each[0]]
        return cls(
            count=sum(each[0] for each in counted),
            first=min((each[1] for each in counted), default=0.0),
            last=max((each[2] for each in counted), default=0.0),
        )

    @property
    def rate(self) -> float:
        """Jobs a second from the first job to the last: what comes before is start-up."""
        return (self.count - 1) / (self.last - self.first) if self.count > 1 else 0.0

    def rate_until(self, later: Hits) -> float:
        """Jobs a second between two looks at the same run."""
        return (later.count - self.count) / (later.last - self.last)

    def rate_of_sleepers(self, seconds: float) -> float:
        """Jobs a second of handlers that wrote down their end: the first began that long before."""
        return self.count / (self.last - self.first + seconds)


def read_waits(folder: Path) -> list[float]:
    """Return, in milliseconds and sorted, for how long each job waited."""
    path = folder / "waits"
    lines = path.read_text().split() if path.exists() else []
    return sorted(int(line) / 1e6 for line in lines)
