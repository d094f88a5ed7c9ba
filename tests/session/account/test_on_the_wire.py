"""The order desk trades through ccxt on the wire venue, with faults; the account's books follow it, and agree with the venue."""

import asyncio
from fractions import Fraction

import pytest

from b25.session.account.book import AccountBook
from b25.session.account.loading import load_account
from b25.session.account.reconciling import reconcile
from tests.session.account.test_book import numbers
from tests.session.orders.stand import healed, now_ns, trading
from tests.venue.contract.conftest import warm

__all__ = ["warm"]

FAULTS = [
    ("ack_lost", "POST */order", {"how": "close", "chance": 0.2}),
    ("fill_before_cancel", "DELETE */order", {"share": 0.5, "chance": 0.5}),
    ("event_drop", "*", {"chance": 0.3}),
    ("event_dup", "*", {"times": 1, "chance": 0.3}),
    ("event_delay_ms", "*", {"min": 0, "max": 1_000}),
    ("read_lag_ms", "GET *", {"min": 0, "max": 300, "mode": "stale"}),
]


@pytest.mark.parametrize("kind", ["spot", "linear"])
def test_the_books_follow_the_order_desk_and_agree_with_the_venue(tmp_path, kind, warm):
    async def run():
        async with trading(kind, tmp_path) as one:
            desk, port = one.desk, one.stand.port
            instrument = one.stand.listing.instrument
            book = AccountBook.load(desk.log.store, port.name, "main", [instrument], now_ns=now_ns)

            async def pull():
                done = await desk.hands.pull(instrument.symbol) and desk.hands.is_flushed
                book.catch_up()
                return done

            async def compared():
                for _ in range(20):
                    found = await reconcile(book, port, pull=pull, look_again_s=0.6)
                    if found.is_compared:
                        return found
                    await asyncio.sleep(0.2)
                raise AssertionError(found.why)

            async def compared_under_faults():
                """Reads that lag, answers that are lost: no comparison may call that drift."""
                return [one for _ in range(3) for one in (await reconcile(book, port, pull=pull, look_again_s=0.6)).differences]

            assert (await compared()).differences == []
            book.mark(instrument.symbol, one.stand.price)
            one.stand.port.api.timeout = 700
            for knob, where, values in FAULTS:
                one.stand.venue.faults.set(knob, where=where, **values)
            comparing = asyncio.ensure_future(compared_under_faults())
            for seed in range(40):  # until something was traded, however slow the machine is
                await one.busy(1.0, seed=seed)
                if seed >= 2 and len(book.log.fills()) > 2:
                    break
            assert (await comparing) == []
            book.tick()
            await healed(one)
            assert (await compared()).differences == []
            account = book.account
            assert account.counts[instrument.symbol] > 2
            assert {strategy for strategy, _ in account.cells} == {"s"}
            assert list(account.unbalanced()) == []
            told = (await port.balances()).must()
            for asset in account.assets():
                assert abs(account.wallet(asset, as_told=True) - Fraction(told[asset].wallet)) <= Fraction(1, 10**8)
            anew = load_account(book.log, [instrument], anew=True).account
            assert numbers(account) == numbers(anew)
            assert book.statement().equity is not None
            assert not book.halted
            one.check()

    asyncio.run(run())
