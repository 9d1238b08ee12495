"""The demo: sign up 200 people in memory, or with --redis on Redis and a worker process.

Exit codes: 0 all that should arrive did, 1 it did not, 2 wrong arguments, 130 Ctrl-C.
"""

from __future__ import annotations

import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from examples.signup.backends import Backend, WorkerEnded, in_memory, on_redis
from examples.signup.checks import checks
from examples.signup.display import Display, show_sign_up, show_table
from examples.signup.servers import HOST, MailServer, PartnerServer
from examples.signup.settings import Settings
from examples.signup.signup import SignedUp, SignUp
from examples.signup.subscribers import Malformed
from examples.signup.summary import summaries, total
from examples.signup.watching import watch
from jobkit import JobkitError, JobRecord

SUBSCRIBERS = Path(__file__).with_name("subscribers.csv")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo, and return its exit code."""
    console = Console()
    try:
        return _demo(_parse(arguments), console)
    except KeyboardInterrupt:
        return 130
    except (JobkitError, Malformed, OSError, WorkerEnded) as error:
        said = f"{type(error).__name__}: {error}"
        console.print(said, markup=False, highlight=False, soft_wrap=True)
        return 1


def _parse(arguments: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(prog="python -m examples.signup", description=__doc__)
    parser.add_argument("--redis", metavar="URL", help="run on this Redis, with a worker process")
    parser.add_argument(
        "--subscribers", type=Path, default=SUBSCRIBERS, metavar="CSV", help="whom to sign up"
    )
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="make this folder and leave certificates there"
    )
    return parser.parse_args(arguments)


def _demo(given: Namespace, console: Console) -> int:
    with (
        tempfile.TemporaryDirectory(prefix="signup-") as name,
        MailServer() as mail_server,
        PartnerServer() as partners,
    ):
        work = Path(name)
        certificates: Path = (given.keep or work / "certificates").absolute()
        certificates.mkdir(parents=True)
        settings = Settings(
            smtp_host=HOST,
            smtp_port=mail_server.port,
            webhooks_url=partners.url,
            certificates=certificates,
            redis_url=given.redis or "",
            namespace=work.name,  # of this run alone
        )
        chosen = on_redis(settings, work / "worker.log") if given.redis else in_memory(settings)
        # The backend ends first: what it still has to log does not get between the last bars.
        with Display(console) as display, chosen as backend:
            signed_up = _sign_up(backend, given.subscribers)
            show_sign_up(console, signed_up)
            records = _follow(backend, signed_up, display)
        show_table(console, summaries(records), total(records))
        found = checks(records, mails=mail_server.mails, calls=partners.calls, folder=certificates)
        for check in found:
            console.print(str(check), highlight=False)
        return 0 if all(check.holds for check in found) else 1


def _sign_up(backend: Backend, subscribers: Path) -> SignedUp:
    with subscribers.open(encoding="utf-8-sig", errors="replace") as lines:
        return SignUp(backend.jobs)(lines)


def _follow(backend: Backend, signed_up: SignedUp, display: Display) -> list[JobRecord[Any]]:
    """Show how the jobs get on, and return their records when the last has ended."""

    def look(records: list[JobRecord[Any]]) -> None:
        backend.watch_over()
        display.update(summaries(records))

    try:
        return watch(signed_up.jobs, at_each_look=look)
    finally:
        for job in signed_up.jobs:  # leave nothing behind in a Redis that is not ours
            job.delete()


if __name__ == "__main__":
    sys.exit(main())
