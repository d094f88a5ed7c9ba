"""What the venue does not answer is asked after and never sent again; fills count once, before the end of their order."""

import asyncio
from decimal import Decimal

import numpy as np

from b25.model.event import BUY, ORDER_ACCEPTED, ORDER_CANCELLED, ORDER_FILLED, ORDER_REJECTED
from b25.model.order import CANCEL, EFFECT, SUBMIT, State
from b25.session import order_gateway
from b25.session.order_gateway import OrderGateway
from b25.venue.port.outcome import Answer, Outcome, accepted
from b25.venue.port.reports import OrderReport, TradeReport
from tests.engine.runs import ETH


class Venue:
    """A port that answers as it is told to."""

    def __init__(self, submits, states=(), trades=()):
        self.submits, self.states, self.told = list(submits), list(states), list(trades)
        self.sent = []

    async def listings(self):
        return accepted({})

    async def server_time_ms(self):
        return accepted(1)

    async def submit(self, order):
        self.sent.append(order)
        return self.submits.pop(0)

    async def cancel(self, order):
        return accepted(report(State.CANCELLED, "0.002"))

    async def order(self, order):
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]

    async def positions(self):
        return accepted({})

    async def open_orders(self, symbol):
        return accepted([])

    async def trades(self, symbol, *, after_id="", since_ms=0):
        return accepted(self.told)  # the same again and again, as a stale page does

    async def hints(self):
        await asyncio.sleep(3600)
        yield

    async def close(self):
        pass


def report(state, filled="0"):
    return OrderReport(
        symbol=ETH.symbol, venue_id="77", client_id="s-1", state=state, side=BUY, qty=Decimal("0.005"), filled=Decimal(filled)
    )


def trade(number, qty="0.001"):
    return TradeReport(
        symbol=ETH.symbol, trade_id=str(number), venue_id="77", side=BUY, price=Decimal("100.01"), qty=Decimal(qty),
        fee=Decimal("0.0001"), fee_asset="USDT", maker=True, time_ms=5,
    )  # fmt: skip


def effect(kind, request):
    row = np.zeros(1, EFFECT)
    row["kind"], row["order_id"], row["request_id"], row["side"] = kind, 1, request, BUY
    row["price_ticks"], row["qty_lots"] = 10_001, 5
    return row


def played(venue, effects, monkeypatch, **more):
    """Kinds and lots of what was delivered."""
    heard = []
    for name in ("KNOWN_AFTER_S", "LOOK_S", "AGAIN_S"):
        monkeypatch.setattr(order_gateway, name, 0.01)

    async def run():
        gateway = OrderGateway(venue, "s", [ETH], lambda event: heard.append(event[0].copy()), lambda text: None, **more)
        await gateway.start()
        for one in effects:
            gateway.act(one)
            await asyncio.sleep(0.15)
        await gateway.close()

    asyncio.run(run())
    return heard


UNKNOWN = Outcome(answer=Answer.UNKNOWN)
ABSENT = Outcome(answer=Answer.QUERY)


def test_an_unanswered_order_that_the_venue_has_is_accepted_and_not_sent_again(monkeypatch):
    venue = Venue([UNKNOWN], [ABSENT, accepted(report(State.OPEN))])
    heard = played(venue, [effect(SUBMIT, 1)], monkeypatch)
    assert [int(event["kind"]) for event in heard] == [ORDER_ACCEPTED]
    assert len(venue.sent) == 1


def test_an_unanswered_order_that_the_venue_never_had_is_rejected_after_its_window(monkeypatch):
    venue = Venue([UNKNOWN], [ABSENT])
    heard = played(venue, [effect(SUBMIT, 1)], monkeypatch)
    assert [int(event["kind"]) for event in heard] == [ORDER_REJECTED]
    assert len(venue.sent) == 1


def test_fills_count_once_and_before_the_cancel_that_tells_of_them(monkeypatch):
    venue = Venue([accepted(report(State.OPEN))], [accepted(report(State.OPEN))], [trade(1), trade(2)])
    heard = played(venue, [effect(SUBMIT, 1), effect(CANCEL, 2)], monkeypatch)
    kinds = [int(event["kind"]) for event in heard]
    assert kinds == [ORDER_ACCEPTED, ORDER_FILLED, ORDER_FILLED, ORDER_CANCELLED]
    fee = int(heard[1]["amount"]) / 1e8 * float(ETH.money_unit)
    assert abs(fee - 0.0001) < 1e-12


def test_a_latched_kill_switch_holds_new_orders_back(monkeypatch):
    venue = Venue([])
    heard = played(venue, [effect(SUBMIT, 1)], monkeypatch, may_send=lambda: False)
    assert [int(event["kind"]) for event in heard] == [ORDER_REJECTED]
    assert venue.sent == []
