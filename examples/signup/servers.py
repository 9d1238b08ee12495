"""The world outside, on free ports of the loopback: a mail server, and the partners' web server.

Both are real servers with a few difficult customers, told by domain and by name, and keep what
reached them.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from aiosmtpd.smtp import SMTP, Envelope, Session

HOST = "127.0.0.1"
GREYLISTED = "greylist.example"  # refuses each recipient twice, and then takes its mail
CLOSED = "closed.example"  # refuses for good
FLAKY = "flaky"  # fails at the first call of each key
HANGING = "molasses"  # never answers
REFUSALS = 2
START_TIMEOUT = 10.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail that the server took."""

    recipient: str
    message_id: str


class MailServer:
    """An SMTP server in a thread of its own."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.port = 0
        self._refused: Counter[str] = Counter()
        self._started = threading.Event()
        self._stop: Callable[[], object] = self._started.clear
        self._thread = threading.Thread(target=self._run, name="mail-server", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._started.wait(START_TIMEOUT):
            raise TimeoutError(f"the mail server did not start within {START_TIMEOUT} s")
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        self._thread.join(START_TIMEOUT)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()
        self._stop = lambda: loop.call_soon_threadsafe(stopped.set)
        server = await loop.create_server(lambda: SMTP(self, hostname=HOST, loop=loop), HOST, 0)
        async with server:
            self.port = server.sockets[0].getsockname()[1]
            self._started.set()
            await stopped.wait()

    # aiosmtpd calls these by their names.

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer to a recipient."""
        domain = address.rpartition("@")[2]
        if domain == CLOSED:
            return "550 5.1.1 no such user here"
        if domain == GREYLISTED and self._refused[address] < REFUSALS:
            self._refused[address] += 1
            return "451 4.7.1 greylisted, come back later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Take a mail."""
        assert isinstance(envelope.content, bytes)
        message_id = str(message_from_bytes(envelope.content)["Message-ID"])
        self.mails += [
            Mail(recipient=recipient, message_id=message_id) for recipient in envelope.rcpt_tos
        ]
        return "250 2.0.0 ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call that a partner answered."""

    partner: str
    key: str
    status: int


class PartnerServer:
    """A web server with a thread for each request; the last part of the path is the partner."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.closing = threading.Event()
        self._server = _Server((HOST, 0), partial(_Request, self))
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="web-server", daemon=True
        )

    @property
    def url(self) -> str:
        """Where the partners are."""
        return f"http://{HOST}:{self._server.server_port}/hooks"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join(START_TIMEOUT)
        self._server.server_close()

    def answer(self, partner: str, key: str) -> int:
        """Return the status for a call, in good time or not."""
        if partner == HANGING:
            self.closing.wait()
        failed = any(call.key == key for call in self.calls)
        status = 503 if partner == FLAKY and not failed else 204
        self.calls.append(Call(partner=partner, key=key, status=status))
        return status


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a caller that hangs up is no news here."""


class _Request(BaseHTTPRequestHandler):
    def __init__(self, partners: PartnerServer, *connection: Any) -> None:
        self.partners = partners
        super().__init__(*connection)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        partner = self.path.rpartition("/")[2]
        status = self.partners.answer(partner, self.headers["Idempotency-Key"])
        self.send_response(status)
        self.end_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Write nothing to the terminal, where the demo shows its progress."""
