"""Futures money by hand: commissions, profit, margin of positions and open orders, leverage, isolated positions, hedge mode."""

from decimal import Decimal

import pytest

from b25.venue.exchange.events import BalanceEvent
from tests.venue.exchange.floor import COIN, Floor, refused, says

START = 100_000 * COIN


@pytest.fixture
def floor(floor):
    floor.mark("20000")
    return floor


def trade(floor, buyer, seller, quantity, price, **terms):
    """One trade in which the seller rests."""
    floor.linear(seller, "SELL", quantity, price)
    floor.linear(buyer, "BUY", quantity, price, **terms)


def available(floor, account):
    return floor.exchange.linear_ledger.available(account, "USDT")


def test_a_round_trip_pays_its_profit_and_commissions(floor):
    trade(floor, floor.ann, floor.bob, "1", "20000")
    assert floor.wallet(floor.ann) == START - 10 * COIN  # taker 0.05 %
    assert floor.wallet(floor.bob) == START - 4 * COIN  # maker 0.02 %
    trade(floor, floor.bob, floor.ann, "1", "20500")
    # Ann sells at 20,500 as maker: 500 less 4.10; Bob buys back as taker: -500 less 10.25.
    assert floor.wallet(floor.ann) == START - 10 * COIN + 500 * COIN - 410_000_000
    assert floor.wallet(floor.bob) == START - 4 * COIN - 500 * COIN - 1_025_000_000
    kinds = [(row.kind, row.amount) for row in floor.exchange.linear_views.income(floor.ann)]
    assert kinds[1:] == [("COMMISSION", -10 * COIN), ("REALIZED_PNL", 500 * COIN), ("COMMISSION", -410_000_000)]


def test_closing_in_parts_realises_the_same(floor):
    trade(floor, floor.ann, floor.bob, "0.333", "20000.1")
    trade(floor, floor.ann, floor.bob, "0.333", "20000.2")
    trade(floor, floor.ann, floor.bob, "0.334", "20000.4")
    position = floor.position(floor.ann)
    state = position.state(isolated=False, mark_ticks=200_000)
    assert state.entry_text == "20000.2335"
    for quantity in ("0.1", "0.7", "0.2"):
        trade(floor, floor.bob, floor.ann, quantity, "20010")
    # 0.333 x 9.9 + 0.333 x 9.8 + 0.334 x 9.6
    assert position.realised == 976_650_000
    assert (position.lots, position.entry_ticklots, position.fees) == (0, 0, 0)


def test_a_trade_through_zero_opens_the_other_way(floor):
    trade(floor, floor.ann, floor.bob, "1", "20000")
    trade(floor, floor.bob, floor.ann, "3", "20100")
    position = floor.position(floor.ann)
    assert (position.lots, position.entry_ticklots, position.realised) == (-2000, 2000 * 201_000, 100 * COIN)
    assert position.fees == 804_000_000  # 0.02 % of 40,200, for the two that it opened
    fills = floor.exchange.linear_orders.my_trades(floor.ann, "BTCUSDT")
    assert [fill.realised for fill in fills] == [0, 100 * COIN]


def test_an_account_update_tells_wallet_and_position(floor):
    trade(floor, floor.ann, floor.bob, "1", "20000")
    event = floor.heard.of(floor.ann, BalanceEvent)[-1]
    assert (event.reason, event.assets[0].wallet, event.assets[0].change) == ("ORDER", START - 10 * COIN, 0)
    state = event.positions[0]
    assert (state.lots, state.entry_text, state.break_even_text) == (1000, "20000", "20010")
    assert (state.margin_type, state.position_side, state.unrealised) == ("cross", "BOTH", 0)


def test_open_orders_take_margin_for_the_larger_side(floor):
    floor.linear(floor.ann, "BUY", "1", "20000")
    assert available(floor, floor.ann) == START - 1000 * COIN  # 20,000 at leverage 20
    floor.linear(floor.ann, "SELL", "0.5", "20200")
    assert available(floor, floor.ann) == START - 1000 * COIN
    floor.linear(floor.ann, "SELL", "1", "20100")
    assert available(floor, floor.ann) == START - 1510 * COIN  # (10,100 + 20,100) / 20


def test_orders_that_close_take_none(floor):
    trade(floor, floor.ann, floor.bob, "1", "20000")
    before = available(floor, floor.ann)
    floor.linear(floor.ann, "SELL", "1", "20500")
    floor.linear(floor.ann, "SELL", "1", "20500", reduce_only=True)
    assert available(floor, floor.ann) == before
    floor.linear(floor.ann, "SELL", "1", "20500")
    # 41,000 sold less the 20,000 held is 21,000 to go short, against 20,000 held.
    assert before - available(floor, floor.ann) == 50 * COIN


def test_margin_runs_out(floor):
    error = refused(floor.linear, floor.ann, "BUY", "101", "20000")
    assert says(error) == (-2019, "Margin is insufficient.")
    floor.linear(floor.ann, "BUY", "100", "20000")
    assert available(floor, floor.ann) == 0
    assert refused(floor.linear, floor.ann, "SELL", "101", "20000").code == -2019


