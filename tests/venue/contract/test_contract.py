"""What every venue port promises, whatever stands behind it."""

from decimal import Decimal

import pytest

from b25.model.event import BUY, SELL
from b25.model.order import State, Tif
from b25.venue.port.outcome import Answer
from b25.venue.port.requests import Amendment, OrderRef


def test_a_test_network_is_asked_only_when_wanted(request):
    """`pytest tests/venue/contract --live-testnet`, with a key of Binance's demo trading in B25_TESTNET_KEY and _SECRET."""
    if not request.config.getoption("--live-testnet", default=False):
        pytest.skip("a test network is asked only with --live-testnet: the whole contract then runs on it too")


def by_client(stand, order, **more):
    return OrderRef(symbol=stand.symbol, client_id=order.client_id, **more)


def test_instruments_have_an_exact_grid_and_trade(contract):
    async def case(stand):
        instrument = stand.listing.instrument
        assert stand.listing.is_trading
        assert stand.listing.qty_lots_min >= 1
        assert instrument.min_notional > 0
        assert instrument.price(stand.ticks) == stand.price
        assert instrument.venue == stand.port.name == {"spot": "binance", "linear": "binanceusdm"}[stand.kind]

    contract(case)


def test_a_quote_tells_both_sides_and_the_last_trade(contract):
    async def case(stand):
        await stand.traded(BUY)
        (await stand.other.submit(stand.new(SELL, price_ticks=stand.ticks + 7))).must()
        (await stand.port.submit(stand.new(BUY, price_ticks=stand.ticks - 7))).must()
        quote = (await stand.port.quote(stand.symbol)).must()
        price = stand.listing.instrument.price
        assert (quote.bid, quote.ask, quote.last) == (price(stand.ticks - 7), price(stand.ticks + 7), stand.price)

    contract(case)


def test_the_clock_is_the_venues(contract):
    async def case(stand):
        first = (await stand.port.server_time_ms()).must()
        assert (await stand.port.server_time_ms()).must() >= first > 1_600_000_000_000

    contract(case)


def test_an_order_rests_is_found_by_both_ids_and_is_cancelled(contract):
    async def case(stand):
        order = stand.new()
        placed = (await stand.port.submit(order)).must()
        assert (placed.state, placed.client_id, placed.side) == (State.OPEN, order.client_id, BUY)
        assert (placed.qty, placed.filled, placed.price) == (Decimal("0.01"), 0, stand.price)
        found = (await stand.port.order(by_client(stand, order))).must()
        assert found.venue_id == placed.venue_id
        assert (
            await stand.port.order(OrderRef(symbol=stand.symbol, venue_id=placed.venue_id))
        ).must().client_id == order.client_id
        assert [one.client_id for one in (await stand.port.open_orders(stand.symbol)).must()] == [order.client_id]
        assert [one.client_id for one in (await stand.port.open_orders()).must()] == [order.client_id]
        ended = (await stand.port.cancel(by_client(stand, order))).must()
        assert (ended.state, ended.client_id, ended.venue_id) == (State.CANCELLED, order.client_id, placed.venue_id)
        assert (await stand.port.open_orders(stand.symbol)).must() == []
        assert (await stand.port.order(by_client(stand, order))).must().state is State.CANCELLED
        assert [one.state for one in stand.ours((await stand.port.all_orders(stand.symbol)).must())] == [State.CANCELLED]

    contract(case)


def test_a_trade_moves_money_and_is_told_once_by_id(contract):
    async def case(stand):
        before = (await stand.port.balances()).must()["USDT"].total
        taken = await stand.traded(BUY)
        assert (taken.state, taken.filled) == (State.FILLED, Decimal("0.01"))
        (trade,) = (await stand.port.trades(stand.symbol)).must()
        assert (trade.price, trade.qty, trade.side, trade.maker) == (stand.price, Decimal("0.01"), BUY, False)
        assert trade.venue_id == taken.venue_id
        assert trade.fee > 0
        fees = (await stand.port.fees(stand.symbol)).must()
        base = Decimal(1) if stand.kind == "linear" or trade.fee_asset == "USDT" else stand.price
        assert trade.fee * base == stand.price / 100 * fees.taker
        assert (await stand.port.trades(stand.symbol, after_id=trade.trade_id)).must() == []
        await stand.traded(SELL)
        (later,) = (await stand.port.trades(stand.symbol, after_id=trade.trade_id)).must()
        assert int(later.trade_id) > int(trade.trade_id)
        assert [one.trade_id for one in (await stand.port.trades(stand.symbol)).must()] == [trade.trade_id, later.trade_id]
        after = (await stand.port.balances()).must()["USDT"].total
        paid = sum(one.fee for one in (trade, later) if one.fee_asset == "USDT")
        assert after == before - paid

    contract(case)


