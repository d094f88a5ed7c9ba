"""Liquidation by hand: when, at what price, who pays; margin calls, auto-deleveraging, the insurance fund."""

import pytest

from b25.venue.exchange.events import MarginCall, OrderEvent
from b25.venue.exchange.reference import ReferencePrice
from tests.venue.exchange.floor import COIN, Floor


@pytest.fixture
def floor():
    """No fees; Ann has 1,000 USDT and is long 1 BTC at 20,000 with leverage 20; Bob is short against her."""
    floor = Floor(fees=False)
    floor.mark("20000")
    floor.exchange.deposit(floor.ann, "linear", "USDT", "-99000")
    floor.linear(floor.bob, "SELL", "1", "20000")
    floor.linear(floor.ann, "BUY", "1", "20000")
    floor.heard.forget()
    return floor


def fund(floor):
    return floor.exchange.insurance.linear.cross.get("USDT", 0)


def money(floor):
    """All the equity there is, fund included: what one gains another has lost."""
    listings = floor.exchange.linear
    wallets = [account.linear for account in floor.exchange.accounts.values()] + [floor.exchange.insurance.linear]
    total = 0
    for wallet in wallets:
        total += wallet.wallet("USDT")
        total += sum(p.unrealised(listings["BTCUSDT"].mark.mark_ticks) for p in wallet.open_positions())
    return total


def test_nothing_happens_above_the_maintenance_margin(floor):
    # Liquidated where 1,000 + (p - 20,000) = 0.004 p: at 19,076.3 and below.
    floor.mark("19076.4")
    assert floor.position(floor.ann).lots == 1000
    risk = floor.exchange.linear_views.positions(floor.ann)[0]
    assert risk.liquidation_ticks == 190_763


def test_the_book_takes_the_position_and_the_rest_pays_the_fee(floor):
    floor.linear(floor.bob, "BUY", "1", "19050")
    before = money(floor)
    floor.mark("19076.3")
    assert floor.position(floor.ann).lots == 0
    # 1,000 - 950 lost is 50 left; the fee would be 1.25 % of 19,050 = 238.125, so all of it goes to the fund.
    assert floor.wallet(floor.ann) == 0
    assert fund(floor) == 50 * COIN
    assert money(floor) == before
    kinds = [(row.kind, row.amount) for row in floor.exchange.linear_views.income(floor.ann)][-2:]
    assert kinds == [("REALIZED_PNL", -950 * COIN), ("INSURANCE_CLEAR", -50 * COIN)]


def test_its_owner_hears_of_an_order_it_never_sent(floor):
    floor.linear(floor.ann, "SELL", "0.01", "20500")
    floor.linear(floor.bob, "BUY", "1", "19050")
    floor.heard.forget()
    floor.mark("19060")
    told = floor.heard.orders(floor.ann)
    assert told == [("CANCELED", "CANCELED"), ("NEW", "NEW"), ("CALCULATED", "FILLED")]
    event = floor.heard.of(floor.ann, OrderEvent)[-1]
    assert event.order.client_id.startswith("autoclose-")
    assert len(event.order.client_id) <= 36
    found = floor.exchange.linear_orders.order(floor.ann, "BTCUSDT", client_id=event.order.client_id)
    assert (found.side, found.type, found.tif, found.state) == ("SELL", "LIMIT", "IOC", "FILLED")
    assert [liquidation.order.order_id for liquidation in floor.heard.liquidations] == [found.order_id]


def test_the_fund_takes_over_what_the_book_does_not(floor):
    floor.exchange.insurance.linear.cross["USDT"] = 500 * COIN
    floor.linear(floor.bob, "BUY", "0.4", "19050")
    before = money(floor)
    floor.mark("19060")
    assert floor.position(floor.ann).lots == 0
    # 0.4 at 19,050 loses 380, 0.6 at the bankruptcy price of 19,000 loses 600: 20 are left for the fee.
    assert floor.wallet(floor.ann) == 0
    assert fund(floor) == 520 * COIN
    assert floor.exchange.insurance.linear.open_positions()[0].lots == 600
    assert money(floor) == before
    assert floor.exchange.linear["BTCUSDT"].book.position_lots(1) == 0


def test_the_fund_sells_when_the_book_pays_the_mark(floor):
    floor.exchange.insurance.linear.cross["USDT"] = 500 * COIN
    floor.mark("19060")
    assert floor.exchange.insurance.linear.open_positions()
    floor.linear(floor.bob, "BUY", "1", "19100")
    floor.wait(1000)
    assert floor.exchange.insurance.linear.open_positions() == []
    # Taken over at 19,000, sold at 19,100.
    assert fund(floor) == 600 * COIN


def test_a_poor_fund_deleverages_the_winner(floor):
    before = money(floor)
    floor.mark("18900")  # below the bankruptcy price of 19,000: taking over would cost 100
    assert floor.position(floor.ann).lots == 0
    assert floor.position(floor.bob).lots == 0
    order = floor.heard.of(floor.bob, OrderEvent)[-1].order
    assert (order.client_id, order.state, order.average_price_text) == ("adl_autoclose", "FILLED", "19000")
    assert floor.wallet(floor.bob) == 101_000 * COIN
    assert (floor.wallet(floor.ann), fund(floor)) == (0, 0)
    assert money(floor) == before


def test_nobody_is_left_to_owe(floor):
    # The winner has closed already, so the fund must take over at a loss.
    carl = floor.customer("carl")
    floor.linear(carl, "SELL", "1", "20000")
    floor.linear(floor.bob, "BUY", "1", "20000")
    floor.linear(carl, "BUY", "1", "20000")
    floor.linear(floor.exchange.accounts[2], "SELL", "1", "20000")
    before = money(floor)
    floor.mark("18000")
    assert floor.wallet(floor.ann) >= 0
    assert money(floor) == before