def test_a_buyer_above_the_mark_pays_the_opening_loss_at_once(floor):
    # 99 at 20,200: 99,990 of margin and 19,800 of loss.
    assert refused(floor.linear, floor.ann, "BUY", "99", "20200").code == -2019
    floor.linear(floor.ann, "BUY", "82", "20200")


def test_what_closes_is_never_refused_for_margin(floor):
    trade(floor, floor.ann, floor.bob, "50", "20000")
    floor.mark("18200")
    assert available(floor, floor.ann) == 0
    floor.linear(floor.ann, "SELL", "50", "18000")
    floor.linear(floor.bob, "BUY", "50", "18000")
    assert floor.position(floor.ann).lots == 0


def test_unrealised_profit_may_be_used_but_not_taken_out(floor):
    trade(floor, floor.ann, floor.bob, "10", "20000")
    floor.mark("21000")
    totals = floor.exchange.linear_views.account(floor.ann).assets[0]
    wallet = START - 100 * COIN
    assert (totals.wallet, totals.unrealised, totals.margin_balance) == (wallet, 10_000 * COIN, wallet + 10_000 * COIN)
    assert totals.available == wallet + 10_000 * COIN - 10_500 * COIN
    error = refused(floor.exchange.deposit, floor.ann, "linear", "USDT", "-100000")
    assert says(error) == (-2018, "Balance is insufficient.")


# -- settings -------------------------------------------------------------------------------------


def test_leverage_scales_margin(floor):
    settings = floor.exchange.linear_settings
    assert settings.set_leverage(floor.ann, "BTCUSDT", 50) == (50, 12_000_000 * COIN)
    floor.linear(floor.ann, "BUY", "1", "20000")
    assert available(floor, floor.ann) == START - 400 * COIN
    settings.set_leverage(floor.ann, "BTCUSDT", 10)
    assert available(floor, floor.ann) == START - 2000 * COIN
    for leverage in (0, 126):
        assert says(refused(settings.set_leverage, floor.ann, "BTCUSDT", leverage)) == (
            -4028,
            f"Leverage {leverage} is not valid",
        )
    assert floor.heard.users[-1][1].leverage == 10


def test_leverage_cannot_fall_below_what_the_margin_carries(floor):
    floor.linear(floor.ann, "BUY", "50", "20000")
    error = refused(floor.exchange.linear_settings.set_leverage, floor.ann, "BTCUSDT", 5)
    assert says(error) == (-2028, "Leverage is smaller than permitted: insufficient margin balance.")


def test_a_position_has_a_largest_size_at_its_leverage(floor):
    floor.exchange.linear_settings.set_leverage(floor.ann, "BTCUSDT", 125)
    error = refused(floor.linear, floor.ann, "BUY", "15.001", "20000")
    assert says(error) == (-2027, "Exceeded the maximum allowable position at current leverage.")
    floor.linear(floor.ann, "BUY", "15", "20000")
    floor.exchange.linear_settings.set_leverage(floor.ann, "BTCUSDT", 100)
    floor.linear(floor.ann, "BUY", "5", "20000")
    assert refused(floor.exchange.linear_settings.set_leverage, floor.ann, "BTCUSDT", 125).code == -2027


def test_margin_type_changes_only_when_there_is_nothing(floor):
    settings = floor.exchange.linear_settings
    assert says(refused(settings.set_margin_type, floor.ann, "BTCUSDT", "CROSSED")) == (-4046, "No need to change margin type.")
    order = floor.linear(floor.ann, "BUY", "1", "20000")
    assert refused(settings.set_margin_type, floor.ann, "BTCUSDT", "ISOLATED").code == -4047
    floor.linear(floor.bob, "SELL", "1", "20000")
    assert order.order_id
    assert refused(settings.set_margin_type, floor.ann, "BTCUSDT", "ISOLATED").code == -4048
    assert refused(settings.set_margin_type, floor.ann, "BTCUSDT", "BOTH").code == -1130
    settings.set_margin_type(floor.ann, "ETHUSDT", "ISOLATED")


@pytest.fixture
def isolated(floor):
    floor.exchange.linear_settings.set_margin_type(floor.ann, "BTCUSDT", "ISOLATED")
    trade(floor, floor.ann, floor.bob, "1", "20000")
    return floor


def test_an_isolated_position_sets_its_margin_aside(isolated):
    position = isolated.position(isolated.ann)
    assert position.isolated_wallet == 1000 * COIN
    assert isolated.ann.linear.cross["USDT"] == START - 1010 * COIN
    assert isolated.wallet(isolated.ann) == START - 10 * COIN
    trade(isolated, isolated.bob, isolated.ann, "0.4", "20100")
    assert position.isolated_wallet == 600 * COIN
    assert isolated.ann.linear.cross["USDT"] == START - 1010 * COIN + 400 * COIN + 40 * COIN - 160_800_000


