"""A planted bug as a value."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

STORES = ("memory", "redis")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One bug: in the file `path`, `old`, which stands there once, becomes `new`.

    The name begins with the place: "redis: ", "memory: ", or what is above the stores.
    `promise`: the behaviour that it breaks (B23). `themes`: the modules of the conformance suite
    that should meet it, run first. `tests`: files of tests that should meet a bug that stores
    cannot show, because it hits all of them alike.
    """

    name: str
    promise: str
    path: str
    old: str
    new: str
    themes: str = ""
    tests: tuple[str, ...] = ()

    @property
    def store(self) -> str | None:
        """The store that has it, "memory" or "redis"; None: it is above the stores."""
        where = self.name.partition(":")[0]
        return where if where in STORES else None

    def plant(self, root: Path) -> None:
        """Write the bug into a copy of the sources."""
        file = root / self.path
        text = file.read_text()
        found = text.count(self.old)
        if found != 1:
            raise StaleMutant(f"{self.name}: {found} times in {self.path}:\n{self.old}")
        file.write_text(text.replace(self.old, self.new))


class StaleMutant(Exception):
    """The code has changed, so a bug can no longer be planted: write it anew."""
