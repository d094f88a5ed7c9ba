"""Reports over the API: who may see and ask, what a page is served with, and what is never served."""

import asyncio

import orjson
import pytest

from b25.reports.paths import run_id_of
from b25.store.report_runs import Ending, ReportRuns
from tests.reports.stand import book

SLOT_NS = 1_767_337_200 * 10**9
PAGE = b"<!doctype html><title>x</title>"


@pytest.fixture
def desk(gateway, tmp_path, monkeypatch):
    """A project with one report; gives a function that enters a run that has ended."""
    monkeypatch.chdir(tmp_path)
    book(tmp_path / "daily.ipynb", "print(1)")
    gateway.settings = gateway.settings.model_copy(update={"reports_file": tmp_path / "reports.toml"})
    gateway.settings.reports_file.write_text('[daily]\nnotebook = "daily.ipynb"\nschedule = "0 7 * * mon-fri"\n')
    runs = ReportRuns(gateway.store)

    def entered(number, state="ok", value=1.0):
        slot_ns = SLOT_NS + number * 86_400 * 10**9
        run_id = run_id_of("daily", slot_ns, 1)
        folder = gateway.settings.reports_folder / "daily" / run_id
        folder.mkdir(parents=True)
        (folder / "report.html").write_bytes(PAGE)
        metrics = [{"name": "net", "value": value, "unit": "USDT", "headline": True}]
        (folder / "metrics.json").write_bytes(orjson.dumps({"schema": 1, "run": run_id, "metrics": metrics}))
        with gateway.store.writing():
            runs.add(run_id, "daily", slot_ns, origin="schedule", params={"days": 3}, now_ns=slot_ns)
        runs.claim(run_id, "me", slot_ns)
        with gateway.store.writing():
            runs.end(run_id, "me", Ending(state=state, folder=f"daily/{run_id}", files="all"), slot_ns + 1)
        return run_id

    return entered


def asked(client_as, *words, role="viewer", method="GET", **more):
    async def ask():
        async with client_as(*([role] if role else [])) as client:
            return await client.request(method, f"/api/v1/reports{''.join(words)}", **more)

    return asyncio.run(ask())


def test_reports_are_listed_with_their_next_slot_and_how_they_ran(client_as, desk):
    run_id = desk(0, "failed")
    told = asked(client_as).json()
    (one,) = told["reports"]
    assert (one["name"], one["last_run"], one["last_state"], told["is_led"]) == ("daily", run_id, "failed", False)
    assert one["next_ns"] > SLOT_NS


def test_runs_are_listed_page_by_page(client_as, desk):
    made = [desk(number) for number in range(3)]
    first = asked(client_as, "/daily/runs", params={"limit": 2}).json()
    rest = asked(client_as, "/daily/runs", params={"limit": 2, "after": first["next"]}).json()
    assert [one["id"] for one in (*first["runs"], *rest["runs"])] == made[::-1]
    assert rest["next"] is None
    assert first["runs"][0]["params"] == {"days": 3}
    assert "worker" not in first["runs"][0]
    assert asked(client_as, "/daily/runs", params={"state": "failed"}).json()["runs"] == []


def test_a_page_is_served_for_a_sandbox_only(client_as, desk):
    answer = asked(client_as, f"/runs/{desk(0)}/html")
    assert answer.content == PAGE
    policies = answer.headers.get_list("content-security-policy")
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"]
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-store"


def test_what_is_quarantined_is_served_to_nobody(client_as, desk):
    run_id = desk(0, "quarantined")
    for role in ("viewer", "researcher", "trader", "risk", "admin"):
        for what in ("html", "metrics"):
            answer = asked(client_as, f"/runs/{run_id}/{what}", role=role)
            assert answer.status_code == 404
            assert "quarantined" in answer.json()["detail"]
    assert asked(client_as, f"/runs/{run_id}").json()["state"] == "quarantined"


def test_two_runs_are_compared(client_as, desk):
    before, after = desk(0, value=10.0), desk(1, value=12.5)
    told = asked(client_as, "/compare", params={"before": before, "after": after}).json()
    assert told["metrics"] == [{"name": "net", "unit": "USDT", "before": 10.0, "after": 12.5, "change": 2.5, "share": 0.25}]
    assert asked(client_as, f"/runs/{before}/metrics").json()["metrics"][0]["value"] == 10.0
    assert asked(client_as, "/compare", params={"before": before, "after": "daily-x"}).status_code == 404


@pytest.mark.parametrize("run_id", ["none", "..%2F..%2Fetc", "daily-20260102T070000Z-9"])
def test_what_is_not_there_is_not_found(client_as, desk, run_id):
    for what in ("", "/html", "/metrics"):
        assert asked(client_as, f"/runs/{run_id}{what}").status_code in (404, 422)


@pytest.mark.parametrize(("role", "status"), [(None, 401), ("viewer", 403), ("researcher", 202), ("trader", 202)])
def test_who_may_ask_for_a_run(client_as, desk, role, status):
    assert asked(client_as, "/daily/runs", role=role, method="POST", json={"params": {"days": 2}}).status_code == status


def test_a_run_that_is_asked_for_twice_with_one_key_is_one(client_as, desk, gateway):
    headers = {"Idempotency-Key": "once-and-for-all"}
    told = [
        asked(client_as, "/daily/runs", role="researcher", method="POST", json={"params": {"days": 2}}, headers=headers).json()
        for _ in range(2)
    ]
    assert told[0] == told[1]
    assert told[0]["run"]["state"] == "queued"
    assert (told[0]["run"]["origin"], told[0]["run"]["asked_by"], told[0]["is_led"]) == ("api", "researcher", False)
    assert ReportRuns(gateway.store).count() == 1


@pytest.mark.parametrize(
    ("name", "params", "status", "says"),
    [("daly", {}, 404, "no report"), ("daily", {"dayz": 1}, 422, "no parameter"), ("daily", {"days": 99}, 422, "days is 99")],
)
def test_what_is_wrong_is_told_when_it_is_asked(client_as, desk, gateway, name, params, status, says):
    answer = asked(client_as, f"/{name}/runs", role="researcher", method="POST", json={"params": params})
    assert answer.status_code == status
    assert says in answer.json()["detail"]
    assert ReportRuns(gateway.store).count() == 0


def test_a_file_that_is_wrong_is_said_to_be(client_as, desk, gateway):
    gateway.settings.reports_file.write_text('[daily]\nnotebok = "x"\n')
    answer = asked(client_as)
    assert answer.status_code == 422
    assert "did you mean notebook" in answer.json()["remedy"]