def test_isolated_margin_can_be_moved(isolated):
    settings, position = isolated.exchange.linear_settings, isolated.position(isolated.ann)
    settings.change_position_margin(isolated.ann, "BTCUSDT", "BOTH", Decimal(500), add=True)
    assert position.isolated_wallet == 1500 * COIN
    settings.change_position_margin(isolated.ann, "BTCUSDT", "BOTH", Decimal(200), add=False)
    assert position.isolated_wallet == 1300 * COIN
    change = settings.change_position_margin
    assert refused(change, isolated.ann, "BTCUSDT", "BOTH", Decimal(301), add=False).code == -4051
    assert refused(change, isolated.ann, "BTCUSDT", "BOTH", Decimal(99_999), add=True).code == -4050
    assert refused(change, isolated.ann, "BTCUSDT", "BOTH", Decimal(0), add=True).code == -4055
    assert refused(change, isolated.ann, "BTCUSDT", "LONG", Decimal(1), add=True).code == -4061
    assert refused(change, isolated.bob, "BTCUSDT", "BOTH", Decimal(1), add=True).code == -4049
    isolated.exchange.linear_settings.set_margin_type(isolated.ann, "ETHUSDT", "ISOLATED")
    assert refused(change, isolated.ann, "ETHUSDT", "BOTH", Decimal(1), add=True).code == -4054
    assert refused(change, isolated.ann, "BTCUSDT", "BOTH", Decimal("1e99"), add=True).code == -4050


def test_an_isolated_position_keeps_its_leverage_from_falling(isolated):
    assert refused(isolated.exchange.linear_settings.set_leverage, isolated.ann, "BTCUSDT", 10).code == -2028
    isolated.exchange.linear_settings.set_leverage(isolated.ann, "BTCUSDT", 25)


# -- hedge mode -----------------------------------------------------------------------------------


@pytest.fixture
def hedged(floor):
    floor.exchange.linear_settings.set_hedge(floor.ann, hedge=True)
    floor.linear(floor.bob, "SELL", "2", "20000")
    floor.linear(floor.ann, "BUY", "2", "20000", position_side="LONG")
    floor.linear(floor.bob, "BUY", "1", "20000")
    floor.linear(floor.ann, "SELL", "1", "20000", position_side="SHORT")
    return floor


def test_hedge_mode_holds_both_sides(hedged):
    assert hedged.position(hedged.ann, "LONG").lots == 2000
    assert hedged.position(hedged.ann, "SHORT").lots == -1000
    risks = hedged.exchange.linear_views.positions(hedged.ann, "BTCUSDT")
    assert [(risk.state.position_side, risk.position_initial) for risk in risks] == [
        ("LONG", 2000 * COIN),
        ("SHORT", 1000 * COIN),
    ]


def test_hedge_mode_closes_only_what_there_is(hedged):
    hedged.linear(hedged.bob, "BUY", "3", "20000")
    order = hedged.linear(hedged.ann, "SELL", "3", "20000", position_side="LONG")
    assert (order.state, order.filled_lots) == ("EXPIRED", 2000)
    assert hedged.position(hedged.ann, "LONG").lots == 0
    assert hedged.position(hedged.ann, "SHORT").lots == -1000
    assert refused(hedged.linear, hedged.ann, "SELL", "1", "20000", position_side="LONG").code == -2022


def test_hedge_mode_refuses_what_belongs_to_the_other(hedged):
    assert refused(hedged.linear, hedged.ann, "BUY", "1", "20000").code == -4061
    error = refused(hedged.linear, hedged.ann, "SELL", "1", "20000", position_side="LONG", reduce_only=True)
    assert says(error) == (-1106, "Parameter 'reduceOnly' sent when not required.")


def test_the_mode_changes_only_when_there_is_nothing(hedged):
    change = hedged.exchange.linear_settings.set_hedge
    assert says(refused(change, hedged.ann, hedge=True)) == (-4059, "No need to change position side.")
    assert refused(change, hedged.ann, hedge=False).code == -4068
    carl = hedged.customer("carl")
    hedged.linear(carl, "BUY", "1", "19000")
    assert refused(change, carl, hedge=True).code == -4067


def test_a_view_of_positions_shows_what_the_wire_needs():
    floor = Floor(fees=False)
    floor.mark("20000")
    trade(floor, floor.ann, floor.bob, "10", "20000")
    floor.mark("20100")
    risk = floor.exchange.linear_views.positions(floor.ann, "BTCUSDT")[0]
    assert (risk.notional, risk.position_initial, risk.maintenance) == (201_000 * COIN, 10_050 * COIN, 804 * COIN)
    assert (risk.state.unrealised, risk.liquidation_ticks, risk.adl) == (1000 * COIN, 100_401, 1)
    # (100,000 - 10 x 20,000) / (10 x (0.004 - 1)) = 10,040.1606: what is kept there is 401.6 of 100,401.6 lost.
    short = floor.exchange.linear_views.positions(floor.bob)[0]
    assert (short.notional, short.state.unrealised, short.adl) == (-201_000 * COIN, -1000 * COIN, 0)
    # (100,000 + 10 x 20,000) / (10 x 1.004) = 29,880.478
    assert short.liquidation_ticks == 298_804
    assert floor.exchange.linear_views.positions(floor.ann, "ETHUSDT") == []
