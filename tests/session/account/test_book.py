"""An account's books in a process: begun from the store, fed, killed, begun again; compared with the venue."""

import asyncio
from decimal import Decimal
from fractions import Fraction

import pytest

from b25.account.ledger.drift import Severity
from b25.model.event import BUY, SELL
from b25.session.account.book import AccountPolicy
from b25.session.account.loading import load_account
from b25.store.account_log import AccountLog
from tests.session.account.desk import HOUR_MS, Desk

KINDS = ("spot", "linear")
PAPER = AccountPolicy(signs="paper")


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


def play(case, url, kind="linear", **more):
    async def run():
        desk = Desk(kind, url, **more)
        await desk.begin()
        try:
            await case(desk)
        finally:
            desk.end()

    asyncio.run(run())


def folded(desk):
    """What the fills and entries of the store fold to, from the first on."""
    log = AccountLog(desk.store, desk.port.name, "main", now_ns=desk.now_ns)
    return load_account(log, [desk.instrument], anew=True).account


def numbers(account):
    net = {symbol: cell.rows.tobytes() for symbol, cell in account.net.items()}
    return {key: cell.rows.tobytes() for key, cell in account.cells.items() if cell.rows[0]["fills"]}, net, dict(account.books)


def test_two_strategies_on_one_account_are_told_apart_and_their_sum_is_the_venue_s(file_url, kind):
    async def case(desk):
        assert (await desk.reconcile()).is_compared
        await desk.trade("s", BUY, "0.03")
        await desk.trade("t", SELL, "0.01")
        found = await desk.reconcile()
        assert (found.is_compared, found.differences) == (True, [])
        lot = desk.instrument.lots("0.01")
        assert desk.held() == {"s": 3 * lot, "t": -lot}
        assert desk.book.positions() == {desk.symbol: Decimal("0.02")}
        assert desk.wallet() == Fraction(await desk.venue_wallet())
        rows, _ = desk.book.opening("t")
        assert rows[desk.symbol]["position_lots"] == -lot
        assert desk.alerts == []

    play(case, file_url, kind)


def test_a_process_that_is_killed_in_between_begins_with_the_same_books(url):
    async def case(desk):
        await desk.reconcile()
        desk.book.mark(desk.symbol, Decimal(40_100))
        await desk.trade("s", BUY, "0.03")
        await desk.pull()
        desk.book.tick()  # the state is kept here
        await desk.trade("t", SELL, "0.02", "40500")
        await desk.pull()  # these fills are in the store, and the state has not heard of them
        await desk.trade("s", SELL, "0.01", "40300")
        before = numbers(desk.book.account)
        desk.end()
        await desk.begin()
        assert numbers(desk.book.account) == before == numbers(folded(desk))
        assert desk.held() == {"s": 3 * desk.instrument.lots("0.01"), "t": -2 * desk.instrument.lots("0.01")}
        assert (await desk.reconcile()).differences == []  # pulls what happened while nobody watched
        assert desk.held()["s"] == 2 * desk.instrument.lots("0.01")
        assert numbers(desk.book.account) == numbers(folded(desk))
        assert not desk.book.halted

    for kind in KINDS:  # two venues in one store
        play(case, url, kind)


def test_a_state_that_does_not_fit_the_fills_is_folded_anew(url):
    async def case(desk):
        await desk.trade("s", BUY, "0.01")
        await desk.trade("s", BUY, "0.02", "40100")
        await desk.pull()
        desk.book.tick()
        late = desk.book.log.fills()[0]
        row = {
            **{name: late._mapping[name] for name in late._fields if name != "strategy"},
            "trade_id": "0",
            "venue_ts_ms": late.venue_ts_ms - 1,
            "coid": None,
            "qty": "0.005",
        }
        assert desk.log.book(row, [], strategy="")  # a fill that belongs before everything the state has
        assert desk.book.catch_up() == 1
        before = numbers(desk.book.account)
        desk.end()
        await desk.begin()
        assert numbers(desk.book.account) == before == numbers(folded(desk))
        assert desk.held()[""] == desk.instrument.lots("0.005")

    play(case, url)


