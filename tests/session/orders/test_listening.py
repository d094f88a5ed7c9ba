"""A user stream is dead when an order of ours ended and it did not say so; then, and when its key ran out, it is begun anew."""

import asyncio
from decimal import Decimal
from types import SimpleNamespace

from b25.execution.orders.actions import Record, Source
from b25.execution.orders.order_table import OrderPolicy
from b25.execution.orders.own_orders import OrderManager
from b25.execution.orders.states import OrderState
from b25.session.orders.listening import SILENT_NS, UserStream
from b25.venue.port.reports import Hint
from b25.venue.port.requests import NewOrder
from tests.engine.runs import ETH


class Silent:
    """A port whose stream says what it is given to say, and then nothing."""

    def __init__(self, *hints):
        self.told, self.streams = list(hints), 0

    async def hints(self):
        self.streams += 1
        while self.told:
            yield self.told.pop(0)
        await asyncio.sleep(3600)


def stream_of(port):
    hands = SimpleNamespace(manager=OrderManager({ETH.symbol: ETH}, OrderPolicy()), now_ns=0, alarms=[])
    hands.perform = hands.alarms.extend
    hands.take_trades = lambda trades, source: hands.alarms.extend(trades)
    hands.manager.intend(
        NewOrder(symbol=ETH.symbol, client_id="c", side=1, qty_lots=5, price_ticks=7), order_id=1, request_id=1, now_ns=0
    )
    compared = []
    return UserStream(port, hands, {"ETHUSDT": ETH.symbol}, again_s=0.0, compare=compared.append), hands, compared


async def turns(count=20):
    for _ in range(count):
        await asyncio.sleep(0)


def ended(source):
    return Record("c", OrderState.CANCELED, source, 0)


def event(status):
    told = {"s": "ETHUSDT", "c": "c", "S": "BUY", "X": status, "x": status, "i": 1, "q": str(ETH.quantity(5)), "z": "0", "T": 1}
    return Hint(event="ORDER_TRADE_UPDATE", raw={"o": {**told, "p": str(Decimal(7) * ETH.tick)}})


def play(case, *hints):
    async def run():
        port = Silent(*hints)
        stream, hands, compared = stream_of(port)
        task = asyncio.ensure_future(stream.follow())
        await turns()
        try:
            await case(port, stream, hands, compared)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())


def test_a_stream_that_does_not_tell_of_an_end_is_replaced_and_everything_compared():
    async def case(port, stream, hands, compared):
        stream.recorded(ended(Source.RECON))
        hands.now_ns = SILENT_NS
        stream.check()
        await turns()
        assert (port.streams, compared) == (1, [])
        hands.now_ns = SILENT_NS + 1
        stream.check()
        await turns()
        assert port.streams == 2
        assert compared == [True]
        assert [one.kind for one in hands.alarms] == ["STREAM_DEAD"]

    play(case)


def test_what_the_stream_told_itself_or_tells_in_time_is_no_sign_of_death():
    async def case(port, stream, hands, compared):
        stream.recorded(ended(Source.WS))
        stream.recorded(ended(Source.REST))
        stream._take(event("CANCELED"))
        hands.now_ns = 2 * SILENT_NS
        stream.check()
        await turns()
        assert port.streams == 1

    play(case)


def test_a_key_that_ran_out_is_asked_for_anew():
    async def case(port, stream, hands, compared):
        assert port.streams == 2
        assert compared == [True]

    play(case, Hint(event="listenKeyExpired", raw={}))
