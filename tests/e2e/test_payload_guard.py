"""--jobkit-payloads: what is recorded, and what fails a run, in pytest runs of their own."""

from __future__ import annotations

import gc
import json
from pathlib import Path

import pytest

from jobkit.memory.store import MemoryStore
from jobkit_testing import guard
from jobkit_testing.payload_files import BadFile, Recorded, read_files, write_file
from jobkit_testing.recording import recorded
from tests.inner_runs import Run

LOADED = guard  # each inner run forgets what it has imported
pytest_plugins = ["pytester"]

CHECK = "--jobkit-payloads=payloads"
UPDATE = "--jobkit-payloads-update"
JOBS = """
from dataclasses import dataclass, field
import jobkit

@dataclass(frozen=True)
class Welcome:
    user_id: int
    password: str = field(default="x", metadata={"sensitive": True})
    nick: str | None = None
"""
TESTS = """
from jobkit_testing import TestingJobs
from shop import *

def test_it(jobs, request):
    jobs.enqueue(SendMail(1))  # a type that this module of tests has made up
    jobs.enqueue_many([Welcome(n, "hunter2") for n in range(10, 20)])
    TestingJobs().enqueue(Welcome(8, nick="ann"))

    @jobs.register
    def send(job: SendMail, ctx):
        ctx.enqueue(Welcome(7))
    jobs.drain(only=SendMail)
"""


RECORDED = """{
  "type": "shop.Welcome",
  "class": "shop:Welcome",
  "payloads": [
    {"nick":null,"password":"***","user_id":7},
    {"nick":"ann","password":"***","user_id":8}
  ]
}
"""


@pytest.fixture
def shop(pytester: pytest.Pytester) -> Path:
    """Give the module of an application, whose payloads have been recorded."""
    gc.collect()  # the classes of the run before
    _file(pytester).parent.mkdir()
    _file(pytester).write_text(RECORDED)
    return pytester.makepyfile(shop=JOBS)


def _file(pytester: pytest.Pytester, name: str = "shop.Welcome") -> Path:
    return pytester.path / "payloads" / f"{name}.json"


def test_one_payload_is_recorded_of_each_shape_without_secrets(
    run: Run, pytester: pytest.Pytester
) -> None:
    """The smallest of each: so the order of tests makes no difference. Children are seen too."""
    pytester.makepyfile(shop=JOBS)

    run(TESTS, CHECK, UPDATE).assert_outcomes(passed=1)

    assert [path.name for path in _file(pytester).parent.iterdir()] == ["shop.Welcome.json"]
    assert _file(pytester).read_text() == RECORDED


def test_a_module_with_doctests_is_no_module_of_tests(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(shop=f'"""\n>>> 1\n1\n"""\n{JOBS}')

    run(TESTS, CHECK, UPDATE, "--doctest-modules").assert_outcomes(passed=2)

    assert _file(pytester).exists()


def test_what_decodes_passes_and_recording_again_changes_nothing(
    shop: Path, run: Run, pytester: pytest.Pytester
) -> None:
    before = _file(pytester).read_bytes()
    later = TESTS.replace("range(10, 20)", "range(3, 5)")

    checked, recorded = run(later, CHECK), run(later, CHECK, UPDATE)

    checked.stdout.fnmatch_lines(["jobkit payloads: 1 of 1 types checked"])
    recorded.stdout.fnmatch_lines(["jobkit payloads: 0 files written in *payloads, 0 removed"])
    assert _file(pytester).read_bytes() == before


def test_a_new_field_without_a_default_fails_the_run(shop: Path, run: Run) -> None:
    """B3: naming type, file, payload and field, and what to do."""
    shop.write_text(JOBS.replace("user_id: int", "user_id: int\n    locale: str"))
    tests = TESTS.replace("Welcome(n,", "Welcome(n, 'en',").replace("Welcome(8", "Welcome(8, 'en'")

    result = run(tests.replace("Welcome(7", "Welcome(7, 'en'"), CHECK)

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "*= jobkit payloads =*",
            "shop.Welcome does not decode what payloads/shop.Welcome.json has of it",
            "*: Object missing required field `locale` at $",
            '    in {"nick":null,"password":"?*?","user_id":7}, and 1 more',
            "*Give a new field a",
            "default; keep name and type of an old one. *: --jobkit-payloads-update",
        ]
    )


