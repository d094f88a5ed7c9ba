"""Widgets fed by a real gateway over a real socket: the newest state, its age, what is lost, and that nothing is left behind."""

import asyncio
import threading
import time
from itertools import pairwise

import pytest

from b25.client.live import LiveThread
from b25.model.errors import Misuse
from b25.notebook.widgets import Blotter, Candles, Ladder, RiskGauges, SessionPanel
from b25.notebook.widgets.packed import BARS, FILLS, unpacked
from tests.api.conftest import gateway  # noqa: F401 - a fixture
from tests.api.ws.conftest import served  # noqa: F401 - a fixture
from tests.client.test_live import live_of

SYMBOL, TOKEN, NAME = "BTC/USDT:USDT", "BTC_USDT_USDT", "live-1"
MINUTE_NS = 60 * 10**9


class Gateway:
    """What `b25.connect()` returns, as far as widgets ask it."""

    def __init__(self, served):  # noqa: F811
        self.served, self.opened = served, []

    def live(self, *channels):
        self.opened.append(LiveThread(live_of(self.served, *channels, role="trader,admin")))
        return self.opened[-1]

    def limits(self):
        limits = [
            {"symbol": SYMBOL, "gross_max": 50_000.0, "leverage_max": 3.0},
            {"symbol": "ETH/USDT:USDT", "gross_max": 40_000.0},
        ]
        return {"data": [{"session": NAME, "limits": limits}, {"session": "other", "limits": [{"gross_max": 1.0}]}]}