def test_a_fill_counts_once_however_often_it_is_told(file_url):
    async def case(desk):
        await desk.trade("s", BUY)
        await desk.pull(tell=False)
        assert desk.book.catch_up() == 1
        (row,) = desk.book.log.fills()
        assert not desk.book.book(row._mapping, strategy="s")
        assert desk.book.catch_up() == 0
        desk.book.tick()
        desk.end()
        await desk.begin()
        assert not desk.book.book(row._mapping, strategy="s")
        assert desk.held() == {"s": desk.instrument.lots("0.01")}

    play(case, file_url)


def test_a_fill_of_no_order_of_ours_raises_an_alert_and_belongs_to_nobody(file_url):
    async def case(desk):
        await desk.reconcile()
        await desk.trade(None, BUY)
        assert (await desk.reconcile()).differences == []
        assert desk.held() == {"": desk.instrument.lots("0.01")}
        assert desk.kinds() == ["UNEXPECTED_FILL"]
        await desk.trade(None, BUY)
        await desk.reconcile()
        assert desk.kinds() == ["UNEXPECTED_FILL"]  # once a minute
        desk.now[0] += 61_000
        await desk.trade(None, BUY)
        await desk.reconcile()
        assert desk.kinds() == ["UNEXPECTED_FILL"] * 2

    play(case, file_url)


def test_what_was_held_before_our_books_began_is_adopted_with_the_venue_s_entry(file_url):
    async def case(desk):
        await desk.trade(None, BUY, "0.02", "40200")
        desk.pulled[desk.symbol] = (await desk.port.trades(desk.symbol)).must()[-1].trade_id  # the desk begins after it
        assert (await desk.reconcile()).differences == []
        net = desk.book.account.net[desk.symbol]
        assert (net.lots, net.entry()) == (desk.instrument.lots("0.02"), 40_200)
        await desk.trade("s", SELL, "0.02", "40300")
        assert (await desk.reconcile()).differences == []
        assert desk.wallet() == Fraction(await desk.venue_wallet())
        desk.end()
        await desk.begin()
        assert numbers(desk.book.account) == numbers(folded(desk))
        assert (await desk.reconcile()).differences == []

    play(case, file_url)


def test_funding_and_transfers_are_read_and_shared(file_url):
    async def case(desk):
        desk.book.mark(desk.symbol, Decimal(40_000))
        await desk.reconcile()
        desk.book.tick()
        await desk.trade("s", BUY, "0.03")
        await desk.trade("t", SELL, "0.01")
        await desk.pull()
        desk.now[0] += 9 * HOUR_MS
        desk.exchange.advance(desk.now[0])
        desk.exchange.deposit(desk.account, "linear", "USDT", "-250000")
        paid = (await desk.port.funding_payments(desk.symbol)).must()
        assert (await desk.reconcile()).differences == []
        assert desk.wallet() == Fraction(await desk.venue_wallet())
        account = desk.book.account
        assert sum(account.funding.values()) == sum(int(one.amount * 10**18) for one in paid)
        desk.book.tick()
        drawdown = desk.book.water.drawdown_max(desk.book.statement().equity)
        assert drawdown < Fraction(1, 10_000)  # fees, and not the withdrawal
        desk.end()
        await desk.begin()
        assert numbers(desk.book.account) == numbers(folded(desk)) == numbers(account)

    play(case, file_url)