def test_the_maker_is_told_as_such(contract):
    async def case(stand):
        await stand.traded(BUY)
        (trade,) = (await stand.other.trades(stand.symbol)).must()
        assert (trade.maker, trade.side) == (True, SELL)

    contract(case)


def test_positions_are_signed_and_vanish_when_flat(contract, kind):
    async def case(stand):
        assert (await stand.port.positions()).must() == {}
        await stand.traded(SELL if kind == "linear" else BUY)
        held = (await stand.port.positions()).must()
        if kind == "spot":
            assert held == {}
            return
        position = held[stand.symbol]
        assert (position.qty, position.entry_price) == (Decimal("-0.01"), stand.price)
        await stand.traded(BUY)
        assert (await stand.port.positions()).must() == {}

    contract(case)


def test_balances_show_what_an_order_holds(contract):
    async def case(stand):
        free = (await stand.port.balances()).must()["USDT"]
        assert free.used == 0
        (await stand.port.submit(stand.new())).must()
        held = (await stand.port.balances()).must()["USDT"]
        assert held.used > 0
        assert held.free + held.used == held.total == free.total

    contract(case)


def test_an_id_in_use_is_a_question_and_never_a_second_order(contract):
    async def case(stand):
        order = stand.new()
        (await stand.port.submit(order)).must()
        again = await stand.port.submit(order)
        assert again.answer is Answer.QUERY
        assert again.code in (-2010, -4116)
        assert len((await stand.port.open_orders(stand.symbol)).must()) == 1

    contract(case)


def test_cancelling_what_is_not_there_is_a_question(contract):
    async def case(stand):
        assert (await stand.port.cancel(OrderRef(symbol=stand.symbol, client_id="b25-nobody"))).answer is Answer.QUERY
        taken = await stand.traded()
        late = await stand.port.cancel(OrderRef(symbol=stand.symbol, client_id=taken.client_id))
        assert (late.answer, late.code) == (Answer.QUERY, -2011)
        assert (await stand.port.order(OrderRef(symbol=stand.symbol, client_id=taken.client_id))).must().state is State.FILLED
        unknown = await stand.port.order(OrderRef(symbol=stand.symbol, client_id="b25-nobody"))
        assert (unknown.answer, unknown.code) == (Answer.QUERY, -2013)
        assert not unknown.is_definite

    contract(case)


def test_cancel_all_takes_every_order_and_nothing_is_no_failure(contract):
    async def case(stand):
        assert (await stand.port.cancel_all(stand.symbol)).answer is Answer.ACCEPTED
        for step in range(3):
            (await stand.port.submit(stand.new(price_ticks=stand.ticks - step))).must()
        (await stand.port.submit(stand.new(stop_ticks=stand.ticks + 1000, price_ticks=stand.ticks + 1000))).must()
        assert len((await stand.port.open_orders(stand.symbol)).must()) == 4
        assert (await stand.port.cancel_all(stand.symbol)).answer is Answer.ACCEPTED
        assert (await stand.port.open_orders(stand.symbol)).must() == []

    contract(case)


def test_an_amendment_changes_price_and_quantity(contract):
    async def case(stand):
        order = stand.new()
        placed = (await stand.port.submit(order)).must()
        wanted = Amendment(
            symbol=stand.symbol,
            client_id=order.client_id,
            new_client_id=f"{stand.prefix}-amended",
            side=BUY,
            qty_lots=2 * stand.lots,
            price_ticks=stand.ticks - 10,
        )
        changed = (await stand.port.amend(wanted)).must()
        assert (changed.qty, changed.price) == (Decimal("0.02"), stand.listing.instrument.price(stand.ticks - 10))
        (left,) = (await stand.port.open_orders(stand.symbol)).must()
        assert (left.venue_id, left.qty, left.price) == (changed.venue_id, changed.qty, changed.price)
        assert (left.client_id == f"{stand.prefix}-amended") == (stand.kind == "spot")
        assert (left.venue_id == placed.venue_id) == (stand.kind == "linear")

    contract(case)


