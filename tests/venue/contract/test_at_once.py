"""What a port promises of several things at a time: its events, and answers that are not mixed up."""

import asyncio

import pytest

from b25.model.event import SELL


def test_hints_tell_of_orders_and_balances(contract, kind):
    async def case(stand):
        seen = []

        async def listen():
            async for hint in stand.port.hints():
                seen.append(hint)

        listening = asyncio.ensure_future(listen())
        await asyncio.sleep(0.5 if stand.venue else 0)
        order = stand.new()
        (await stand.port.submit(order)).must()
        (await stand.other.submit(stand.new(SELL))).must()
        for _ in range(100):
            if sum(hint.event in ("outboundAccountPosition", "ACCOUNT_UPDATE") for hint in seen) >= 1 and len(seen) >= 3:
                break
            await asyncio.sleep(0.02)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        name = {"spot": "executionReport", "linear": "ORDER_TRADE_UPDATE"}[kind]
        reports = [hint.raw["o"] if kind == "linear" else hint.raw for hint in seen if hint.event == name]
        assert [(report["x"], report["X"], report["c"]) for report in reports] == [
            ("NEW", "NEW", order.client_id),
            ("TRADE", "FILLED", order.client_id),
        ]

    contract(case)


@pytest.mark.parametrize("turn", range(3))
def test_orders_at_the_same_time_each_get_their_own_answer(contract, turn):
    async def case(stand):
        orders = [stand.new(price_ticks=stand.ticks - 1 - step) for step in range(20)]
        placed = await asyncio.gather(*(stand.port.submit(order) for order in orders))
        assert [one.must().client_id for one in placed] == [order.client_id for order in orders]
        assert len({one.must().venue_id for one in placed}) == len(orders)

    contract(case)
