"""The page on stores names every operation and capability, and shows what the example has."""

from __future__ import annotations

from jobkit.store import CAPABILITY_OF, CORE, Capability
from tests.docs.pages import ROOT, Page

PAGE = Page(ROOT / "docs" / "stores.md")
EXAMPLE = ROOT / "examples" / "toystore"


def rows() -> dict[str, str]:
    """Return what each operation asks for, by the page's table."""
    table = [line.strip("|").split("|") for line in PAGE.text.splitlines() if line.startswith("|")]
    return {
        name.strip(" `"): asked
        for operations, _, asked in table[2:]
        for name in operations.split(",")
    }


def test_the_table_has_every_operation_with_what_it_asks_for() -> None:
    """B57"""
    told = rows()

    assert set(told) == {kind.__name__ for kind in (*CORE, *CAPABILITY_OF)}
    assert [kind.__name__ for kind in CORE if "core" not in told[kind.__name__]] == []
    wrong = [
        k.__name__ for k, c in CAPABILITY_OF.items() if told[k.__name__].strip(" `") != c.value
    ]
    assert wrong == []
    assert [each for each in Capability if f"`{each.value}`" not in PAGE.text] == []


def test_what_the_page_shows_is_in_the_example() -> None:
    code = "\n".join(path.read_text() for path in EXAMPLE.rglob("*.py"))

    shown = PAGE.blocks("py")

    assert shown
    assert [block for block in shown if block.strip("\n") not in code] == []


def test_the_page_shows_the_whole_store_in_a_hundred_lines() -> None:
    store = (EXAMPLE / "store.py").read_text()

    assert store in PAGE.blocks("py")
    assert len(store.splitlines()) <= 100