def test_amending_what_is_not_there_changes_nothing(contract):
    async def case(stand):
        wanted = Amendment(
            symbol=stand.symbol,
            client_id="b25-nobody",
            new_client_id="b25-new",
            side=BUY,
            qty_lots=stand.lots,
            price_ticks=stand.ticks,
        )
        assert (await stand.port.amend(wanted)).answer is Answer.QUERY
        assert (await stand.port.open_orders(stand.symbol)).must() == []

    contract(case)


def test_a_post_only_order_that_would_take_is_refused(contract):
    async def case(stand):
        (await stand.other.submit(stand.new(SELL))).must()
        refused = await stand.port.submit(stand.new(BUY, post_only=True))
        assert (refused.answer, refused.code) == (Answer.REJECTED, {"spot": -2010, "linear": -5022}[stand.kind])
        resting = (await stand.port.submit(stand.new(BUY, post_only=True, price_ticks=stand.ticks - 1))).must()
        assert resting.state is State.OPEN
        assert (await stand.port.trades(stand.symbol)).must() == []

    contract(case)


def test_ioc_takes_what_there_is_and_the_rest_expires(contract):
    async def case(stand):
        (await stand.other.submit(stand.new(SELL))).must()
        taken = (await stand.port.submit(stand.new(BUY, qty_lots=3 * stand.lots, tif=Tif.IOC))).must()
        assert (taken.state, taken.filled, taken.qty) == (State.EXPIRED, Decimal("0.01"), Decimal("0.03"))
        assert (await stand.port.open_orders(stand.symbol)).must() == []

    contract(case)


def test_fok_takes_all_or_nothing(contract):
    async def case(stand):
        (await stand.other.submit(stand.new(SELL))).must()
        killed = await stand.port.submit(stand.new(BUY, qty_lots=2 * stand.lots, tif=Tif.FOK))
        if stand.kind == "linear":
            assert (killed.answer, killed.code) == (Answer.REJECTED, -5021)
        else:
            assert (killed.must().state, killed.must().filled) == (State.EXPIRED, 0)
        assert (await stand.port.trades(stand.symbol)).must() == []
        assert (await stand.port.submit(stand.new(BUY, tif=Tif.FOK))).must().state is State.FILLED

    contract(case)


def test_a_market_order_has_no_price_and_its_quantity_is_of_the_base(contract):
    async def case(stand):
        (await stand.other.submit(stand.new(SELL))).must()
        taken = (await stand.port.submit(stand.new(BUY, price_ticks=0))).must()
        assert (taken.state, taken.filled, taken.price) == (State.FILLED, Decimal("0.01"), None)

    contract(case)


def test_an_order_below_the_smallest_value_is_refused(contract):
    async def case(stand):
        refused = await stand.port.submit(stand.new(BUY, qty_lots=stand.listing.qty_lots_min))
        assert (refused.answer, refused.code) == (Answer.REJECTED, {"spot": -1013, "linear": -4164}[stand.kind])

    contract(case)


