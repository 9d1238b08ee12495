"""How a class is named that is defined in the main module."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import json
from dataclasses import dataclass
from jobkit.jobtype import job, job_type

@dataclass
class Send:
    no: int

@job(name="mail.send")
@dataclass
class Named:
    no: int

print(json.dumps([[t.name, t.durable] for t in map(job_type, [Send, Named])]))
"""


@pytest.mark.parametrize(
    ("arguments", "name", "durable"),
    [
        (["script.py"], "__main__.Send", False),
        (["-m", "package.mail"], "package.mail.Send", True),
        (["-m", "package"], "package.__main__.Send", True),
        (["package"], "__main__.Send", False),
    ],
    ids=["script", "module", "package", "directory"],
)
def test_a_class_of_the_main_module_is_durable_if_others_can_import_it(
    tmp_path: Path, arguments: list[str], name: str, durable: bool
) -> None:
    """B1."""
    (tmp_path / "package").mkdir()
    for file in ("script.py", "package/__init__.py", "package/mail.py", "package/__main__.py"):
        (tmp_path / file).write_text("" if file.endswith("__init__.py") else SCRIPT)
    root = str(Path(__file__).parents[2])

    printed = subprocess.run(
        [sys.executable, *arguments],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{root}:{tmp_path}"},
        capture_output=True,
        check=True,
        text=True,
    ).stdout

    assert json.loads(printed) == [[name, durable], ["mail.send", True]]
