"""Every fault knob of market data and of connections does what it says, and stops when it is switched off."""

import asyncio

import pytest

from b25.model.event import BUY, SELL
from tests.venue.streams.stand import START_MS, Stand, heard

DEPTH = "btcusdt@depth@100ms"


def moved(stand, rounds=1):
    for _ in range(rounds):
        stand.exchange.place(stand.spot, BUY, 1, 100 + stand.spot.update_id)
        stand.step(100)


def test_diff_drop_leaves_a_gap():
    stand = Stand()
    socket = stand.listener(DEPTH)
    moved(stand, 2)
    stand.faults.set("diff_drop", where="btcusdt@depth*", account="spot", left=1)
    moved(stand, 2)
    told = heard(socket)
    assert [one["U"] for one in told] == [2, 3, 5]


def test_diff_dup_and_diff_reorder():
    stand = Stand()
    socket = stand.listener(DEPTH)
    stand.faults.set("diff_dup", left=1)
    moved(stand)
    first, again = heard(socket)
    assert first == again
    stand.faults.set("diff_reorder", left=1)
    moved(stand, 3)
    assert [one["U"] for one in heard(socket)] == [4, 3, 5]


def test_a_fault_of_the_other_market_does_not_strike():
    stand = Stand()
    socket = stand.listener(DEPTH)
    stand.faults.set("diff_drop", account="linear")
    moved(stand, 2)
    assert len(heard(socket)) == 2


def test_late_diffs_make_a_snapshot_newer_than_they():
    async def run():
        stand = Stand()
        socket = stand.listener(DEPTH)
        stand.faults.set("snapshot_newer_ms", ms=250, for_ms=10_000)
        moved(stand)
        await asyncio.sleep(0)
        assert heard(socket) == []
        stand.step(250)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return heard(socket)

    assert len(asyncio.run(run())) == 1


def test_book_cross_price_spike_and_future_ts():
    stand = Stand()
    depth, trades = stand.listener(DEPTH), stand.listener("btcusdt@trade")
    stand.exchange.place(stand.spot, SELL, 100, 5_000_000)
    stand.faults.set("book_cross", left=1)
    stand.step(100)
    (told,) = heard(depth)
    assert told["b"] == [["50000.01000000", "0.00001000"]]
    stand.faults.set("price_spike", factor=3, left=1)
    stand.exchange.place(stand.spot, BUY, 1, 5_000_000)
    stand.exchange.place(stand.spot, BUY, 1, 5_000_000)
    assert [one["p"] for one in heard(trades)] == ["150000.00000000", "50000.00000000"]
    stand.faults.set("future_ts", ms=5_000, left=1)
    stand.exchange.place(stand.spot, BUY, 1, 5_000_000)
    (told,) = heard(trades)
    assert (told["E"], told["T"]) == (START_MS + 5_100, START_MS + 5_100)


def test_a_closed_candle_is_revised():
    stand = Stand()
    socket = stand.listener("btcusdt@kline_1s")
    stand.exchange.place(stand.spot, SELL, 100, 5_000_000)
    stand.exchange.place(stand.spot, BUY, 1, 5_000_000)
    stand.step(1)
    heard(socket)
    stand.faults.set("kline_revise")
    stand.step(1_000)
    rows = [one["k"] for one in heard(socket)]
    assert [(row["x"], row["c"]) for row in rows[:2]] == [(True, "50000.00000000"), (True, "50000.05000000")]
    assert rows[0]["t"] == rows[1]["t"]


def test_a_muted_stream_is_silent_and_comes_back():
    stand = Stand()
    socket, other = stand.listener(DEPTH), stand.listener("btcusdt@bookTicker")
    stand.faults.set("mute_stream", where=DEPTH, for_ms=1_000)
    moved(stand, 5)
    assert heard(socket) == []
    assert len(heard(other)) == 5
    moved(stand, 10)
    assert len(heard(socket)) in (5, 6)


def test_a_half_open_socket_is_silent_even_to_pings_and_stays_open():
    stand = Stand()
    socket, other = stand.listener(DEPTH), stand.listener("btcusdt@trade")
    fault = stand.faults.set("half_open", where=DEPTH)
    moved(stand, 3)
    stand.step(60_000)
    stand.step(60_000)
    socket.pong(b"x")
    assert not socket.transport.data
    assert socket.is_open
    assert not other.is_open  # it did not answer our pings
    late = stand.listener(DEPTH)
    assert late.frozen
    stand.faults.clear(fault_id=fault.fault_id)
    assert not socket.frozen
    moved(stand)
    assert heard(socket)


def test_half_open_strikes_as_many_sockets_as_it_may():
    stand = Stand()
    sockets = [stand.listener(DEPTH) for _ in range(3)]
    stand.faults.set("half_open", where=DEPTH, left=2)
    assert [one.frozen for one in sockets] == [True, True, False]


@pytest.mark.parametrize(("code", "aborted"), [(0, True), (1008, False)])
def test_cut(code, aborted):
    async def run():
        stand = Stand()
        spot, linear = stand.listener(DEPTH), stand.listener(DEPTH, market="linear")
        stand.faults.set("cut", where="public", code=code)
        assert spot.is_open
        assert not linear.is_open
        assert linear.transport.aborted is aborted

    asyncio.run(run())


def test_the_shutdown_is_announced():
    async def run():
        stand = Stand()
        socket = stand.listener(DEPTH)
        stand.faults.set("server_shutdown", after_ms=5_000)
        assert heard(socket) == [{"e": "serverShutdown", "E": START_MS}]
        await asyncio.sleep(0)
        stand.step(4_999)
        await asyncio.sleep(0)
        assert socket.is_open
        stand.step(1)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not socket.is_open

    asyncio.run(run())


def test_a_clock_that_is_off_is_off_in_every_event():
    stand = Stand()
    socket = stand.listener(DEPTH, "btcusdt@kline_1m")
    stand.exchange.place(stand.spot, SELL, 1, 5_000_000)
    stand.exchange.place(stand.spot, BUY, 1, 5_000_000)
    stand.clock.offset_ms = -700
    stand.step(2_000)
    told = heard(socket)
    assert {one["E"] for one in told} == {START_MS + 2_000 - 700}
