"""Whole runs over bars written by hand: what is filled where, and what an account may hold."""

import numpy as np
import pytest

import b25
from b25.model.errors import Halt, Misuse
from b25.model.event import BUY, SELL
from b25.model.order import Reason
from b25.venue.bar_models import Account, BarFills
from b25.venue.models import Fees
from tests.engine.bar_runs import (
    MINUTE,
    POST,
    REDUCE,
    SPOT,
    START,
    bars_of,
    fills_of,
    order,
    order_of,
    play,
    refusals_of,
    run_bars,
)

FLAT = (100, 100, 100, 100)
CROSSED = int(Reason.POST_ONLY_WOULD_CROSS)


@pytest.mark.golden("F01")
@pytest.mark.parametrize(
    ("bar", "limit", "price"),
    [
        ((105, 106, 94, 95), "through", 100),
        ((97, 106, 94, 95), "through", 97),
        ((105, 106, 100, 101), "through", None),
        ((105, 106, 100, 101), "touch", 100),
        ((105, 106, 99, 101), "through", 100),
    ],
)
def test_a_resting_buy_is_filled_at_its_price_or_a_better_open(bar, limit, price):
    bars = bars_of([(105, 105, 105, 105), (105, 106, 104, 105), bar])
    out = play(bars, {0: [order(BUY, 1, 100)]}, fills=BarFills(limit=limit))
    assert fills_of(out) == ([] if price is None else [(1, BUY, price, 1)])
    assert out.fills["maker"].all()


@pytest.mark.golden("F01")
def test_a_target_gets_its_price_and_no_better():
    # In halves: long at 100, target 110, high 110.5, close 103.
    bars = bars_of([(200,) * 4, (200, 201, 199, 200), (206, 221, 204, 206)])
    out = play(bars, {0: [order(BUY, 1)]}, {0: [order(SELL, 1, 220, flags=REDUCE)]})
    assert fills_of(out) == [(1, BUY, 200, 1), (2, SELL, 220, 1)]


@pytest.mark.golden("F02")
@pytest.mark.golden("T06")
@pytest.mark.parametrize(
    ("bar", "fill"),
    [
        ((70, 75, 60, 74), (2, SELL, 70, 1)),
        ((95, 96, 89, 95), (2, SELL, 90, 1)),
        ((100, 111, 89, 100), (2, SELL, 90, 1)),
        ((100, 111, 91, 100), (3, SELL, 110, 1)),
    ],
)
def test_a_stop_gets_its_price_or_a_worse_open_and_comes_before_a_target(bar, fill):
    bars = bars_of([FLAT, (100, 101, 99, 100), bar, FLAT])
    exits = [order(SELL, 1, stop=90, flags=REDUCE), order(SELL, 1, 110, flags=REDUCE)]
    out = play(bars, {0: [order(BUY, 1)]}, {0: exits}, account=Account(leverage=1))
    assert fills_of(out) == [(1, BUY, 100, 1), fill]
    other = 5 - fill[0]
    assert order_of(out, other) == ("EXPIRED", 0, "WOULD_INCREASE")


@pytest.mark.golden("F03")
@pytest.mark.golden("T07")
@pytest.mark.parametrize("missing", [[], [1, 2]])
def test_a_limit_better_than_the_market_takes_at_the_market(missing):
    bars = bars_of([FLAT, FLAT, FLAT, FLAT], missing=missing)
    out = play(bars, {0: [order(BUY, 1, 110)]}, fees=Fees(0.0, 0.01))
    assert fills_of(out) == [(1, BUY, 100, 1)]
    assert not out.fills["maker"].any()
    assert out.fills["fee_e8"].tolist() == [10**8]


