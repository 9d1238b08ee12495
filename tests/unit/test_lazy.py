"""Names that are loaded when they are first used, beside those that type checkers see."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest

PACKAGES = ["jobkit", "jobkit.memory", "jobkit.worker", "jobkit_testing"]


def declared(package: str) -> set[str]:
    """Return the names that the package imports for type checkers."""
    path = import_module(package).__file__
    assert path is not None
    block = next(
        node for node in ast.parse(Path(path).read_text()).body if isinstance(node, ast.If)
    )
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.name for node in imports for alias in node.names}


@pytest.mark.parametrize("package", PACKAGES)
def test_what_type_checkers_see_is_what_is_there(package: str) -> None:
    """B57"""
    module = import_module(package)

    assert declared(package) == set(module.__all__)
    assert set(module.__all__) <= set(dir(module))
    assert all(getattr(module, name) is not None for name in module.__all__)


@pytest.mark.parametrize("package", PACKAGES)
def test_any_other_name_is_missed_by_its_own(package: str) -> None:
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'Enqueur'"):
        getattr(import_module(package), "Enqueur")  # noqa: B009
