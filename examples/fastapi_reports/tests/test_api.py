"""The API, on TestingJobs: no server, no Redis, and two seconds of work take no time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from examples.fastapi_reports.api import create_api
from examples.fastapi_reports.handlers import SECONDS_A_MONTH, handlers
from examples.fastapi_reports.jobs import BuildReport
from jobkit_testing import TestingJobs

MONTH = timedelta(seconds=SECONDS_A_MONTH)


@pytest.fixture
def jobs() -> TestingJobs:
    return TestingJobs(handlers=handlers)


@pytest.fixture
def client(jobs: TestingJobs) -> TestClient:
    return TestClient(create_api(jobs.aio))


def test_an_order_is_taken_at_once(client: TestClient, jobs: TestingJobs) -> None:
    answer = client.post("/reports", json={"year": 2030})

    assert answer.status_code == 202
    assert answer.json()["state"] == "queued"
    jobs.assert_queued(BuildReport(2030), 1, queue="reports")


def test_a_report_is_there_in_the_end(client: TestClient, jobs: TestingJobs) -> None:
    report = client.post("/reports", json={"year": 2030}).json()["id"]

    jobs.drain()

    told = client.get(f"/reports/{report}").json()
    assert told == {
        "id": report,
        "state": "succeeded",
        "month": "2030-12",
        "done": 1.0,
        "file": "sales-2030.csv",
    }


def test_the_same_report_is_not_built_twice_while_it_waits(
    client: TestClient, jobs: TestingJobs
) -> None:
    first, second = (client.post("/reports", json={"year": 2030}).json() for _ in range(2))

    assert first["id"] == second["id"]
    jobs.assert_queued_total(1)


def test_a_report_that_nobody_wants_any_more_is_cancelled(
    client: TestClient, jobs: TestingJobs
) -> None:
    report = client.post("/reports", json={"year": 2030}).json()["id"]

    answer = client.delete(f"/reports/{report}")

    assert answer.json()["state"] == "cancelled"
    jobs.assert_cancelled(BuildReport, 1)


def test_an_unknown_report_is_not_found(client: TestClient) -> None:
    assert client.get("/reports/nope").status_code == 404
    assert client.delete("/reports/nope").status_code == 404


def test_a_year_that_cannot_be_is_refused_and_nothing_is_stored(
    client: TestClient, jobs: TestingJobs
) -> None:
    assert client.post("/reports", json={"year": 20300}).status_code == 422
    jobs.assert_empty()