@pytest.fixture
def home(served):  # noqa: F811
    state, now = served.state, time.time_ns()
    told = {"time_ns": now, "source": f"session/{NAME}", "account": "main"}
    health = {"state": "running", "live_orders": 2, "events": 9, "fault": None}
    state.put("sessions", NAME, {"session": NAME, "mode": "paper", "strategy": "Maker", "health": health}, **told)
    balance, pnl = (
        {"asset": "USDT", "equity": "10100.5"},
        {"asset": "USDT", "realised": "120.5", "unrealised": "-10", "fees": "10"},
    )
    state.put("account", NAME, {"session": NAME, "balance": balance, "pnl": pnl}, **told)
    held = {"symbol": SYMBOL, "session": NAME, "quantity": "0.5", "entry_price": "30000.1", "mark": None, "unrealised": None}
    state.put("positions", f"{NAME}/{TOKEN}", held, **told)
    levels = {"symbol": SYMBOL, "bids": [["30000.0", "1.5"], ["29999.5", "2"]], "asks": [["30000.5", "0.25"]], "is_healthy": True}
    state.put("orderbook", TOKEN, levels, **told)
    order = {
        "symbol": SYMBOL,
        "side": "buy",
        "price": "29999.5",
        "quantity": "1.5",
        "filled": "0.5",
        "status": "OPEN",
        "strategy": "Maker",
    }
    state.put("orders", "b25-1", order, **told)
    state.put("orders", "b25-0", {**order, "status": "FILLED", "filled": "1.5"}, **told)
    fill = {
        "symbol": SYMBOL,
        "side": "sell",
        "price": "30001",
        "quantity": "0.5",
        "fee": "1.5",
        "strategy": "Maker",
        "is_maker": True,
    }
    state.put("fills", "x/1", fill, **told)
    opens = [now // MINUTE_NS * MINUTE_NS - k * MINUTE_NS for k in (1, 0)]
    bar = {"open": "30000.0", "high": "30010.5", "low": "29990.0", "close": "30001.0", "volume": "12.5", "trades": 3}
    bars = {str(one): {**bar, "close_ns": one + MINUTE_NS, "is_closed": False} for one in opens}
    state.put("candles", TOKEN, {"symbol": SYMBOL, "bars": bars}, **told)
    metrics = {"gross": 41_000.0, "net": None, "leverage": None, "live_orders": 2, "time_ns": now}
    violations = {"position_limit": {"rule": "position_limit", "count": 4, "time_ns": now}}
    state.put("risk", NAME, {"session": NAME, "metrics": metrics, "violations": violations}, **told)
    return Gateway(served)


def until(widget, holds):
    """Let a kernel's loop run until something holds of a widget that was made in it, then close it."""

    async def main():
        made = widget()
        try:
            for _ in range(1_000):
                if holds(made):
                    return made
                await asyncio.sleep(0.01)
            raise AssertionError("it did not come to that in ten seconds")
        finally:
            made.close()

    return asyncio.run(main())


def test_a_ladder_shows_the_book_and_what_is_left_of_our_orders(home):
    made = until(lambda: Ladder.live(home, SYMBOL), lambda one: len(one.book) > 16)
    bids, asks = made.levels()
    assert (made.grid["tick"], made.grid["lot"], made.grid["quote"]) == ("0.1", "0.01", "USDT")
    assert bids.tolist() == [[300_000, 150], [299_995, 200]]
    assert asks.tolist() == [[300_005, 25]]
    assert made.orders == [{"id": "b25-1", "side": 1, "ticks": 299_995, "lots": 100, "ahead": None}]
    assert made.status["mode"] == "paper"
    assert made.status["age_s"] is not None


def test_candles_show_minutes_fills_and_what_is_open(home):
    made = until(lambda: Candles.live(home, SYMBOL), lambda one: len(one.bars) > 0)
    assert unpacked(BARS, made.bars)["high"].tolist() == [30010.5, 30010.5]
    assert [(one["kind"], one["price"]) for one in made.lines] == [("order", 29999.5), ("entry", 30000.1)]
    assert made.tick["digits"] == 1
    assert unpacked(FILLS, made.fills)["side"].tolist() == [-1]


def test_a_blotter_holds_what_the_gateway_tells_and_grows(home):
    def grown(one):
        if one.picked_row is None and len(one._rows) == 2:
            home.served.state.put(
                "orders",
                "b25-2",
                {"symbol": SYMBOL, "side": "sell", "status": "NEW", "price": "1"},
                time_ns=5,
                source="s",
                account="a",
            )
        return len(one._rows) == 3

    made = until(lambda: Blotter.live(home, "orders"), grown)
    assert {row["key"] for row in made._rows} == {"b25-0", "b25-1", "b25-2"}
    with pytest.raises(Misuse, match="live 'trades'"):
        Blotter.live(home, "trades")


def test_gauges_hold_what_is_used_against_the_tightest_limit(home):
    made = until(lambda: RiskGauges.live(home, NAME), lambda one: any(found["used"] for found in one.limits))
    found = {one["name"]: one for one in made.limits}
    assert (found["gross_max"]["used"], found["gross_max"]["limit"], found["gross_max"]["state"]) == (41_000, 40_000, "breached")
    assert found["leverage_max"]["state"] == "unknown"
    assert (found["position_limit"]["state"], found["position_limit"]["count"]) == ("refused", 4)


def test_a_card_shows_a_session_and_its_commands_reach_the_gateway(home):
    def holds(one):
        if one.snapshot["net"] is not None and not one.outcome:
            one._heard(one, {"kind": "command", "name": "pause", "number": 1}, [])
        return one.outcome.get("state") == "done"

    made = until(lambda: SessionPanel.live(home, NAME), holds)
    shot = made.snapshot
    assert (shot["net"], shot["state"], shot["account"], shot["live_orders"]) == ("100.5", "running", "main", 2)
    assert shot["funding"] is None
    assert shot["positions"] == [
        {"symbol": SYMBOL, "quantity": "0.5", "entry_price": "30000.1", "mark": None, "unrealised": None}
    ]
    assert made.phrase == "KILL main"
    (_, asked) = home.served.session.asked[-1]
    assert (asked.name, asked.args) == ("pause", {"session": NAME, "reason": "asked for in a notebook"})


def test_a_thousand_changes_a_second_are_a_few_updates_and_the_last_is_shown(home):
    sent = []

    def watched():
        one = Ladder.live(home, SYMBOL)
        one.observe(lambda change: sent.append(time.monotonic()), "book")
        return one

    def holds(one):
        if not holds.begun and len(one.book) > 16:
            holds.begun = True
            threading.Thread(target=storm).start()
        return one.levels()[0][0][1] == 999 if len(one.book) > 16 else False

    def storm():
        for k in range(1_000):
            book = {"symbol": SYMBOL, "bids": [["30000.0", f"{k / 100:.2f}"]], "asks": [["30000.5", "1.00"]], "is_healthy": True}
            home.served.state.put("orderbook", TOKEN, book, time_ns=time.time_ns(), source=f"session/{NAME}", account="main")
            if k % 10 == 0:
                time.sleep(0.01)

    holds.begun = False
    until(watched, holds)
    assert len(sent) <= 30
    assert all(later - earlier > 0.08 for earlier, later in pairwise(sent))


def test_when_the_gateway_is_gone_the_last_values_stay_and_are_marked(home):
    def holds(one):
        if len(one.book) > 16 and not home.served.server.should_exit:
            home.served.server.should_exit = True
        return one.status["is_stale"] and len(one.book) > 16

    made = until(lambda: Ladder.live(home, SYMBOL), holds)
    assert made.status["why"] == "the connection to the gateway is lost"
    assert len(made.levels()[0]) == 2


def test_a_widget_that_is_closed_leaves_no_thread_and_one_on_a_shared_state_leaves_that_alone(home):
    until(lambda: Ladder.live(home, SYMBOL), lambda one: len(one.book) > 16)
    assert not home.opened[0]._thread.is_alive()
    with LiveThread(live_of(home.served, "orderbook", "orders", "sessions", role="trader")) as shared:
        until(lambda: Ladder.live(shared, SYMBOL), lambda one: len(one.book) > 16)
        assert shared._thread.is_alive()
        assert len(shared.live.changed.calls) == 1
        with pytest.raises(Misuse, match="does not follow 'risk'"):
            RiskGauges.live(shared, NAME)


def test_what_is_no_client_is_refused():
    with pytest.raises(Misuse, match="no client"):
        Ladder.live(object(), SYMBOL)
    with pytest.raises(Misuse, match="which session"):
        SessionPanel.live(object())
