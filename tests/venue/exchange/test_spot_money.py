"""What spot orders lock and what trades move, to the last 1e-8, by hand."""

from decimal import Decimal

import pytest

from b25.venue.exchange.events import BalanceEvent, OrderEvent
from b25.venue.exchange.matching_book import MatchingBook
from tests.venue.exchange.floor import COIN, Floor, refused, says, spot_order

START = (100_000 * COIN, 0)


def test_a_buyer_locks_price_times_quantity(floor):
    floor.spot(floor.ann, "BUY", "0.5", "20000")
    assert floor.has(floor.ann, "USDT") == (90_000 * COIN, 10_000 * COIN)
    assert floor.has(floor.ann, "BTC") == (10 * COIN, 0)


def test_a_seller_locks_base(floor):
    floor.spot(floor.ann, "SELL", "0.5", "20000")
    assert floor.has(floor.ann, "BTC") == (950_000_000, 50_000_000)


def test_fees_come_out_of_what_is_received(floor):
    floor.spot(floor.ann, "SELL", "1", "20000")
    order = floor.spot(floor.bob, "BUY", "0.3", "21000")
    # 0.3 BTC at 20,000: Bob gets 0.3 x (1 - 0.001) BTC, Ann 6,000 x (1 - 0.001) USDT.
    assert floor.has(floor.bob, "BTC") == (1_029_970_000, 0)
    assert floor.has(floor.bob, "USDT") == (94_000 * COIN, 0)
    assert floor.has(floor.ann, "USDT") == (105_994 * COIN, 0)
    assert floor.has(floor.ann, "BTC") == (9 * COIN, 70_000_000)
    assert (order.fills[0].commission, order.fills[0].commission_asset) == (30_000, "BTC")
    assert dict(floor.exchange.spot_ledger.fees) == {"BTC": 30_000, "USDT": 6 * COIN}


def test_a_better_price_gives_back_what_was_locked_for_the_worse_one(floor):
    floor.spot(floor.ann, "SELL", "0.4", "20000")
    floor.spot(floor.bob, "BUY", "1", "21000")
    # 0.4 trade at 20,000; 0.6 rest at 21,000.
    assert floor.has(floor.bob, "USDT") == (100_000 * COIN - 8_000 * COIN - 12_600 * COIN, 12_600 * COIN)


def test_a_commission_is_cut_to_eight_decimals(floor):
    floor.spot(floor.ann, "SELL", "0.00051", "19999.99")
    order = floor.spot(floor.bob, "BUY", "0.00051", "19999.99")
    fill = order.fills[0]
    assert fill.quote == 1_019_999_490  # 10.1999949 USDT
    assert fill.commission == 51  # 0.00000051 BTC
    # Ann's commission is 0.0101999949, cut to 0.01019999.
    assert floor.has(floor.ann, "USDT")[0] == 100_000 * COIN + 1_019_999_490 - 1_019_999


def test_the_cancel_gives_everything_back(floor):
    order = floor.spot(floor.ann, "BUY", "0.5", "20000")
    floor.exchange.spot_orders.cancel(floor.ann, "BTCUSDT", order_id=order.order_id)
    assert floor.has(floor.ann, "USDT") == START


def test_a_market_buy_pays_what_it_takes(floor):
    floor.spot(floor.ann, "SELL", "1", "20000")
    floor.spot(floor.ann, "SELL", "1", "20100")
    order = floor.spot(floor.bob, "BUY", "1.5")
    assert order.state == "FILLED"
    assert order.filled_quote == 30_050 * COIN
    assert order.average_price_text == "20033.33333333"
    assert floor.has(floor.bob, "USDT") == (69_950 * COIN, 0)


def test_a_market_buy_beyond_the_balance_is_refused_whole(floor):
    floor.spot(floor.ann, "SELL", "9", "20000")
    error = refused(floor.spot, floor.bob, "BUY", "5.1")
    assert says(error) == (-2010, "Account has insufficient balance for requested action.")
    assert floor.has(floor.bob, "USDT") == START


def test_a_value_buys_the_largest_quantity_within_it(floor):
    floor.spot(floor.ann, "SELL", "1", "30000")
    order = floor.spot(floor.bob, "BUY", None, quote_quantity=spot_value("10000.20"))
    # 10,000.20 / 30,000 = 0.33334 exactly; a cent less would be 0.33333.
    assert (order.state, order.filled_lots, order.qty_lots) == ("FILLED", 33_334, 33_334)
    assert floor.has(floor.bob, "USDT") == (100_000 * COIN - 1_000_020_000_000, 0)
    order = floor.spot(floor.bob, "BUY", None, quote_quantity=spot_value("10000.19"))
    assert (order.state, order.filled_lots) == ("FILLED", 33_333)
    assert floor.has(floor.bob, "USDT")[1] == 0


