"""What is published works without the checkout that it was made from."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]


def run(*command: str | Path, cwd: Path, **environ: str) -> str:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env={**os.environ, **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,  # the assertion below shows the output
        timeout=50,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the sdist, and the wheel from that sdist, with the build tools of this environment."""
    dist = tmp_path_factory.mktemp("dist")
    run("-m", "build", "--no-isolation", "--outdir", dist, ROOT, cwd=dist)
    assert len(list(dist.glob("jobkit_sdk-*.tar.gz"))) == 1
    (wheel,) = dist.glob("jobkit_sdk-*-py3-none-any.whl")
    return wheel


def test_the_wheel_holds_everything_that_the_packages_need(wheel: Path) -> None:
    names = set(ZipFile(wheel).namelist())

    packages = [ROOT / "jobkit", ROOT / "jobkit_testing"]
    sources = {
        path.relative_to(ROOT).as_posix()
        for package in packages
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {"jobkit/py.typed", "jobkit_testing/py.typed"} <= sources
    assert {name for name in names if ".dist-info/" not in name} == sources
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_both_packages_import_from_the_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "site"
    flags = ["--quiet", "--no-deps", "--no-index", "--no-compile", "--disable-pip-version-check"]
    run("-m", "pip", "install", *flags, "--target", target, wheel, cwd=tmp_path)

    script = "import jobkit, jobkit_testing; print(jobkit.__file__); print(jobkit_testing.__file__)"
    answer = run("-W", "error", "-c", script, cwd=tmp_path, PYTHONPATH=str(target))

    expected = [target / "jobkit/__init__.py", target / "jobkit_testing/__init__.py"]
    assert [Path(line) for line in answer.splitlines()] == expected