def test_a_field_that_is_gone_or_renamed_fails_the_run(
    shop: Path, run: Run, pytester: pytest.Pytester
) -> None:
    """It decodes, and the value is lost: unknown fields are ignored. An update accepts that."""
    lines = "@dataclass(frozen=True)\nclass Line:\n    sku: str = ''\n\n"
    field = "    lines: list[Line] = field(default_factory=list)\n"
    jobs = JOBS.replace("@dataclass", f"{lines}@dataclass", 1)
    shop.write_text(f"{jobs.replace('nick:', 'alias:')}{field}")
    old = b'{"lines":[{"sku":"a","price":1}],"nick":"bob","user_id":9}'
    before = _file(pytester).read_text()
    _file(pytester).write_text(before.replace("\n  ]", f",\n    {old.decode()}\n  ]"))
    tests = TESTS.replace("nick=", "alias=")

    checked = run(tests, CHECK)
    run(tests, CHECK, UPDATE)

    assert checked.ret == pytest.ExitCode.TESTS_FAILED
    checked.stdout.fnmatch_lines(
        [
            "shop.Welcome drops part of what payloads/shop.Welcome.json has of it",
            "  $.nick: shop.Welcome has no such field",
            '    in {"nick":null,"password":"?*?","user_id":7}, and 2 more',
            "  $.lines[[][]].price: shop.Line has no such field",
            f"    in {old.decode().replace('[', '[[]')}",
            "*Keep the old one. *",
            "*: --jobkit-payloads-update",
        ]
    )
    after = json.loads(_file(pytester).read_text())["payloads"]
    assert [sorted(each) for each in after] == [["alias", "lines", "password", "user_id"]] * 2


def test_an_update_forgets_what_no_longer_decodes(
    shop: Path, run: Run, pytester: pytest.Pytester
) -> None:
    shop.write_text(JOBS.replace("user_id: int", "user_id: str"))

    run(TESTS.replace("Welcome(n", "Welcome('n'").replace("(8", "('8'").replace("(7", "('7'"),
        CHECK, UPDATE)  # fmt: skip

    users = [each["user_id"] for each in json.loads(_file(pytester).read_text())["payloads"]]
    assert users == ["7", "8"]


def test_an_update_keeps_the_form_that_still_decodes(
    shop: Path, run: Run, pytester: pytest.Pytester
) -> None:
    """A job of it may still wait."""
    shop.write_text(f'{JOBS}    locale: str = "en"\n')

    run(TESTS, CHECK, UPDATE)

    payloads = json.loads(_file(pytester).read_text())["payloads"]
    assert [each.get("locale") for each in payloads] == [None, None, "en"]


def test_a_type_that_has_vanished_fails_a_whole_run_only(
    shop: Path, run: Run, pytester: pytest.Pytester
) -> None:
    gone = Recorded(type="shop.Gone", home="shop:Gone", payloads=(b'{"n":1}',))
    write_file(_file(pytester).parent, gone)

    part = run(TESTS, CHECK, "test_a_type_that_has_vanished_fails_a_whole_run_only.py")
    whole = run(TESTS, CHECK)

    assert part.ret == pytest.ExitCode.OK
    part.stdout.fnmatch_lines(["*1 of 2 types checked; not loaded in this part of the tests: 1"])
    assert whole.ret == pytest.ExitCode.TESTS_FAILED
    whole.stdout.fnmatch_lines(["shop.Gone has vanished: *payloads/shop.Gone.json*was shop:Gone"])
    run(TESTS, CHECK, UPDATE)
    assert not _file(pytester, "shop.Gone").exists()