def test_a_value_that_exhausts_the_book_expires(floor):
    floor.spot(floor.ann, "SELL", "0.1", "30000")
    order = floor.spot(floor.bob, "BUY", None, quote_quantity=spot_value("10000"))
    assert (order.state, order.filled_lots, order.expiry_reason) == ("EXPIRED", 10_000, "INSUFFICIENT_LIQUIDITY")
    assert floor.has(floor.bob, "USDT") == (97_000 * COIN, 0)


def test_a_value_can_be_sold(floor):
    floor.spot(floor.ann, "BUY", "1", "30000")
    order = floor.spot(floor.bob, "SELL", None, quote_quantity=spot_value("3000"))
    assert (order.state, order.filled_lots) == ("FILLED", 10_000)
    assert floor.has(floor.bob, "BTC") == (990_000_000, 0)
    assert floor.has(floor.bob, "USDT") == (100_000 * COIN + 2_997 * COIN, 0)


def test_a_value_beyond_all_books_sells_what_is_wanted():
    floor = Floor(book=MatchingBook)
    floor.spot(floor.ann, "BUY", "1", "30000")
    order = floor.spot(floor.bob, "SELL", None, quote_quantity=Decimal("1e20"))
    assert (order.state, order.filled_lots) == ("EXPIRED", 100_000)


def test_a_value_below_one_lot_breaks_the_lot_filter(floor):
    floor.spot(floor.ann, "SELL", "1", "900000")
    error = refused(floor.spot, floor.bob, "BUY", None, quote_quantity=spot_value("8"))
    assert says(error) == (-1013, "Filter failure: LOT_SIZE")


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_more_than_there_is_cannot_be_locked(floor, side):
    error = refused(floor.spot, floor.ann, side, "10.00001", "10000")
    assert says(error) == (-2010, "Account has insufficient balance for requested action.")


def test_an_account_that_trades_with_itself_loses_only_fees(floor):
    floor.spot(floor.ann, "SELL", "1", "20000")
    floor.spot(floor.ann, "BUY", "1", "20000")
    assert floor.has(floor.ann, "BTC") == (10 * COIN - 100_000, 0)
    assert floor.has(floor.ann, "USDT") == (100_000 * COIN - 20 * COIN, 0)


def test_each_fill_is_told_and_then_the_balances(floor):
    floor.spot(floor.ann, "SELL", "1", "20000")
    floor.spot(floor.ann, "SELL", "1", "20001")
    floor.heard.forget()
    floor.spot(floor.bob, "BUY", "1.5", "20001")
    mine = [event for number, event in floor.heard.users if number == floor.bob.account_id]
    assert [type(event) for event in mine] == [OrderEvent, BalanceEvent] * 3
    assert floor.heard.orders(floor.bob) == [("NEW", "NEW"), ("TRADE", "PARTIALLY_FILLED"), ("TRADE", "FILLED")]
    assert [state.asset for state in mine[-1].assets] == ["BTC", "USDT"]
    assert [event.fill.price_ticks for event in floor.heard.of(floor.bob, OrderEvent)[1:]] == [2_000_000, 2_000_100]


def test_a_deposit_tells_its_delta_and_a_withdrawal_cannot_overdraw(floor):
    floor.exchange.deposit(floor.ann, "spot", "BNB", "1.5")
    event = floor.heard.users[0][1]
    assert (event.asset, event.delta) == ("BNB", 150_000_000)
    assert refused(floor.exchange.deposit, floor.ann, "spot", "BNB", "-1.6").code == -2010


def test_own_fees_of_an_account_replace_the_symbols(floor):
    floor.bob.taker_fee_ppm["spot"] = 400
    floor.spot(floor.ann, "SELL", "1", "20000")
    assert floor.spot(floor.bob, "BUY", "1", "20000").fills[0].commission == 40_000
    assert floor.exchange.spot_orders.fees_ppm(floor.bob, "BTCUSDT") == (1000, 400)


def test_balances_list_every_asset_or_only_those_that_are_there(floor):
    every = [state.asset for state in floor.exchange.spot_orders.balances(floor.ann)]
    assert every == ["BTC", "ETH", "USDT"]
    assert len(floor.exchange.spot_orders.balances(floor.ann, omit_zero=True)) == 2


def spot_value(text):
    return spot_order("BUY", text).quantity