def test_a_profit_that_the_bar_does_not_prove_is_not_taken_on_the_way_to_the_close_either():
    # Flat, so the bar goes to its nearer low first: bought at 98; the high may have been before that.
    bars = bars_of([FLAT, (100, 110, 97, 101), (101, 102, 100, 101)])
    out = play(bars, {0: [order(BUY, 1, 98)]}, {0: [order(SELL, 1, 105, flags=REDUCE)]})
    assert fills_of(out) == [(1, BUY, 98, 1)]
    # When the bar closes beyond it, it was there.
    bars = bars_of([FLAT, (100, 110, 97, 106), (101, 102, 100, 101)])
    out = play(bars, {0: [order(BUY, 1, 98)]}, {0: [order(SELL, 1, 105, flags=REDUCE)]})
    assert fills_of(out) == [(1, BUY, 98, 1), (2, SELL, 105, 1)]


def test_a_triggered_stop_limit_takes_where_it_may_and_rests_where_not():
    bars = bars_of([FLAT, (100, 104, 99, 103), (103, 103, 99, 100)])
    fees = Fees(0.0, 0.01)
    taken = play(bars, {0: [order(BUY, 1, 103, stop=102)]}, fees=fees, fills=BarFills(slippage_bps=50))
    assert fills_of(taken) == [(1, BUY, 103, 1)]
    assert not taken.fills["maker"].any()
    # Its limit lies behind its stop: it waits for the way back.
    rests = play(bars, {0: [order(BUY, 1, 101, stop=103)]}, fees=fees)
    assert fills_of(rests) == [(1, BUY, 101, 1)]
    assert rests.fills["maker"].all()


def test_stops_are_met_when_the_volume_is_used_up_and_wait_for_the_next_open():
    # A tenth of 10 lots: one. Two stops are passed, and the price comes back.
    bars = bars_of([FLAT, (100, 100, 100, 100, 100), (100, 100, 90, 99, 10), (99, 99, 99, 99, 100)])
    stops = [order(SELL, 1, stop=95), order(SELL, 2, stop=93)]
    out = play(bars, {1: stops}, fills=BarFills(participation=0.1))
    assert fills_of(out) == [(1, SELL, 95, 1), (2, SELL, 99, 2)]


def test_a_fill_or_kill_order_is_filled_whole_or_not_at_all():
    bars = bars_of([FLAT, (100, 101, 99, 100, 50), FLAT])
    part = play(bars, {0: [order(BUY, 6, 100, tif=b25.FOK)]}, fills=BarFills(participation=0.1))
    assert order_of(part, 1) == ("EXPIRED", 0, "NOTHING_TO_MATCH")
    poor = play(bars, {0: [order(BUY, 6, 100, tif=b25.FOK)]}, balance=500.0)
    assert order_of(poor, 1) == ("EXPIRED", 0, "INSUFFICIENT_FUNDS")
    assert fills_of(play(bars, {0: [order(BUY, 5, 100, tif=b25.FOK)]}, balance=500.0)) == [(1, BUY, 100, 5)]


@pytest.mark.golden("G11")
@pytest.mark.parametrize(("side", "stop", "taken"), [(SELL, 101, 0), (SELL, 100, 0), (SELL, 99, 1), (BUY, 99, 0), (BUY, 101, 1)])
def test_a_stop_on_the_wrong_side_is_refused(side, stop, taken):
    out = play(bars_of([FLAT, FLAT]), {0: [order(side, 1, stop=stop)]})
    assert refusals_of(out) == ["STOP_WRONG_SIDE"] * (1 - taken)
    assert out.orders.size == taken


def test_a_post_only_order_never_takes_not_even_when_it_is_amended():
    bars = bars_of([FLAT, FLAT, FLAT])
    amend = (3, 0, 1, 101, 2, 0, 0)
    out = play(bars, {0: [order(BUY, 1, 100, flags=POST), order(BUY, 1, 99, flags=POST)], 1: [amend]})
    for number in (1, 2):
        assert order_of(out, number) == ("EXPIRED", 0, "POST_ONLY_WOULD_CROSS")


