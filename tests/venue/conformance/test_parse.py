"""What ccxt makes of the documented answers is pinned, exact to the digit, and b25's reports agree with it."""

import asyncio
from decimal import Decimal

import orjson
import pytest

from b25.model.order import State
from b25.venue.port.requests import OrderRef
from tests.venue.ccxt.recorder import Recorder, by_path
from tests.venue.ccxt.venues import venue_at
from tests.venue.conformance.plain_ccxt import SYMBOLS
from tests.venue.conformance.recording import GOLDEN, parse, text
from tests.venue.conformance.samples.read import samples
from tests.venue.conformance.scenarios import SCENARIOS


@pytest.mark.parametrize("market", SCENARIOS)
def test_the_parse_of_the_documented_answers_is_as_recorded(market):
    assert text(asyncio.run(parse(market))) == (GOLDEN / f"parsed_{market}.json").read_bytes()


def test_what_a_person_reads_off_the_documents_is_what_is_recorded():
    """The recording itself is checked by hand where money hangs on it."""
    spot, linear = (orjson.loads((GOLDEN / f"parsed_{market}.json").read_bytes()) for market in SCENARIOS)
    filled = spot["create_market"]
    assert (filled["id"], filled["status"], filled["filled"], filled["average"]) == ("28", "closed", "10.0", "4000")
    assert filled["fees"] == [{"currency": "USDT", "cost": "4.0"}]
    assert spot["fetch_order_by_venue_id"]["filled"] == "0.5"
    assert spot["fetch_balance"]["BTC"] == {"free": "1.0", "used": "0.0", "total": "1"}
    trade = spot["fetch_my_trades"][0]
    assert (trade["side"], trade["price"], trade["amount"], trade["fee"]) == (
        "buy",
        "4.00",
        "12.00",
        {"cost": "10.10", "currency": "BNB"},
    )
    assert linear["create_limit_buy"]["status"] == "open"
    assert linear["create_stop"]["id"] == "2146760"
    position = linear["fetch_positions"][0]
    assert (position["side"], position["contracts"], position["entryPrice"]) == ("short", "0.03", "38500.0")
    assert linear["fetch_funding_rate"]["fundingRate"] == "0.00038246"
    assert [linear["market"]["precision"][part] for part in ("price", "amount")] == ["0.10", "0.001"]


@pytest.mark.parametrize("market", SCENARIOS)
def test_the_ports_reports_agree_with_ccxt(market):
    golden = orjson.loads((GOLDEN / f"parsed_{market}.json").read_bytes())
    symbol = SYMBOLS[market]

    async def run():
        async with Recorder(by_path(samples())) as recorder, venue_at(recorder, market) as port:
            listing = (await port.listings()).must()[symbol]
            order = (await port.order(OrderRef(symbol=symbol, client_id="b25-aaaaa-b-1"))).must()
            cancelled = (await port.cancel(OrderRef(symbol=symbol, client_id="b25-aaaaa-b-1"))).must()
            (trade,) = (await port.trades(symbol, after_id="1")).must()
            (bar,) = (await port.candles(symbol, "1m")).must()
            assert str(bar.high) == golden["fetch_ohlcv"][0][2]
            quote = (await port.quote(symbol)).must()
            assert quote.bid is not None
            assert str(quote.last) == golden["fetch_ticker"]["last"]
            return listing, order, cancelled, trade, (await port.balances()).must(), (await port.fees(symbol)).must()

    listing, order, cancelled, trade, balances, fees = asyncio.run(run())
    told = golden["fetch_order_by_client_id"]
    assert (order.venue_id, order.client_id, str(order.filled), str(order.price)) == (
        told["id"],
        told["clientOrderId"],
        told["filled"],
        told["price"],
    )
    assert order.state is State.PART_FILLED
    assert (cancelled.state, cancelled.client_id) == (State.CANCELLED, "b25-aaaaa-b-1")
    told = golden["fetch_my_trades"][0]
    assert [str(trade.price), str(trade.qty), str(trade.fee)] == [told["price"], told["amount"], told["fee"]["cost"]]
    assert (trade.fee_asset, trade.maker) == (told["fee"]["currency"], told["takerOrMaker"] == "maker")
    for asset, balance in balances.items():
        assert [str(balance.free), str(balance.used)] == [golden["fetch_balance"][asset][part] for part in ("free", "used")]
    assert (listing.instrument.tick, listing.instrument.lot) == tuple(
        Decimal(golden["market"]["precision"][part]) for part in ("price", "amount")
    )
    assert [str(fees.maker), str(fees.taker)] == [golden["fetch_trading_fee"][part] for part in ("maker", "taker")]
