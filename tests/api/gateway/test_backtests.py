"""Backtests over the API: the same hash as on the command line, in a process of its own; refused, failed, cancelled in words."""

import asyncio
import json
import time
from pathlib import Path

import pytest

from b25.api.backtest_desk import STATE, BacktestDesk
from b25.cli import main
from b25.market.synthetic import build_sample

AT = "/api/v1/backtests"
STRATEGIES = Path(__file__).resolve().parents[3] / "strategies"
BTC = "BTC/USDT:USDT"


@pytest.fixture
def home(home):
    home.settings = home.settings.model_copy(update={"strategies_folder": STRATEGIES})
    home.join(BacktestDesk(home.settings.run_folder / "backtests", time.time_ns))
    return home


async def ended(client, backtest_id):
    for _ in range(1_200):
        told = (await client.get(f"{AT}/{backtest_id}")).json()
        if told["state"] not in ("queued", "running"):
            return told
        await asyncio.sleep(0.1)
    raise AssertionError(told)


@pytest.mark.spec("GW-06")
def test_a_backtest_is_the_one_of_the_command_line(home, run, capsys):
    build_sample(home.settings.catalog, seed=25, minutes=6)
    body = {"strategy": "MarketMaker", "symbol": BTC, "venue": "sim", "parameters": {"quantity": 0.02}, "balance": 10_000.0}

    async def act(client):
        async with client("researcher") as one:
            asked = await one.post(AT, json=body)
            assert asked.status_code == 202, asked.text
            early = await one.get(f"{AT}/{asked.json()['id']}/result")
            assert (early.status_code, early.json()["code"]) == (409, "NOT_DONE")
            told = await ended(one, asked.json()["id"])
            assert told["state"] == "done", told
            found = (await one.get(f"{AT}/{told['id']}/result", params={"points": 40})).json()
            fills = await one.get(f"{AT}/{told['id']}/fills")
            assert fills.content[:4] == b"PAR1"
            sheet = await one.get(f"{AT}/{told['id']}/tearsheet")
            assert "MarketMaker" in sheet.text
            assert [("sandbox" in one) for one in sheet.headers.get_list("content-security-policy")] == [True]
            assert (await one.get(AT)).json()["total"] == 1
            return found

    found = run(act)
    words = ["backtest", f"{STRATEGIES}/market_maker.py:MarketMaker", "--symbol", BTC, "--venue", "sim", "--json"]
    words += ["--catalog", str(home.settings.catalog), "--set", "quantity=0.02", "--balance", "10000"]
    assert main(words) == 0
    here = json.loads(capsys.readouterr().out)
    assert found["hash"] == here["hash"]
    assert found["metrics"] == here["metrics"]
    assert 2 <= len(found["equity"]) <= 44


def test_what_cannot_be_is_told_before_or_after_and_leaves_a_state(home, run):
    body = {"strategy": "MarketMaker", "symbol": BTC}

    async def act(client):
        async with client("researcher") as one:
            assert (await one.post(AT, json=body | {"strategy": "Nobody"})).status_code == 404
            strange = await one.post(AT, json=body | {"parameters": {"qantity": 1}})
            assert (strange.status_code, "quantity" in strange.text) == (422, True)
            assert (await one.post(AT, json=body | {"leverage": 3})).status_code == 422
            empty = (await one.post(AT, json=body)).json()
            told = await ended(one, empty["id"])
            assert told["state"] == "failed"
            assert "b25 data" in told["why"]
            stopped = (await one.post(AT, json=body)).json()
            assert (await one.delete(f"{AT}/{stopped['id']}")).json()["state"] == "cancelled"
            assert (await one.delete(f"{AT}/{told['id']}")).json()["state"] == "failed"
            assert (await one.get(f"{AT}/{'0' * 16}")).status_code == 404
        async with client("viewer") as other:
            assert (await other.post(AT, json=body)).status_code == 403

    run(act)


def test_what_ran_when_the_gateway_ended_is_told_as_failed(tmp_path):
    desk = BacktestDesk(tmp_path, time.time_ns)
    own = tmp_path / "00f1a2b3c4d5e6f7"
    own.mkdir()
    facts = {"id": own.name, "state": "running", "by": "ann", "asked_ns": 1, "request": {}, "why": ""}
    (own / STATE).write_text(json.dumps(facts))
    (tmp_path / "half").mkdir()
    asyncio.run(desk.start())
    assert desk.one(own.name)["state"] == "failed"
    assert [one["id"] for one in desk.all()] == [own.name]
