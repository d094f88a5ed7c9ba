"""What the account-wide policies are given: the account's own figures, the venue's quantities, NaN for what is not known."""

import asyncio
from decimal import Decimal
from math import isnan

import pytest

from b25.account.ledger.statement import Terms
from b25.model.event import BUY, SELL
from b25.risk.account_wide.policies import DEFAULTS, metrics, violations
from b25.session.account.policy_snapshot import Working, policy_snapshot
from tests.account.test_golden import tier
from tests.session.account.desk import Desk


def play(case, url):
    async def run():
        desk = Desk("linear", url)
        await desk.begin()
        await case(desk)
        desk.end()

    asyncio.run(run())


def test_a_healthy_account_violates_nothing_and_an_unmarked_one_is_unknown(file_url):
    async def case(desk):
        desk.book.mark(desk.symbol, Decimal(40_000), desk.now_ns())
        desk.book.terms = {desk.symbol: Terms(tier(0.01, 0.0).tiers, 20.0)}
        await desk.reconcile()
        await desk.trade("s", BUY, "3")
        await desk.trade("t", SELL, "1")
        await desk.reconcile()
        desk.book.tick()
        desk.now[0] += 4_000
        snapshot = policy_snapshot(desk.book, {("s", desk.symbol): Working(buys=40_000.0, orders=1)})
        assert violations(DEFAULTS, snapshot) == []
        found = metrics(snapshot, "strategy", "s")
        assert (found["gross"], found["open_orders"]) == (160_000.0, 1.0)
        assert snapshot.margin_demanded == pytest.approx(800.0)
        assert 4 <= snapshot.data_age_s < 5
        desk.book.unmark(desk.symbol)
        unknown = policy_snapshot(desk.book)
        assert isnan(unknown.equity)
        assert isnan(unknown.data_age_s)
        assert {one.policy.id for one in violations(DEFAULTS, unknown)} == {one.id for one in DEFAULTS}

    play(case, file_url)


def test_the_venue_s_quantity_counts_at_once(file_url):
    async def case(desk):
        desk.book.mark(desk.symbol, Decimal(40_000), desk.now_ns())
        await desk.reconcile()
        await desk.trade("s", BUY, "0.5")
        desk.pulled[desk.symbol] = (await desk.port.trades(desk.symbol)).must()[-1].trade_id
        assert (await desk.reconcile()).differences
        ((one),) = policy_snapshot(desk.book).holdings
        assert (one.strategy, one.value) == ("", 20_000.0)

    play(case, file_url)