def test_more_than_the_account_has_is_refused(contract):
    async def case(stand):
        refused = await stand.port.submit(stand.new(BUY, qty_lots=90_000 * stand.lots // 20))
        assert (refused.answer, refused.code) == (Answer.REJECTED, {"spot": -2010, "linear": -2019}[stand.kind])

    contract(case)


def test_reduce_only_never_increases(contract, kind):
    async def case(stand):
        refused = await stand.port.submit(stand.new(BUY, reduce_only=True))
        expected = (Answer.NOT_SENT, None) if kind == "spot" else (Answer.REJECTED, -2022)
        assert (refused.answer, refused.code) == expected
        await stand.traded(BUY)
        (await stand.other.submit(stand.new(BUY))).must()
        assert (await stand.port.submit(stand.new(SELL, reduce_only=True))).must().state is State.FILLED

    contract(case)


def test_a_stop_waits_is_found_and_is_cancelled(contract):
    async def case(stand):
        await stand.traded(BUY)
        order = stand.new(SELL, stop_ticks=stand.ticks - 1000, price_ticks=stand.ticks - 1100)
        placed = (await stand.port.submit(order)).must()
        assert placed.stop == stand.listing.instrument.price(stand.ticks - 1000)
        waiting = [one for one in (await stand.port.open_orders(stand.symbol)).must() if one.client_id == order.client_id]
        assert [one.stop for one in waiting] == [placed.stop]
        ref = by_client(stand, order, conditional=waiting[0].conditional)
        assert (await stand.port.order(ref)).must().venue_id == placed.venue_id
        assert (await stand.port.cancel(ref)).must().state is State.CANCELLED
        assert (await stand.port.open_orders(stand.symbol)).must() == []

    contract(case)


def test_what_was_signed_too_long_ago_is_not_accepted(contract):
    async def case(stand):
        now_ms = (await stand.port.server_time_ms()).must()
        late = await stand.port.submit(stand.new(sign_ms=now_ms - 2_500, recv_window_ms=2_000))
        early = await stand.port.submit(stand.new(sign_ms=now_ms + 5_000))
        for outcome in (late, early):
            assert (outcome.answer, outcome.code, outcome.resync_clock) == (Answer.NOT_ACCEPTED, -1021, True)
        assert stand.ours((await stand.port.all_orders(stand.symbol)).must()) == []
        assert (await stand.port.submit(stand.new(sign_ms=now_ms))).answer is Answer.ACCEPTED

    contract(case)


def test_an_id_that_the_venue_would_refuse_is_not_sent(contract):
    async def case(stand):
        for bad in ("", "x" * 37, "b25 space", "b25<script>"):
            outcome = await stand.port.submit(stand.new(client_id=bad))
            assert (outcome.answer, outcome.alarm) == (Answer.NOT_SENT, True)

    contract(case)


def test_an_unknown_symbol_is_not_sent(contract):
    async def case(stand):
        outcome = await stand.port.submit(stand.new(symbol="NOPE/USDT"))
        assert (outcome.answer, outcome.alarm) == (Answer.NOT_SENT, True)

    contract(case)


def test_one_account_sees_nothing_of_another(contract):
    async def case(stand):
        order = stand.new()
        placed = (await stand.port.submit(order)).must()
        await stand.traded(SELL)
        for ref in (by_client(stand, order), OrderRef(symbol=stand.symbol, venue_id=placed.venue_id)):
            assert (await stand.other.order(ref)).answer is Answer.QUERY
            assert (await stand.other.cancel(ref)).answer is Answer.QUERY
        assert all(one.client_id != order.client_id for one in (await stand.other.all_orders(stand.symbol)).must())
        mine = {trade.venue_id for trade in (await stand.port.trades(stand.symbol)).must()}
        theirs = {trade.venue_id for trade in (await stand.other.trades(stand.symbol)).must()}
        assert not mine & theirs

    contract(case)


def test_leverage_funding_and_countdown_are_there_where_there_is_margin(contract, kind):
    async def case(stand):
        outcomes = [
            await stand.port.set_leverage(stand.symbol, 5),
            await stand.port.funding_rate(stand.symbol),
            await stand.port.funding_history(stand.symbol),
            await stand.port.funding_payments(stand.symbol),
            await stand.port.countdown(stand.symbol, 60_000),
            await stand.port.countdown(stand.symbol, 0),
        ]
        expected = Answer.ACCEPTED if kind == "linear" else Answer.NOT_SENT
        assert [outcome.answer for outcome in outcomes] == [expected] * 6

    contract(case)


def test_a_wallet_holds_no_unrealised_profit_and_what_came_in_is_listed(contract, kind):
    async def case(stand):
        await stand.traded(BUY)
        (await stand.other.submit(stand.new(price_ticks=stand.ticks - 500))).must()  # the mark may move away from the entry
        told, held = (await stand.port.balances()).must()["USDT"], (await stand.port.positions()).must()
        gain = sum((one.unrealised or Decimal(0) for one in held.values()), Decimal(0))
        assert told.wallet is not None
        assert abs(told.total - told.wallet - gain) <= Decimal("0.01")  # two readings
        moved = await stand.port.transfers()
        assert moved.answer is (Answer.NOT_SENT if kind == "spot" else Answer.ACCEPTED)
        if kind == "linear" and stand.counterparty is not None:
            (one,) = moved.must()
            assert (one.asset, one.amount) == ("USDT", Decimal(1_000_000))
            assert (await stand.port.transfers(since_ms=one.time_ms + 1)).must() == []

    contract(case)
