"""Funding, borrowing and liquidation through whole runs over bars, by hand; and the sum of everything at every mark."""

import numpy as np
import pytest

import b25
from b25.engine.backtest import Outcome
from b25.model.event import BUY, SELL
from b25.model.instrument import Instrument
from b25.model.margin import TIERS
from b25.model.order import Reason, State
from b25.venue.bar_models import Account, BarFills
from b25.venue.models import Fees
from tests.engine.bar_dice import Dice, market
from tests.engine.bar_runs import (
    COIN,
    MINUTE,
    PERP,
    REDUCE,
    SPOT,
    START,
    bars_of,
    fills_of,
    order,
    order_of,
    play,
    run_bars,
)  # fmt: skip

DAY = 86_400 * 10**9
FLAT = (100, 100, 100, 100)
# The venue of the golden cases: ticks of a cent, a maintenance rate of 0.01 and a cum of 0.01.
TEN = Instrument(venue="sim", symbol="TEN/USD:USD", tick="0.01", lot="1")  # type: ignore[arg-type]
HUNDREDTH = np.zeros(1, TIERS)
HUNDREDTH["count"], HUNDREDTH["notional_max"], HUNDREDTH["leverage_max"] = 1, np.inf, 125.0
HUNDREDTH["mmr"][0, 0], HUNDREDTH["cum"][0, 0] = 0.01, 0.01


class Held(b25.Strategy):
    """Holds so many lots from the first close on, and notes what it paid for them."""

    lots: float = b25.param(2.0)

    def on_bar(self, ctx):
        if ctx.bars_seen() == 1:
            ctx.target(self.lots)

    def on_funding(self, ctx):
        ctx.log(ctx.i, ctx.cash())


@pytest.mark.golden("L08")
@pytest.mark.parametrize(("lots", "paid"), [(2.0, -6), (-2.0, 6)])
@pytest.mark.parametrize("compiled", [True, False])
def test_a_long_pays_funding_and_a_short_receives_it(lots, paid, compiled):
    # The first payment falls on the open at which the position is opened: what was held before that open is nothing.
    bars = bars_of([(30_000,) * 4] * 6, funding=[(1, 0.0001), (3, 0.0001)])
    out = run_bars(Held, bars, {"lots": lots}, balance=100_000.0, compiled=compiled)
    position = out.world.positions[0]
    assert (position["funding"], position["realised"]) == (paid, 0)
    assert out.notes["time_ns"].tolist() == [START + 3 * MINUTE]
    assert out.notes["value"].tolist() == [100_000.0 + paid]


def test_funding_that_falls_into_a_gap_is_paid_at_the_next_open():
    bars = bars_of([FLAT, FLAT, FLAT, FLAT, (200,) * 4], missing=[2, 3], funding=[(3, 0.01)])
    out = run_bars(Held, bars, {"lots": 3.0}, compiled=False)
    assert out.notes["time_ns"].tolist() == [START + 4 * MINUTE]
    assert out.world.positions[0]["funding"] == -6


