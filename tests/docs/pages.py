"""Pages of Markdown as tests see them: fenced blocks, and the project that these make up."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
TIMEOUT = 50  # seconds; each takes one or two

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# ((?:app|tests)/\w+\.py)\n")
_LINK = re.compile(r"\]\(([^)]+)\)")


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its fenced blocks by language, its links, its text."""

    path: Path

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def languages(self) -> set[str]:
        return {match[1] for match in _BLOCK.finditer(self.text)}

    @property
    def links(self) -> list[str]:
        """What the page leads to inside of the project."""
        found = _LINK.findall(_BLOCK.sub("", self.text))
        return [link.partition("#")[0] for link in found if "://" not in link and link[0] != "#"]

    @property
    def tests(self) -> int:
        """How many tests the page shows."""
        shown = "".join(self.blocks("python"))
        return len(re.findall(r"^(?:async )?def test_", shown, re.MULTILINE))

    def blocks(self, language: str) -> list[str]:
        return [match[2] for match in _BLOCK.finditer(self.text) if match[1] == language]

    def commands(self) -> list[list[str]]:
        """Return the words of each shell command, without comments."""
        lines = (line for text in self.blocks("shell") for line in text.splitlines())
        return [words for line in lines if (words := shlex.split(line, comments=True))]

    def write_files(self, folder: Path) -> None:
        """Write the files of the page's Python blocks: each begins with its file's name."""
        for text in self.blocks("python"):
            named = _FILE.match(text)
            assert named is not None, f"this block does not begin with the name of a file:\n{text}"
            path = folder / named[1]
            path.parent.mkdir(exist_ok=True)
            with path.open("a", encoding="utf-8") as file:
                file.write(text)
        (folder / "app").mkdir(exist_ok=True)
        (folder / "app" / "__init__.py").touch()


def run(
    folder: Path, *words: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a Python module in a folder."""
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=TIMEOUT,
        check=False,
    )