def test_an_isolated_position_falls_alone():
    floor = Floor(fees=False)
    floor.mark("20000")
    floor.exchange.linear_settings.set_margin_type(floor.ann, "BTCUSDT", "ISOLATED")
    floor.linear(floor.bob, "SELL", "1", "20000")
    floor.linear(floor.ann, "BUY", "1", "20000")
    floor.linear(floor.ann, "BUY", "1", "3000", symbol="ETHUSDT")
    risk = floor.exchange.linear_views.positions(floor.ann, "BTCUSDT")[0]
    assert risk.liquidation_ticks == 190_763
    floor.linear(floor.bob, "BUY", "1", "19030")
    floor.mark("19070")
    assert floor.position(floor.ann).lots == 0
    assert len(floor.exchange.linear_orders.open_orders(floor.ann, "ETHUSDT")) == 1
    # 970 of the 1,000 are lost at 19,030. What is left pays the fee, and 99,000 stay out of reach.
    assert floor.wallet(floor.ann) == 99_000 * COIN
    assert fund(floor) == 30 * COIN


def test_an_isolated_position_never_costs_more_than_its_margin():
    floor = Floor(fees=False)
    floor.mark("20000")
    floor.exchange.linear_settings.set_margin_type(floor.ann, "BTCUSDT", "ISOLATED")
    floor.linear(floor.bob, "SELL", "1", "20000")
    floor.linear(floor.ann, "BUY", "1", "20000")
    before = money(floor)
    floor.mark("18000")
    assert floor.wallet(floor.ann) == 99_000 * COIN
    assert money(floor) == before


def test_a_margin_call_comes_once_until_the_margin_recovers(floor):
    floor.mark("19090")  # balance 90, maintenance 76.36: 85 %
    floor.wait(3000)
    calls = floor.heard.of(floor.ann, MarginCall)
    assert len(calls) == 1
    assert (calls[0].cross_wallet, calls[0].positions[0].maintenance) == (1000 * COIN, 7_636_000_000)
    floor.mark("19900")
    floor.mark("19090")
    assert len(floor.heard.of(floor.ann, MarginCall)) == 2


def test_on_demand(floor):
    floor.linear(floor.bob, "BUY", "1", "19500")
    orders = floor.exchange.operations.liquidate(floor.ann, "BTCUSDT")
    assert [order.state for order in orders] == ["FILLED"]
    assert floor.exchange.operations.liquidate(floor.ann, "BTCUSDT") == []


def test_on_demand_a_rich_account_loses_no_more_than_a_market_order_would(floor):
    before = money(floor)
    order = floor.exchange.operations.liquidate(floor.bob, "BTCUSDT")[0]
    # Bob is short with 100,000; nobody sells, so the fund takes over 5 % above the mark and charges 1.25 % of 21,000.
    assert (order.state, order.average_price_text) == ("FILLED", "21000")
    assert floor.wallet(floor.bob) == 100_000 * COIN - 1000 * COIN - 26_250_000_000
    assert money(floor) == before


def test_the_fund_pays_the_commissions_that_a_bankrupt_cannot():
    floor = Floor()
    floor.mark("20000")
    floor.exchange.deposit(floor.ann, "linear", "USDT", "-98990")
    floor.linear(floor.bob, "SELL", "1", "20000")
    floor.linear(floor.ann, "BUY", "1", "20000")
    assert floor.wallet(floor.ann) == 1000 * COIN
    before = money(floor)
    fees = floor.exchange.linear_ledger.fees["USDT"]
    floor.mark("18500")
    paid = floor.exchange.linear_ledger.fees["USDT"] - fees
    # Closed at 19,000 for all that she had; the 9.50 of commission are missing.
    assert floor.wallet(floor.ann) == 0
    assert fund(floor) == -950_000_000
    assert money(floor) == before - paid
    assert floor.heard.balances(floor.ann) != []


def test_a_cross_account_gives_up_its_worst_position_first(floor):
    floor.exchange.deposit(floor.ann, "linear", "USDT", "100")
    floor.exchange.operations.set_mark("ETHUSDT", "1000")
    floor.linear(floor.bob, "SELL", "2", "1000", symbol="ETHUSDT")
    floor.linear(floor.ann, "BUY", "2", "1000", symbol="ETHUSDT")
    floor.linear(floor.bob, "BUY", "2", "990", symbol="ETHUSDT")
    floor.linear(floor.bob, "BUY", "1", "19000")
    # 1,100 of margin; Bitcoin loses 1,020, and 76 + 8 must be kept.
    floor.mark("18980")
    closed = [(told.listing.name, told.order.average_price_text) for told in floor.heard.liquidations]
    # Bitcoin goes to the book for 1,000; the fee takes the other 100, so Ether goes at its own bankruptcy price, the mark.
    assert closed == [("BTCUSDT", "19000"), ("ETHUSDT", "1000")]
    assert floor.wallet(floor.ann) == 0
    assert floor.ann.linear.open_positions() == []


def test_reference_prices_forget():
    reference = ReferencePrice()
    assert reference.average_ticks(0, 5) == 0
    reference.add(100, 3, 1_000)
    reference.add(200, 1, 2_000)
    assert reference.average_ticks(2_000, 5) == 125
    assert reference.average_ticks(301_500, 5) == 200
    assert reference.average_ticks(10**9, 5) == 200
    assert reference.average_ticks(10**9, 0) == 200
