"""Sockets: frames, pings, the end of a life, and clients that do not read."""

import asyncio

import pytest

from b25.model.event import BUY
from b25.venue.wire.frames import PING, frame, wrapped
from tests.venue.streams.stand import KeepingTransport, Stand, heard, unframed


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65_535, 65_536, 200_000])
def test_frames_of_every_length(length):
    assert unframed(frame(b"x" * length)) == [(1, b"x" * length)]


def test_the_name_around_a_payload():
    assert wrapped("a@b", b'{"x":1}') == b'{"stream":"a@b","data":{"x":1}}'


def pings(socket):
    frames = [payload for code, payload in unframed(socket.transport.data) if code == PING]
    socket.transport.data.clear()
    return len(frames)


def test_spot_pings_every_20_s_and_hangs_up_after_a_minute_without_pong():
    stand = Stand()
    polite, mute = stand.listener(), stand.listener()
    for _ in range(119):
        stand.step(1_000)
        if pings(polite):
            polite.ponged(stand.hub.life_ms())
    assert polite.is_open
    assert mute.transport.aborted
    assert mute.cut_for == "no pong"


def test_futures_ping_every_3_minutes_and_hang_up_after_10():
    stand = Stand()
    socket = stand.listener(market="linear", path="market")
    counts = []
    for _ in range(61):
        stand.step(10_000)
        counts.append(pings(socket))
    assert sum(counts[:17]) == 0
    assert sum(counts) == 3
    assert socket.cut_for == "no pong"


def test_no_socket_lives_longer_than_24_hours():
    async def day():
        stand = Stand(pong_within_ms={"spot": 10**12, "linear": 10**12})
        socket = stand.listener()
        stand.step(24 * 3_600_000 - 1_000)
        assert socket.is_open
        stand.step(1_000)
        assert not socket.is_open
        return unframed(socket.transport.data)[-1]

    opcode, payload = asyncio.run(day())
    assert (opcode, payload[:2]) == (8, b"\x03\xe9")


def test_a_client_that_does_not_read_is_cut_off_at_its_bound_and_the_others_go_on():
    stand = Stand(buffer_bytes=10_000)
    reader, stuck = stand.listener("btcusdt@depth@100ms"), stand.listener("btcusdt@depth@100ms", stuck=True)
    for _ in range(200):
        stand.exchange.place(stand.spot, BUY, 1, 100)
        stand.step(100)
    assert stuck.transport.aborted
    assert stuck.cut_for == "slow reader"
    assert len(stuck.transport.data) < 10_500
    assert len(heard(reader)) == 200


def test_a_client_may_send_five_messages_a_second_on_spot_and_ten_on_futures():
    stand = Stand()
    for market, path, allowed in (("spot", "spot", 5), ("linear", "public", 10)):
        socket = stand.listener(market=market, path=path)
        assert [socket.admits(1_000.0 + i) for i in range(allowed + 1)] == [True] * allowed + [False]
        assert socket.admits(2_500.0)


def test_connections_of_an_address_are_bounded():
    stand = Stand(connections_per_5_min=3)
    assert [stand.hub.admits_connection("a") for _ in range(4)] == [True, True, True, False]
    assert stand.hub.admits_connection("b")
    stand.step(300_000)
    assert stand.hub.admits_connection("a")


def test_closing_a_client_that_does_not_answer_ends_in_a_reset():
    async def close():
        stand = Stand()
        socket = stand.listener()
        socket.close(1001, "bye")
        socket.close(1001, "again")
        assert unframed(socket.transport.data) == [(8, b"\x03\xe9bye")]
        socket.write(frame(b"late"))
        return socket

    assert not asyncio.run(close()).is_open
    assert KeepingTransport().get_write_buffer_size() == 0
