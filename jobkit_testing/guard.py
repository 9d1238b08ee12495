"""The part of the plugin that guards payloads: --jobkit-payloads=DIR.

At the end of a run it decodes what DIR has with today's classes. Under xdist every worker does
that with the classes that it has loaded, and the controller puts together what they found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from jobkit_testing import payload_files as files
from jobkit_testing.payload_check import (
    Findings,
    Payload,
    decode_findings,
    look,
    losses,
    together,
    troubles,
)
from jobkit_testing.recording import Recorder, record_with

UPDATE = "--jobkit-payloads-update"
OUTPUT = "jobkit_payloads"
WHOLE = "jobkit_whole"


class PayloadGuard:
    """Fails a run in which a type no longer reads what is recorded of it; or records anew."""

    def __init__(self, config: pytest.Config, folder: Path, *, update: bool) -> None:
        self._config = config
        self._folder = folder
        self._update = update
        self._recorder = Recorder(names_only=not update)
        self._tests: set[Path] = set()
        self._found: Findings | None = None
        self._is_whole = _is_whole(config)
        self._lines: list[str] = []
        self._failures: list[str] = []

    # Every process.

    def pytest_sessionstart(self) -> None:
        """Begin to record."""
        record_with(self._recorder)

    def pytest_unconfigure(self) -> None:
        """Record no more."""
        record_with(None)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Take note of modules that were not loaded."""
        if report.failed:
            self._is_whole = False

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Take note of the modules of tests."""
        self._tests |= {item.path for item in items if isinstance(item, pytest.Function)}

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Look; in a worker of xdist: send the result to the controller."""
        if self._config.option.collectonly:
            return
        try:
            on_file = files.read_files(self._folder)
        except files.BadFile as error:
            self._failures.append(str(error))
        else:
            self._finish(on_file)
        if self._failures and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _finish(self, on_file: Mapping[str, files.Recorded]) -> None:
        if not self._config.pluginmanager.hasplugin("dsession"):
            own = look(on_file, self._recorder, search=self._is_whole, is_of_tests=self._is_test)
            output: dict[str, Any] | None = getattr(self._config, "workeroutput", None)
            if output is not None:
                output[OUTPUT] = own.encode()
                return
            self._found = own
        if self._found is None:
            return
        if self._update:
            self._write(on_file, self._found)
        else:
            self._judge(on_file, self._found)

    def _is_test(self, path: Path) -> bool:
        return path in self._tests or path.name == "conftest.py"

    # The controller of xdist.

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker whether all tests are run: it does not know the command line."""
        node.workerinput[WHOLE] = self._is_whole

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take what a worker has found."""
        output: Mapping[str, Any] = getattr(node, "workeroutput", None) or {}
        if OUTPUT not in output:
            self._is_whole = False  # it died, and what it had loaded is not known
            return
        found = decode_findings(output[OUTPUT])
        if self._found is None:
            self._found = found
        else:
            self._found.add(found)

    # What comes of it.

    def _judge(self, on_file: Mapping[str, files.Recorded], found: Findings) -> None:
        for name, recorded in sorted(on_file.items()):
            self._judge_type(recorded, found.known.get(name, ()))
        unknown = [recorded for name, recorded in on_file.items() if name not in found.known]
        for recorded in unknown if self._is_whole else ():
            self._judge_unknown(recorded, found.unloadable.get(recorded.type))
        checked = f"{len(found.known)} of {len(on_file)} types checked"
        partly = f"; not loaded in this part of the tests: {len(unknown)}" if unknown else ""
        self._lines.append(f"{checked}{'' if self._is_whole else partly}")
        if missing := sorted(found.names - on_file.keys()):
            self._lines.append(f"not recorded yet ({UPDATE} does it): {', '.join(missing)}")

    def _judge_type(self, recorded: files.Recorded, payloads: Sequence[Payload]) -> None:
        name, path = recorded.type, self._path(recorded)
        if told := list(troubles(payloads)):
            self._failures.append(
                f"{name} does not decode what {path} has of it\n"
                f"{chr(10).join(told)}\n"
                "A job of that form may still wait in a queue, and would end dead, unrun. Give "
                "a new field a\ndefault; keep name and type of an old one. Or, once no such "
                f"job is left anywhere: {UPDATE}"
            )
        if told := list(losses(payloads)):
            self._failures.append(
                f"{name} drops part of what {path} has of it\n"
                f"{chr(10).join(told)}\n"
                "A job of that form may still wait in a queue, and its handler would not get "
                "that value; a new\nname is a new field. Keep the old one. Or, once no such "
                f"job is left anywhere, or nobody\nneeds the value: {UPDATE}"
            )

    def _judge_unknown(self, recorded: files.Recorded, why_unloadable: str | None) -> None:
        if why_unloadable:
            self._lines.append(
                f"{recorded.type} not checked, its module does not load: {why_unloadable}"
            )
            return
        self._failures.append(
            f"{recorded.type} has vanished: no class has this name, nor as an alias; "
            f"{self._path(recorded)} has its payloads, its class was {recorded.home}\n"
            "A job of it may still wait in a queue, and nobody would run it. Name the class "
            f'that takes over:\n@job(aliases=["{recorded.type}"]). Or, once no such job is '
            f"left anywhere: {UPDATE}"
        )

    def _write(self, on_file: Mapping[str, files.Recorded], found: Findings) -> None:
        written, removed = 0, 0
        for name in sorted({*on_file, *found.new}):
            old = on_file.get(name)
            is_known = name in found.known or name in found.new
            if not is_known and (not self._is_whole or name in found.unloadable):
                continue
            new = together(old, name, found)
            if not new.payloads and old is not None:
                (self._folder / old.file_name).unlink()
                removed += 1
            elif new.payloads and (old is None or new.text != old.text):
                files.write_file(self._folder, new)
                written += 1
        self._lines.append(f"{written} files written in {self._folder}, {removed} removed")
        for name, why in sorted(found.refused.items()):
            self._lines.append(f"{name}: not recorded without its secrets: {why}")

    def _path(self, recorded: files.Recorded) -> Path:
        path = self._folder / recorded.file_name
        root = self._config.rootpath
        return path.relative_to(root) if path.is_relative_to(root) else path

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell what was found."""
        if self._failures:
            terminalreporter.section("jobkit payloads", red=True, bold=True)
        for failure in self._failures:
            terminalreporter.line(f"{failure}\n")
        for line in self._lines:
            terminalreporter.line(f"jobkit payloads: {line}")


def _is_whole(config: pytest.Config) -> bool:
    """Tell whether all tests are collected: so a type that nobody has loaded is not there."""
    told: bool | None = getattr(config, "workerinput", {}).get(WHOLE)
    if told is not None:
        return told
    if getattr(config.option, "lf", False):
        return False
    if config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        return True
    roots = [config.rootpath / path for path in config.getini("testpaths")] or [config.rootpath]
    given = [(config.invocation_params.dir / arg).resolve() for arg in config.args]
    return all(any(root.is_relative_to(path) for path in given) for root in roots)
