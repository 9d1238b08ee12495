"""The world outside: real servers on the loopback, and a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.signup.app import make_handlers
from examples.signup.servers import HOST, MailServer, PartnerServer
from examples.signup.settings import Settings
from jobkit_testing import TestingJobs


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    """Give an SMTP server."""
    with MailServer() as server:
        yield server


@pytest.fixture
def partners() -> Iterator[PartnerServer]:
    """Give the partners' web server."""
    with PartnerServer() as server:
        yield server


@pytest.fixture
def working_jobs(mail_server: MailServer, partners: PartnerServer, tmp_path: Path) -> TestingJobs:
    """Give jobs with the handlers of production; they talk to the servers above."""
    settings = Settings(
        smtp_host=HOST,
        smtp_port=mail_server.port,
        webhooks_url=partners.url,
        certificates=tmp_path,
    )
    return TestingJobs(handlers=make_handlers(settings))