@pytest.mark.golden("Q02")
@pytest.mark.parametrize(
    ("side", "leverage", "bar", "price"),
    [
        (BUY, 5, (950, 960, 800, 900), 807),  # 8.0707…
        (BUY, 3, (950, 960, 600, 900), 672),  # 6.7239…
        (SELL, 5, (1_050, 1_200, 1_040, 1_100), 1_190),  # 11.8910…
        (SELL, 3, (1_050, 1_400, 1_040, 1_100), 1_322),  # 13.2112…
        (BUY, 5, (950, 960, 808, 900), None),
        (SELL, 5, (1_050, 1_189, 1_040, 1_100), None),
        (BUY, 5, (700, 960, 700, 900), 700),  # an open beyond it
    ],
)
def test_an_isolated_position_is_liquidated_at_the_golden_price(side, leverage, bar, price):
    bars = bars_of([(1_000,) * 4, (1_000,) * 4, bar, (900,) * 4], TEN)
    account = Account(leverage=leverage, margin="isolated", tiers={TEN.symbol: HUNDREDTH})
    # A bid and an ask far away rest beside it.
    far = [order(BUY, 1, 1), order(SELL, 1, 50)]
    out = play(bars, {0: [order(side, 1)], 1: far}, balance=10.0, account=account)
    if price is None:
        assert fills_of(out) == [(1, side, 1_000, 1)]
        return
    assert fills_of(out) == [(1, side, 1_000, 1), (0, -side, price, 1)]
    assert [order_of(out, k) for k in (2, 3)] == [("EXPIRED", 0, "LIQUIDATED")] * 2
    at_open = bar[0] == price
    assert out.fills["local_ns"][1] == START + (2 * MINUTE if at_open else 3 * MINUTE - 1)
    # The venue takes 1.25 % of the value; what the margin does not bear is its own loss, to the next cent.
    position = out.world.positions[0]
    fee = price * 1.25e6
    assert int(position["fees"]) * 10**8 + int(position["fees_e8"]) == fee
    lost = abs(1_000 - price) + fee / 1e8
    assert position["insurance"] == pytest.approx(max(0.0, lost - 1_000 / leverage), abs=1.0)


def test_across_the_account_what_is_left_of_it_stands_behind_a_position():
    # (3 + 0.01 - 10) / (0.01 - 1) = 7.0606
    bars = bars_of([(1_000,) * 4, (1_000,) * 4, (900, 900, 500, 800)], TEN)
    out = play(bars, {0: [order(BUY, 1)]}, balance=3.0, account=Account(leverage=5, tiers={TEN.symbol: HUNDREDTH}))
    assert fills_of(out)[1] == (0, SELL, 706, 1)
    assert out.world.positions[0]["insurance"] == 0