def test_spot_cannot_be_sold_short_and_contracts_beside_it_can():
    bars = bars_of([FLAT, FLAT, FLAT], SPOT)
    out = play(bars, {0: [order(BUY, 3)], 1: [order(SELL, 5)]})
    assert fills_of(out) == [(1, BUY, 100, 3), (2, SELL, 100, 3)]
    assert order_of(out, 2) == ("EXPIRED", 3, "SHORT_NOT_ALLOWED")
    assert order_of(play(bars, {0: [order(SELL, 5)]}), 1) == ("EXPIRED", 0, "SHORT_NOT_ALLOWED")
    assert play(bars, {0: [order(SELL, 5)]}, account=Account(short=True)).world.positions[0]["position_lots"] == -5

    class Carry(b25.Strategy):
        """Long spot, short the contract."""

        def on_bar(self, ctx):
            if ctx.bars_seen() == 1:
                ctx.buy(2.0, i=0)
                ctx.sell(2.0, i=1)
                ctx.sell(9.0, i=0)

    both = run_bars(Carry, [bars, bars_of([FLAT, FLAT, FLAT])], compiled=False)
    assert both.world.positions["position_lots"].tolist() == [0, -2]


@pytest.mark.parametrize(
    ("leverage", "fee", "lots"), [(1.0, 0.0, 10), (1.0, 0.01, 9), (3.0, 0.0, 30), (3.0, 0.01, 29), (0.5, 0.0, 5)]
)
def test_what_the_money_does_not_pay_for_is_cut(leverage, fee, lots):
    # leverage x (1000 - fee x 100 x lots) >= 100 x lots
    out = play(
        bars_of([FLAT, FLAT]), {0: [order(BUY, 50)]}, balance=1_000.0, account=Account(leverage=leverage), fees=Fees(0.0, fee)
    )
    assert fills_of(out) == [(1, BUY, 100, lots)]
    assert order_of(out, 1) == ("EXPIRED", lots, "INSUFFICIENT_FUNDS")


def test_a_reversal_is_paid_from_what_its_loss_leaves():
    # Long 10 at 100 with 1000; sold at 90 after slippage, 900 are left: 9 more can be sold there, and 10 are not.
    bars = bars_of([FLAT, FLAT, FLAT])
    how = {"balance": 1_100.0, "fills": BarFills(slippage_bps=1_000)}
    out = play(bars, {0: [order(BUY, 10)], 1: [order(SELL, 30)]}, **how)
    assert fills_of(out)[0] == (1, BUY, 110, 10)
    # 1100 - 200 from 110 to 90 leave 900.
    assert fills_of(out)[1] == (2, SELL, 90, 20)


def test_sales_pay_for_purchases_at_the_same_open():
    class Rotate(b25.Strategy):
        """All of one, then all of the other; the purchase is asked for first."""

        def on_bar(self, ctx):
            if ctx.bars_seen() == 1:
                ctx.buy(10.0, i=1)
            if ctx.bars_seen() == 2:
                ctx.buy(10.0, i=0)
                ctx.sell(10.0, i=1)

    out = run_bars(Rotate, [bars_of([FLAT] * 4), bars_of([FLAT] * 4)], balance=1_000.0, compiled=False)
    assert fills_of(out) == [(1, BUY, 100, 10), (3, SELL, 100, 10), (2, BUY, 100, 10)]
    assert out.fills["local_ns"].tolist()[1:] == [START + 2 * MINUTE] * 2


def test_one_pool_of_money_stands_behind_all_instruments():
    class Both(b25.Strategy):
        def on_bar(self, ctx):
            if ctx.bars_seen() == 1:
                for i in range(ctx.n):
                    ctx.buy(8.0, i=i)

    out = run_bars(Both, [bars_of([FLAT] * 3), bars_of([FLAT] * 3)], balance=1_000.0, compiled=False)
    assert out.world.positions["position_lots"].tolist() == [8, 2]