def test_a_position_that_trades_do_not_explain_is_held_and_halts_and_waits_for_a_signature(file_url):
    async def case(desk):
        desk.book.mark(desk.symbol, Decimal(40_000))
        await desk.reconcile()
        await desk.trade("s", BUY, "0.03")
        await desk.trade("x", BUY, "0.01")
        trades = (await desk.port.trades(desk.symbol)).must()
        desk.take(trades[:1])
        desk.pulled[desk.symbol] = trades[-1].trade_id
        found = await desk.reconcile()
        (position,) = [one for one in found.differences if one.kind == "position"]
        assert (position.ours, position.theirs) == (Fraction(3, 100), Fraction(4, 100))
        assert desk.halts
        assert "drift above 5 %" in desk.halts[0]
        assert "POSITION_DRIFT" in desk.kinds()
        assert desk.book.refuses(desk.symbol)
        assert desk.book.positions() == {desk.symbol: Decimal("0.04")}  # risk counts with the venue's at once
        (ref,) = found.proposed
        assert (await desk.reconcile()).proposed == [ref]  # proposed once
        desk.book.tick()
        desk.end()
        await desk.begin()
        assert desk.book.halted  # a restart does not end it
        assert ref in desk.book.pending
        assert desk.book.sign(ref, by="ann", reason="seen at the venue's page")
        assert not desk.book.sign(ref, by="ann", reason="again")
        assert desk.book.account.net[desk.symbol].lots == desk.instrument.lots("0.04")
        assert list(desk.book.account.unbalanced()) == []
        left = await desk.reconcile()
        assert [one.kind for one in left.differences] == ["balance"]  # the hidden trade's fee
        desk.book.sign(left.proposed[0], by="ann", reason="its fee")
        assert (await desk.reconcile()).differences == []
        desk.book.resume(by="ann", reason="explained")
        assert not desk.book.refuses(desk.symbol)
        desk.end()
        await desk.begin()
        assert not desk.book.halted
        assert numbers(desk.book.account) == numbers(folded(desk))

    play(case, file_url)


def test_on_paper_adjustments_are_signed_by_themselves(file_url):
    async def case(desk):
        await desk.reconcile()
        await desk.trade("s", BUY, "0.03")
        trades = (await desk.port.trades(desk.symbol)).must()
        desk.pulled[desk.symbol] = trades[-1].trade_id
        found = await desk.reconcile()
        assert found.differences
        assert (await desk.reconcile()).differences == []
        assert (desk.halts, desk.book.pending, desk.book.holds) == ([], {}, {})
        assert desk.held() == {"": desk.instrument.lots("0.03")}
        assert desk.wallet() == Fraction(await desk.venue_wallet())

    play(case, file_url, policy=PAPER)


def test_the_third_mismatch_in_a_row_halts(file_url):
    async def case(desk):
        await desk.reconcile()
        real = desk.port.balances

        async def off_by_a_little():
            outcome = await real()
            one = outcome.value["USDT"]
            outcome.value["USDT"] = type(one)(
                asset="USDT", free=one.free, used=one.used, total=one.total, wallet=one.wallet - Decimal("0.5")
            )
            return outcome

        desk.port.balances = off_by_a_little
        for expected in (False, False, True):
            assert len((await desk.reconcile()).differences) == 1
            assert bool(desk.halts) is expected
        assert "3 mismatches in a row" in desk.halts[0]
        assert desk.alerts[0].severity is Severity.WARNING

    play(case, file_url)


def test_snapshots_are_kept_on_fills_at_half_minutes_and_when_a_day_begins(url):
    async def case(desk):
        desk.book.mark(desk.symbol, Decimal(40_000))
        await desk.reconcile()
        desk.book.tick()
        desk.book.tick()
        await desk.trade("s", BUY)
        await desk.pull()
        desk.book.tick()
        desk.now[0] += 30_000
        desk.book.tick()
        desk.now[0] += 24 * HOUR_MS
        desk.book.tick()
        rows = desk.book.log.snapshots()
        assert [row.reason for row in rows] == ["day", "fills", "interval", "day"]
        assert rows[2].ts_ns % (30 * 10**9) == 0
        assert (
            Decimal(rows[-1].equity) == Decimal(desk.book.statement().equity.numerator) / desk.book.statement().equity.denominator
        )
        assert len(desk.book.log.snapshots(every_ns=24 * HOUR_MS * 10**6)) == 2

    play(case, url)