def test_every_order_that_a_liquidation_cancels_is_told_of():
    bars = bars_of([(1_000,) * 4, (1_000,) * 4, (950, 960, 700, 900)], TEN)
    rests = [order(BUY, 1, 1), order(SELL, 1, 50), order(SELL, 1, 51)]
    answers = {0: [order(BUY, 1, 2)]}  # a limit sent in on_fill stays
    account = Account(leverage=5, margin="isolated", tiers={TEN.symbol: HUNDREDTH})
    out = play(bars, {0: [order(BUY, 1)], 1: rests}, {1: answers[0]}, balance=10.0, account=account)
    told = [int(n["code"]) // 10_000 for n in out.notes if n["code"] > 0 and n["code"] % 100 == int(Reason.LIQUIDATED)]
    assert told == [2, 3, 4]
    assert order_of(out, 5)[0] == "OPEN"


def test_after_a_liquidation_the_volume_left_is_never_less_than_nothing():
    # A tenth of 100 lots may be traded; 30 are liquidated; the limit that is sent then has no volume.
    rows = [(1_000, 1_000, 1_000, 1_000, 300)] * 2 + [(950, 990, 700, 980, 100), (980, 980, 980, 980, 100)]
    account = Account(leverage=5, margin="isolated", tiers={TEN.symbol: HUNDREDTH})
    out = play(
        bars_of(rows, TEN), {0: [order(BUY, 30)]}, {1: [order(SELL, 5, 9)]}, balance=90.0, account=account,
        fills=BarFills(participation=0.1),
    )  # fmt: skip
    assert fills_of(out)[1][0] == 0
    assert (out.fills["qty_lots"] > 0).all()
    assert out.fills["local_ns"][2:].tolist() == [START + 3 * MINUTE] * (out.fills.size - 2)


def test_the_fee_of_a_large_liquidation_fits():
    dust = Instrument(venue="sim", symbol="DUST/USD:USD", tick="0.00000001", lot="1")  # type: ignore[arg-type]
    bars = bars_of([(1_000,) * 4] * 5 + [(940, 945, 900, 940), (940,) * 4], dust)
    buys = [order(BUY, 2 * 10**9)] * 3
    out = play(bars, {0: buys, 1: buys}, balance=6_000.0, account=Account(leverage=40), fees=Fees(0.0, 0.0005))
    forced = out.fills[out.fills["order_id"] == 0]
    assert forced["qty_lots"].sum() == 12 * 10**9
    assert forced.size > 1
    assert all(int(f["fee_e8"]) == int(f["price_ticks"]) * int(f["qty_lots"]) * 1_300_000 for f in forced)
    position = out.world.positions[0]
    assert int(position["fees"]) * 10**8 + int(position["fees_e8"]) == sum(out.fills["fee_e8"].tolist())


def test_billions_of_lots_are_still_known_to_be_long():
    # Part of it is stopped out on the way down, and another part reaches its target on the way up.
    lots = Instrument(venue="sim", symbol="DUST/USD:USD", tick="0.00000001", lot="1")  # type: ignore[arg-type]
    bars = bars_of([(1_000,) * 4] * 2 + [(1_000, 1_100, 900, 1_000)], lots)
    stop = order(SELL, 10**9, stop=0.0000095, flags=REDUCE)  # type: ignore[arg-type]
    target = order(SELL, 10**9, 0.0000105, flags=REDUCE)  # type: ignore[arg-type]
    out = play(bars, {0: [order(BUY, 2 * 10**9)] * 3, 1: [stop, target]}, balance=100_000.0)
    assert fills_of(out)[3:] == [(4, SELL, 950, 10**9), (5, SELL, 1_050, 10**9)]


@pytest.mark.parametrize(
    ("wish", "account", "days", "owed"),
    [
        # 10 lots short at 100 for three days, from open to open.
        (order(SELL, 10), Account(short=True, borrow_per_day=0.01), 3, 30),
        # 150 at 100 with 10 000 of one's own: 5 000 are borrowed; what is paid for them is borrowed from then on, too.
        (order(BUY, 150), Account(leverage=2, borrow_per_day=0.001), 2, 10),
        (order(BUY, 100), Account(leverage=2, borrow_per_day=0.001), 2, 0),
    ],
)
@pytest.mark.parametrize("close", [False, True])
def test_borrowing_costs_its_rate_for_as_long_as_it_is_held(wish, account, days, owed, close):
    bars = bars_of([FLAT] * (days + 3), SPOT, frame_ns=DAY, timeframe="1d")
    # Filled at the close of the first bar or at the next open, which is the same moment.
    fills = BarFills(price="close" if close else "open")
    out = play(bars, {0: [wish], days: [(4, 1, 0, 0, 0, 0, 0)]}, account=account, fills=fills)
    assert out.world.positions[0]["position_lots"] == 0
    assert out.world.positions[0]["borrow"] == owed


def test_a_debt_is_shared_by_what_was_bought_with_it():
    class Two(b25.Strategy):
        def on_bar(self, ctx):
            if ctx.bars_seen() == 1:
                ctx.buy(80.0, i=0)
                ctx.buy(80.0, i=1)

    bars = [bars_of([FLAT] * 3, SPOT, frame_ns=DAY, timeframe="1d") for _ in range(2)]
    out = run_bars(Two, bars, account=Account(leverage=2, borrow_per_day=0.01), compiled=False)
    # 16 000 held, 10 000 of them one's own: 6 000 owed, 30 a day for each half.
    assert out.world.positions["borrow"].tolist() == [30, 30]


def check_marks(outcome: Outcome, unit: list[float]) -> None:
    """At every mark the ledger is what the fills say, in integers, and so is the account's change of value."""
    n = len(unit)
    for i in range(n):
        fills = outcome.fills[outcome.fills["instrument"] == i]
        marks = outcome.marks[i::n]
        linear = int(outcome.world.instruments[i]["inverse_num"]) == 0
        assert linear
        seen = np.searchsorted(fills["local_ns"], marks["time_ns"], side="right")
        side, price, lots = (fills[name].astype(np.int64) for name in ("side", "price_ticks", "qty_lots"))
        cash = np.concatenate(([0], np.cumsum(-side * price * lots)))
        held = np.concatenate(([0], np.cumsum(side * lots)))
        paid = np.concatenate(([0], np.cumsum(fills["fee_e8"])))
        # Several fills may share a moment: the mark's own holding says how many of them it has seen.
        for mark, most in zip(marks, seen.tolist(), strict=True):
            fees_e8 = int(mark["fees"]) * 10**8 + int(mark["fees_e8"])
            at = next(k for k in range(most, -1, -1) if paid[k] == fees_e8 and held[k] == mark["position_lots"])
            worth2 = int(held[at]) * int(mark["mid2_ticks"])
            other = int(mark["funding"] - mark["borrow"] + mark["insurance"])
            by_cash = 2 * int(cash[at]) + worth2 + 2 * other
            by_profit = 2 * int(mark["realised"]) + (worth2 - 2 * int(mark["cost"])) + 2 * other
            assert by_cash == by_profit


@pytest.mark.parametrize(
    ("instrument", "account", "rates"),
    [
        (PERP, Account(leverage=3), [0.001, -0.002]),
        (PERP, Account(leverage=40, margin="isolated"), [0.001]),
        (SPOT, Account(leverage=2, short=True, borrow_per_day=0.01), []),
    ],
)
def test_at_every_mark_what_was_earned_less_what_was_paid_is_the_change_of_the_account(instrument, account, rates):
    bars = [market(k, 300, instrument, hours=4, rates=rates) for k in (3, 4)]
    out = run_bars(Dice, bars, account=account, fees=Fees(-0.0001, 0.0005), balance=20_000.0)
    assert out.fills.size > 50
    check_marks(out, [1.0, 1.0])
    for i in range(2):
        position, mine = out.world.positions[i], out.fills[out.fills["instrument"] == i]
        assert position["position_lots"] == (mine["side"].astype(np.int64) * mine["qty_lots"]).sum()
        live = out.world.orders[(out.world.orders["state"] != int(State.NONE)) & (out.world.orders["instrument"] == i)]
        for side, name in ((BUY, "open_buy_lots"), (SELL, "open_sell_lots")):
            assert position[name] == live[live["side"] == side]["leaves_lots"].sum()


def test_the_account_never_holds_more_than_its_leverage_allows():
    for leverage in (1.0, 3.0):
        bars = [market(k, 300, PERP, hours=4) for k in (5, 6)]
        out = run_bars(Dice, bars, {"base": 3.0}, account=Account(leverage=leverage), fees=Fees(0.0002, 0.001), balance=60_000.0)
        marks = out.marks.reshape(-1, 2)
        at = np.searchsorted(marks["time_ns"][:, 0], out.fills["local_ns"])
        value = (np.abs(marks["position_lots"]) * (marks["mid2_ticks"] / 2)).sum(axis=1)
        money = marks["realised"] + marks["position_lots"] * (marks["mid2_ticks"] / 2) - marks["cost"] - marks["fees"]
        equity = 60_000.0 + (money - marks["fees_e8"] / 1e8).sum(axis=1)
        # A fill that enlarges the whole keeps within it; the price may carry it beyond between two fills.
        grown = np.concatenate(([False], np.diff(np.abs(marks["position_lots"]).sum(axis=1)) > 0))
        assert grown.sum() > 10
        assert at.size
        assert (value[grown] <= leverage * equity[grown] * (1 + 1e-9)).all()


@pytest.mark.golden("L08")
def test_an_inverse_contract_pays_its_funding_in_coin():
    # Ten contracts of 100 USD at 50 000: 0.02 coin, and a hundredth of a per cent of them.
    bars = bars_of([(500_000,) * 4] * 4, COIN, funding=[(2, 0.0001)])
    out = run_bars(Held, bars, {"lots": 10.0}, balance=1.0, compiled=False)
    assert out.world.positions[0]["funding"] * float(COIN.money_unit) == pytest.approx(-0.02 * 0.0001, rel=1e-12)
