"""The second reader finds what the first one lost, invented or changed, and says so until it is mended."""

import asyncio

from b25.execution.orders.actions import Book, Source
from b25.model.event import BUY, SELL
from b25.session.account.drop_copy import DropCopy
from b25.session.orders.rows import fill_row
from b25.store.account_log import AccountLog
from tests.session.account.desk import START_MS, Desk


def play(case, tmp_path, kind="linear"):
    async def run():
        desk = Desk(kind, f"sqlite:///{tmp_path / 'store.db'}")
        await desk.begin()
        log = AccountLog(desk.store, desk.port.name, "main", now_ns=desk.now_ns)
        await case(desk, DropCopy(log, desk.port, [desk.symbol], since_ms=START_MS, look_again_s=0))
        desk.end()

    asyncio.run(run())


def test_it_agrees_with_a_session_that_books_everything(tmp_path):
    async def case(desk, copy):
        assert await copy.compare() == {}
        for side in (BUY, SELL, SELL):
            await desk.trade("s", side)
            await desk.pull()
            assert await copy.compare() == {}
        desk.book.take_signed()
        assert desk.book.refuses(desk.symbol) == ""

    for kind in ("linear", "spot"):
        play(case, tmp_path / kind, kind)


def test_a_trade_that_is_not_booked_holds_the_symbol_until_it_is(tmp_path):
    async def case(desk, copy):
        await desk.trade("s")
        assert "1 trades that are not booked" in (await copy.compare())[desk.symbol]
        await copy.compare()
        desk.book.take_signed()
        assert "not booked" in desk.book.refuses(desk.symbol)
        assert desk.kinds() == ["DROP_COPY"]
        await desk.pull()
        assert await copy.compare() == {}
        desk.book.take_signed()
        assert desk.book.refuses(desk.symbol) == ""
        await desk.trade("s")
        assert await copy.compare()
        desk.book.take_signed()
        assert desk.book.refuses(desk.symbol)  # a second hold is another one

    play(case, tmp_path)


def test_a_trade_that_the_venue_does_not_know_is_found(tmp_path):
    async def case(desk, copy):
        await desk.trade("s")
        await desk.pull()
        (trade,) = (await desk.port.trades(desk.symbol)).must()
        row = fill_row(Book(trade, trade.client_id, Source.RECON, late=False), desk.port.name)
        desk.log.book({**row, "trade_id": "77"}, [], strategy="s")
        assert "1 booked trades are not told by the venue, the first 77" in (await copy.compare())[desk.symbol]

    play(case, tmp_path)


def test_a_venue_that_does_not_answer_neither_holds_nor_releases(tmp_path):
    async def case(desk, copy):
        await desk.trade("s")
        await copy.compare()
        real = desk.port.positions

        async def nothing():
            return (await real()).without_value()

        desk.port.positions = nothing
        assert await copy.compare() is None
        desk.book.take_signed()
        assert desk.book.refuses(desk.symbol)

    play(case, tmp_path)


def test_it_remembers_a_bounded_number_of_trades(tmp_path, monkeypatch):
    monkeypatch.setattr("b25.session.account.drop_copy.TRADES_KEPT", 3)

    async def case(desk, copy):
        for k in range(12):
            await desk.trade("s", BUY if k % 3 else SELL)
            await desk.pull()
            assert await copy.compare() == {}
        assert len(copy.trades[desk.symbol]) < 6
        await desk.trade("s")
        assert await copy.compare()

    play(case, tmp_path)
