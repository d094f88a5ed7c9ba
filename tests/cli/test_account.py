"""`b25 account` on a store that a session left behind."""

import asyncio
from decimal import Decimal

import orjson
import pytest

from b25.cli import main
from b25.model.event import BUY, SELL
from b25.store.audit import verify_audit
from b25.store.store import open_store
from tests.session.account.desk import Desk


async def session(url, *, hides):
    """A session of two strategies; with `hides`, one trade never reaches the store."""
    desk = Desk("linear", url)
    await desk.begin()
    desk.book.mark(desk.symbol, Decimal(40_000))
    await desk.reconcile()
    await desk.trade("s", BUY, "0.03")
    await desk.trade("t", SELL, "0.01")
    await desk.pull()
    desk.book.tick()
    desk.now[0] += 3_600_000
    if hides:
        await desk.trade("t", BUY, "0.02")
        desk.pulled[desk.symbol] = (await desk.port.trades(desk.symbol)).must()[-1].trade_id
    await desk.reconcile()
    desk.book.tick()
    desk.end()


@pytest.fixture
def left(tmp_path, capsys):
    """Run a command on the store of a session: its code and its answer."""
    url = f"sqlite:///{tmp_path / 'store.db'}"

    def run(*words, hides=False):
        if not (tmp_path / "store.db").exists():
            asyncio.run(session(url, hides=hides))
        code = main(["account", *words, "--store", url, "--json"])
        return code, orjson.loads(capsys.readouterr().out)

    run.url = url
    return run


def test_a_statement_tells_each_strategy_s_part(left):
    code, told = left("show")
    assert code == 0
    assert [(one["strategy"], one["quantity"]) for one in told["strategies"]] == [("s", "0.03"), ("t", "-0.01")]
    assert told["positions"][0]["quantity"] == "0.02"
    assert Decimal(told["equity"]) < 1_000_000
    assert (told["halted"], told["pending"]) == ("", [])
    assert main(["account", "show", "--store", left.url]) == 0


def test_the_books_are_folded_again_and_hold(left):
    code, told = left("reconcile")
    assert (code, told["holds_together"], told["fills"], told["faults"]) == (0, True, 2, [])
    assert Decimal(told["balances"]["USDT"]["ledger"]) > 0


def test_history_tells_what_changed(left):
    code, told = left("history", "--every-s", "60", "--hours", str(24 * 365 * 20))
    assert code == 0
    assert len(told["history"]) == 2
    assert told["history"][0]["equity_change"] is None
    assert told["history"][1]["equity_change"] is not None


def test_an_adjustment_waits_for_a_name_and_a_reason_and_a_halt_for_a_person(left):
    code, told = left("adjust", hides=True)
    assert code == 0
    (one,) = told["pending"]
    assert left("adjust", one["ref"])[1]["error"]["what"].endswith("no reason is given")
    code, told = left("adjust", one["ref"], "--by", "ann", "--reason", "seen at the venue")
    assert (code, told["result"]) == (0, "signed")
    assert left("adjust", one["ref"], "--by", "ann", "--reason", "again")[1]["error"]["code"] == "misuse"
    assert left("show")[1]["halted"].startswith("at ")
    assert left("resume", "--by", "ann", "--reason", "explained")[0] == 0
    assert left("show")[1]["halted"] == ""
    assert left("resume", "--by", "ann", "--reason", "explained")[0] == 1
    assert left("reconcile")[1]["holds_together"]
    store = open_store(left.url)
    assert verify_audit(store) == ""
    store.close()


def test_a_store_that_is_not_there_is_not_made(tmp_path, capsys):
    path = tmp_path / "none.db"
    assert main(["account", "show", "--store", f"sqlite:///{path}"]) == 1
    assert "there is no store at" in capsys.readouterr().err
    assert not path.exists()
