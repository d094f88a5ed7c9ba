"""Orders through ccxt at the wire venue: the plain way, and with each fault of orders switched on."""

import asyncio
import time
from decimal import Decimal

import pytest

from b25.execution.orders.identity import closing_id, id_prefix
from b25.model.event import BUY, ORDER_ACCEPTED, ORDER_CANCELLED, ORDER_FILLED, SELL
from b25.store.account_log import AccountLog
from b25.store.strategy_fills import fills_after
from b25.venue.port.requests import NewOrder
from tests.session.orders.stand import healed, now_ns, trading

KINDS = ["spot", "linear"]


def play(kind, folder, case, **settings):
    async def run():
        async with trading(kind, folder, **settings) as one:
            await case(one)

    asyncio.run(run())


async def until(done, patience_s=10.0):
    end = time.monotonic() + patience_s
    while not done():
        assert time.monotonic() < end, "it did not happen"
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("kind", KINDS)
def test_an_order_rests_trades_and_is_cancelled(kind, tmp_path, warm):
    async def case(one):
        coid = one.submit(one.new(BUY, lots=one.stand.lots * 2), order_id=7)
        await until(lambda: one.heard.tells)
        await one.stand.other.submit(one.stand.new(SELL))
        await until(lambda: ORDER_FILLED in [tell.kind for tell in one.heard.tells])
        one.desk.cancel(coid)
        await until(lambda: ORDER_CANCELLED in [tell.kind for tell in one.heard.tells])
        assert [tell.kind for tell in one.heard.tells] == [ORDER_ACCEPTED, ORDER_FILLED, ORDER_CANCELLED]
        assert one.heard.position_lots() == one.stand.lots
        await healed(one)
        assert one.check()["fills"] == 1

    play(kind, tmp_path, case)


FAULTS = {
    "latency": [("latency_ms", "*/order*", {"min": 20, "max": 200})],
    "request delayed": [("request_delay_ms", "* /*/order", {"min": 0, "max": 3_000})],
    "request lost": [("request_lost", "POST */order", {"how": "close", "chance": 0.5})],
    "request lost, hanging": [("request_lost", "POST */order", {"how": "hang", "chance": 0.5})],
    "answer lost": [("ack_lost", "* /*/order", {"how": "close", "chance": 0.5})],
    "answer lost, hanging": [("ack_lost", "POST */order", {"how": "hang", "chance": 0.5})],
    "answer late": [("ack_delay_ms", "* /*/order", {"min": 0, "max": 800})],
    "reset": [("conn_reset_mid_response", "* /*/order", {"chance": 0.5})],
    "unknown": [("backend_unknown", "POST */order", {"chance": 0.6})],
    "unknown cancels": [("backend_unknown", "DELETE */order", {"chance": 0.6})],
    "503": [("backend_unknown", "POST */order", {"code": 503, "chance": 0.6})],
    "any error": [("force_error", "* /*/order", {"http": 500, "code": -1001, "accepted": True, "chance": 0.3})],
    "html": [("force_error", "POST */order", {"http": 502, "html": True, "accepted": True, "chance": 0.5})],
    "lagging reads": [("read_lag_ms", "GET *", {"min": 0, "max": 500, "mode": "stale"})],
    "lagging reads and lost answers": [
        ("read_lag_ms", "GET *", {"min": 0, "max": 500, "mode": "stale"}),
        ("ack_lost", "POST */order", {"how": "close", "chance": 0.5}),
    ],
    "maintenance": [("maintenance", "*", {"chance": 0.3})],
    "fill before cancel": [("fill_before_cancel", "DELETE */order", {"share": 0.5})],
    "event before answer": [("event_before_response", "POST */order", {"ms": 50})],
    "events doubled": [("event_dup", "*", {"times": 2})],
    "events dropped": [("event_drop", "*", {})],
    "events late": [("event_delay_ms", "*", {"min": 0, "max": 2_000})],
    "everything": [
        ("ack_lost", "POST */order", {"how": "close", "chance": 0.2}),
        ("request_lost", "POST */order", {"how": "close", "chance": 0.2}),
        ("backend_unknown", "DELETE */order", {"chance": 0.3}),
        ("fill_before_cancel", "DELETE */order", {"share": 0.5, "chance": 0.5}),
        ("event_drop", "*", {"chance": 0.3}),
        ("event_dup", "*", {"times": 1, "chance": 0.3}),
        ("event_delay_ms", "*", {"min": 0, "max": 1_000}),
        ("read_lag_ms", "GET *", {"min": 0, "max": 300, "mode": "stale"}),
    ],
}


@pytest.mark.parametrize("fault", FAULTS)
def test_no_fault_loses_or_doubles_anything(fault, tmp_path, warm):
    kind = KINDS[len(fault) % 2]

    async def case(one):
        one.stand.port.api.timeout = 700
        for knob, where, values in FAULTS[fault]:
            one.stand.venue.faults.set(knob, where=where, **values)
        await one.busy(1.5, seed=len(fault))
        await healed(one)
        assert one.check()["intents"] > 0

    play(kind, tmp_path, case)


@pytest.mark.parametrize("deaf", [False, True], ids=["stream", "reads only"])
@pytest.mark.parametrize("ours", [True, False], ids=["by the kill process", "by hand"])
def test_whose_an_order_is_that_somebody_else_sent(ours, deaf, tmp_path, warm):
    """What the kill process closes is booked as the strategy's; what a person does on the venue's page is booked, and held."""

    async def case(one):
        one.submit(one.new(BUY), order_id=7)
        await until(lambda: one.heard.tells)
        await one.stand.other.submit(one.stand.new(SELL))
        await until(lambda: one.heard.position_lots() == one.stand.lots)
        if deaf:
            one.desk._loops[0].cancel()
        await one.stand.other.submit(one.stand.new(BUY))
        prefix = id_prefix(one.desk.account, one.desk.strategies["s"], one.desk.port.abilities.client_id_pattern)
        name = closing_id(prefix, 7) if ours else "web_1"
        closing = NewOrder(symbol=one.stand.symbol, client_id=name, side=SELL, qty_lots=one.stand.lots, reduce_only=True)
        assert (await one.stand.port.submit(closing)).must().filled
        await until(lambda: one.heard.position_lots() == 0, 30.0)
        rows = one.stored("SELECT coid FROM fill ORDER BY venue_ts_ms, trade_id")
        unexpected = [alarm for alarm in one.heard.alarms if getattr(alarm, "kind", "") == "UNEXPECTED_FILL"]
        assert (rows[-1].coid == name) is ours
        assert bool(unexpected) is not ours
        (of_strategy,) = one.stored("SELECT qty FROM position WHERE strategy = 's'")
        assert (Decimal(of_strategy.qty) == 0) is ours
        # So says the account, which asks the intent whose a fill is.
        assert (AccountLog(one.desk.log.store, one.desk.port.name, "main", now_ns=now_ns).fills()[-1].strategy == "s") is ours
        # The next session of the strategy begins with what the ledger says that it holds.
        fills = fills_after(one.desk.log.store, one.desk.port.name, "main", "s")
        assert (sum(Decimal(fill.row.qty) * (1 if fill.row.side == "buy" else -1) for fill in fills) == 0) is ours

    play("linear", tmp_path, case)
