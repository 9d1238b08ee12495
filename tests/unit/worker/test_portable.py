"""What another process finds by its name, and what it does not."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import jobkit
from jobkit import Handlers, InvalidHandler, JobContext
from jobkit.handlerset import Call, HandlerSet
from jobkit.worker.isolation.portable import Code, code_of


@jobkit.job(isolate=True)
@dataclass(frozen=True)
class Send:
    number: int = 0


class Sender:
    """Has a method that is a handler."""

    def __init__(self, name: str) -> None:
        self.name = name

    def send(self, job: Send, ctx: JobContext) -> str:
        return f"{self.name} {job.number}"


def send(job: Send) -> str:
    return f"sent {job.number}"


def send_as(name: str, job: Send) -> str:
    return f"{name} {job.number}"


async def around(ctx: JobContext, call_next: Any) -> object:
    return await call_next()


def call_of(handler: Any, *middleware: Any) -> Call:
    handlers = Handlers()
    handlers.register(handler, job=Send)
    for each in middleware:
        handlers.middleware(each)
    call = HandlerSet(handlers).call(f"{__name__}.Send")
    assert call is not None
    return call


def carried(call: Call) -> Call:
    """Return the call as another process would get it."""
    code: Code = pickle.loads(code_of(call))
    return code.call()


def test_a_function_is_found_with_its_middleware() -> None:
    """B28: the same objects, by name."""
    given = call_of(send, around)

    call = carried(given)

    assert call.function is send
    assert [each.function for each in call.middleware] == [around]
    assert (call.is_async, call.async_depth, call.wants_context) == (True, 1, False)
    assert call.registration.job_type is given.registration.job_type
    assert call.registration.name == given.registration.name


def test_a_bound_method_and_a_partial_bring_what_they_hold() -> None:
    """B2, B28: whatever pickle can carry."""
    method = carried(call_of(Sender("ann").send))
    bound = carried(call_of(partial(send_as, "bob")))

    assert method.function(Send(1), None) == "ann 1"
    assert method.wants_context
    assert bound.function(Send(2)) == "bob 2"


def test_what_cannot_be_found_is_refused_with_its_name() -> None:
    """B28: a closure, an object that does not pickle, and what hides another function."""
    sender = Sender("ann")
    vars(sender)["lock"] = threading.Lock()

    def local(job: Send) -> None: ...

    def hidden(job: Send) -> None: ...

    hidden.__module__, hidden.__qualname__ = __name__, "send"
    for handler in (local, sender.send, hidden):
        with pytest.raises(InvalidHandler, match=r"the handler cannot be found .* at the top"):
            code_of(call_of(handler))
    with pytest.raises(InvalidHandler, match=r"its middleware .*local_around cannot be found"):
        code_of(call_of(send, _local_middleware()))


def _local_middleware() -> Any:
    def local_around(ctx: JobContext, call_next: Any) -> object:
        return call_next()

    return local_around


SCRIPT = """
from dataclasses import dataclass
from datetime import timedelta
import jobkit
from jobkit import MemoryJobs

@jobkit.job(isolate=True, max_retries=0, retention=timedelta(hours=1))
@dataclass
class Send:
    number: int

jobs = MemoryJobs()

@jobs.register
def send(job: Send) -> object:
    return [__name__, job.number]

def main():
    jobs.start(concurrency=1)
    record = jobs.enqueue(Send(3)).wait()
    print(record.state, record.result, record.error and record.error.message)
    jobs.shutdown()

"""


@pytest.mark.parametrize(
    ("arguments", "start", "said"),
    [
        (["package/mail.py"], "main()", "Send is defined in the script that was started"),
        (["-m", "package.mail"], "if __name__ == '__main__': main()", "['package.mail', 3]"),
        (["-m", "package.mail"], "main()", "start it under if __name__"),
    ],
    ids=["script", "module", "unguarded"],
)
def test_the_main_module_is_found_if_others_can_import_it(
    tmp_path: Path, arguments: list[str], start: str, said: str
) -> None:
    """B28: and one that starts its worker whenever it is imported does not do so for ever."""
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "mail.py").write_text(SCRIPT + start)

    ran = subprocess.run(
        [sys.executable, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert said in ran.stdout + ran.stderr
