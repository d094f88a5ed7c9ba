"""The process of the drop copy, on the wire venue: it reads by a key of its own, and what it finds is in the store."""

import time
from types import SimpleNamespace

import orjson

from b25.cli import main
from b25.execution.orders.identity import next_epoch
from b25.runner.kill_account import account_of
from b25.session.account.loading import copy_holds
from b25.store.account_log import AccountLog
from b25.store.leases import take_lease
from b25.store.order_log import OrderLog
from b25.store.store import open_store
from tests.runner.stand import SYMBOL, place, stand, with_session
from tests.venue.wire.venues import account


def test_a_booked_trade_that_the_venue_does_not_know_is_held(tmp_path, capsys):
    url = f"sqlite:///{tmp_path / 'store.db'}"

    async def rest(port):
        await place(port, "linear", 1, price="50000", prefix="bob-")

    async def take(port):
        await place(port, "linear", 1, price="50000", side=-1)
        return (await port.trades(SYMBOL["linear"])).must()

    def looked():
        code = main(["account", "watch", "demo", "--plan", str(here.plan()), "--store", url, "--looks", "1", "--json"])
        return code, orjson.loads(capsys.readouterr().out)["symbols_apart"]

    with stand(tmp_path, "linear") as here:
        store = open_store(url)
        now_ms = time.time_ns() // 10**6
        lease = take_lease(store, "demo", "me", now_ms=now_ms, next_epoch=lambda stored: next_epoch(stored, 0, 0))
        log = OrderLog(store, lease, now_ns=time.time_ns)
        assert looked() == (0, 0)
        _, key = here.venue.call(lambda inside: account(inside.exchange, "bob"))
        bob = account_of("bob", here._row("bob-key.json", key), tmp_path)
        with_session(SimpleNamespace(session_account=bob), rest)
        trades = with_session(here, take)
        assert len(trades) == 1
        for one in trades:
            row = {
                "venue": "binanceusdm", "symbol": one.symbol, "trade_id": one.trade_id, "coid": None, "venue_oid": one.venue_id,
                "side": "buy" if one.side > 0 else "sell", "qty": str(one.qty), "price": str(one.price), "fee": "0",
                "fee_asset": None, "maker": one.maker, "realized": None, "venue_ts_ms": one.time_ms, "src": "WS",
                "synthetic": False,
            }  # fmt: skip
            log.book(row, [])
        assert looked() == (0, 0)
        log.book({**row, "trade_id": "999999"}, [])
        assert looked() == (1, 1)
        mine = AccountLog(store, "binanceusdm", "demo", now_ns=time.time_ns)
        ((_, why),) = copy_holds(mine).values()
        assert "not told by the venue, the first 999999" in why
        store.close()


def test_a_store_that_is_not_there_is_not_made(tmp_path, capsys):
    path = tmp_path / "none.db"
    assert main(["account", "watch", "demo", "--store", f"sqlite:///{path}"]) == 1
    assert "there is no store at" in capsys.readouterr().err
    assert not path.exists()