def test_a_type_is_found_by_its_alias_and_where_no_test_has_loaded_it(
    shop: Path, run: Run, pytester: pytest.Pytester
) -> None:
    """B1: in a whole run the module of the class is imported to look for it."""
    pytester.makepyfile(
        unused="""
import jobkit
from dataclasses import dataclass

@jobkit.job(aliases=["unused.Old"])
@dataclass
class New:
    n: int
"""
    )
    old = Recorded(type="unused.Old", home="unused:Old", payloads=(b'{"n":"x"}',))
    write_file(_file(pytester).parent, old)

    result = run(TESTS, CHECK)

    result.stdout.fnmatch_lines(
        [
            "unused.Old does not decode what payloads/unused.Old.json has of it",
            "  unused.New: the payload does not decode: Expected `int`, got `str` at $.n",
        ]
    )


def test_a_module_that_does_not_load_is_named_and_fails_nothing(
    shop: Path, run: Run, pytester: pytest.Pytester
) -> None:
    """Something that it needs may not be installed here."""
    pytester.makepyfile(heavy="import no_such_package")
    heavy = Recorded(type="heavy.Job", home="heavy:Job", payloads=(b'{"n":1}',))
    write_file(_file(pytester).parent, heavy)

    checked, updated = run(TESTS, CHECK), run(TESTS, CHECK, UPDATE)

    assert checked.ret == pytest.ExitCode.OK
    checked.stdout.fnmatch_lines(
        ["*heavy.Job not checked, its module does not load: heavy: ModuleNotFoundError: *"]
    )
    updated.stdout.fnmatch_lines(["*0 files written in *, 0 removed"])


def test_what_is_not_recorded_yet_is_named(shop: Path, run: Run) -> None:
    shop.write_text(f"{JOBS}\n@jobkit.job(name='shop.more')\n@dataclass\nclass More:\n    n: int\n")

    result = run(f"{TESTS}    jobs.enqueue(More(1))\n", CHECK)

    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["jobkit payloads: not recorded yet (*-update does it): shop.more"])


def test_a_secret_that_cannot_be_stood_in_for_keeps_its_type_out(
    run: Run, pytester: pytest.Pytester
) -> None:
    check = "    def __post_init__(self):\n        assert self.password != '***'\n"
    pytester.makepyfile(shop=f"{JOBS}\n{check}")

    result = run(TESTS, CHECK, UPDATE)

    result.stdout.fnmatch_lines(["*shop.Welcome: not recorded without its secrets: *"])
    assert not _file(pytester).exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((UPDATE,), "--jobkit-payloads-update: where? Give --jobkit-payloads=DIR"),
        ((CHECK,), "--jobkit-payloads=payloads: there is no such directory in *"),
    ],
)
def test_options_that_lead_nowhere_are_usage_errors(
    run: Run, options: tuple[str, ...], message: str
) -> None:
    """B57"""
    result = run("def test_it(jobs): ...", *options)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {message}"])


def test_a_broken_file_fails_the_run(shop: Path, run: Run, pytester: pytest.Pytester) -> None:
    _file(pytester).write_text("<<<<<<< ours")

    result = run(TESTS, CHECK)

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*payloads/shop.Welcome.json: JSON is malformed*restore it*"])


def test_files_are_read_as_they_were_written(tmp_path: Path) -> None:
    long = f"app.{'x' * 240}"
    written = [
        Recorded(type="a.B", home="a:B", payloads=(b'{"text":"\xc3\xa9"}', b'{"n":1e22}')),
        Recorded(type=long, home="a:C", payloads=(b"{}",)),
    ]
    for each in written:
        write_file(tmp_path, each)

    assert list(read_files(tmp_path).values()) == written
    (tmp_path / "a.B.json").rename(tmp_path / "a.C.json")
    with pytest.raises(BadFile, match=r"a\.C\.json: the payloads of a\.B belong to a\.B\.json"):
        read_files(tmp_path)


def test_nothing_stands_between_while_nobody_asks() -> None:
    store = MemoryStore()

    assert recorded(store) is store