@pytest.mark.parametrize("rests", [False, True])
def test_what_a_fill_leads_to_in_another_instrument_is_live_for_the_rest_of_its_bar(rests):
    class Follow(b25.Strategy):
        def on_bar(self, ctx):
            if ctx.bars_seen() == 1:
                ctx.buy(1.0, 98.0, i=0)
                if rests:
                    ctx.buy(1.0, 50.0, i=1)

        def on_fill(self, ctx):
            if ctx.fill().instrument == 0:
                ctx.buy(1.0, 95.0, i=1)

    bars = [bars_of([FLAT, (100, 101, low, 100), FLAT]) for low in (97, 90)]
    out = run_bars(Follow, bars, compiled=False)
    assert out.fills["instrument"].tolist() == [0, 1]
    assert out.fills["price_ticks"].tolist() == [98, 95]
    assert out.fills["local_ns"].tolist() == [START + 2 * MINUTE - 1] * 2


def test_nothing_is_filled_in_a_gap():
    bars = bars_of([FLAT, (1, 1, 1, 1), (1, 1, 1, 1), (103, 104, 102, 103)], missing=[1, 2])
    out = play(bars, {0: [order(BUY, 1)]})
    assert fills_of(out) == [(1, BUY, 103, 1)]
    assert out.fills["local_ns"][0] == START + 3 * MINUTE


def test_at_the_close_an_instrument_in_a_gap_has_no_price():
    class Buy(b25.Strategy):
        def on_bar(self, ctx):
            if ctx.bars_seen(0) == 2 and ctx.fresh(0):
                ctx.buy(1.0, i=0)
                ctx.buy(1.0, i=1)

    whole, holed = bars_of([FLAT] * 4), bars_of([FLAT, FLAT, FLAT, (105, 105, 105, 105)], missing=[1, 2])
    out = run_bars(Buy, [whole, holed], fills=BarFills(price="close"), compiled=False)
    assert fills_of(out) == [(1, BUY, 100, 1), (2, BUY, 105, 1)]
    assert out.fills["local_ns"].tolist() == [START + 2 * MINUTE, START + 3 * MINUTE]


def test_at_the_close_the_volume_is_shared_too():
    bars = bars_of([(100, 101, 99, 101, 100), (102, 103, 101, 102, 50), FLAT])
    out = play(bars, {0: [order(BUY, 12)]}, fills=BarFills(price="close", participation=0.1))
    assert fills_of(out) == [(1, BUY, 101, 10), (1, BUY, 102, 2)]


def test_bars_that_overlap_are_refused():
    class Idle(b25.Strategy):
        def on_bar(self, ctx):
            pass

    late = bars_of([FLAT] * 3, start_ns=START + MINUTE // 2)
    with pytest.raises(Misuse, match="overlap"):
        run_bars(Idle, [bars_of([FLAT] * 3), late], compiled=False)


class Stubborn(b25.Strategy):
    """Sends a post-only order anew whenever it was refused for taking."""

    def on_bar(self, ctx):
        ctx.buy(1.0, ctx.bar().close, post_only=True)

    def on_order(self, ctx):
        if ctx.order().reason == CROSSED:
            ctx.buy(1.0, ctx.bar().close, post_only=True)


def test_a_strategy_that_answers_every_answer_halts_with_a_remedy():
    with pytest.raises(Halt, match="65 536 requests"):
        run_bars(Stubborn, bars_of([FLAT] * 3))


def test_thousands_of_notes_are_taken_away_between_quiet_bars():
    class Chatty(b25.Strategy):
        def on_bar(self, ctx):
            ctx.log(1, ctx.bar().close)
            ctx.log(2, 0.0)

    out = run_bars(Chatty, bars_of([(100, 101, 99, 100 + k % 2) for k in range(20_000)]))
    assert out.notes.size == 40_000
    assert np.array_equal(out.notes["time_ns"][::2], START + MINUTE * np.arange(1, 20_001))


class AsksTwice(b25.Strategy):
    """Wants the same twice in one callback."""

    def on_bar(self, ctx):
        ctx.target(1.0)
        ctx.target(1.0)


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "plain"])
def test_a_target_that_is_named_twice_is_ordered_once(compiled):
    result = b25.backtest(AsksTwice, bars_of([(100, 101, 99, 100)] * 4), balance=1_000_000.0, compiled=compiled)
    assert result.fills["quantity"].to_list() == [1.0]
