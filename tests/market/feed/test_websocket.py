"""The WebSocket client hands over every message whole, answers what must be answered, and ends with a reason."""

import asyncio
import ctypes

import pytest

from b25.market.feed.websocket import BUFFER_BYTES, MESSAGE_BYTES_MAX, connect
from b25.model.errors import Retry

from .loopback import Venue, frame


class Ear:
    def __init__(self):
        self.texts, self.batches, self.lost_why = [], 0, []
        self.over = asyncio.Event()

    def text(self, address, size, recv_ns):
        self.texts.append(ctypes.string_at(address, size))
        if self.texts[-1] == b"end":
            self.over.set()

    def batch_done(self):
        self.batches += 1

    def heard(self, recv_ns):
        self.heard_ns = recv_ns

    def lost(self, why):
        self.lost_why.append(why)
        self.over.set()


def told(serve, *, wait_s=5.0, after=None):
    """What an ear hears of a venue that does `serve`."""

    async def run():
        ear = Ear()
        async with Venue(serve) as venue:
            socket = await connect(f"ws://127.0.0.1:{venue.port}/ws", ear)
            if after is not None:
                await after(socket, venue)
            async with asyncio.timeout(wait_s):
                await ear.over.wait()
            socket.abort()
        return ear

    return asyncio.run(run())


def sending(*frames):
    async def serve(client):
        client.send(*frames)
        await asyncio.sleep(3600)

    return serve


SIZES = (0, 1, 125, 126, 127, 65535, 65536, BUFFER_BYTES + 5)


def test_messages_of_every_size_arrive_whole():
    texts = [b"%c" % (97 + k) * size for k, size in enumerate(SIZES)]
    ear = told(sending(*map(frame, texts), frame(b"end")))
    assert ear.texts == [*texts, b"end"]


def test_messages_arrive_whole_however_the_bytes_are_cut():
    async def serve(client):
        data = frame(b"one") + frame(b"x" * 300) + frame(b"", 9) + frame(b"end")
        for byte in data:
            client.send(bytes((byte,)))
            await client.writer.drain()
            await asyncio.sleep(0)
        await asyncio.sleep(3600)

    ear = told(serve)
    assert ear.texts == [b"one", b"x" * 300, b"end"]


def test_many_messages_in_one_piece_are_one_batch_or_few():
    ear = told(sending(b"".join(frame(b"m%d" % k) for k in range(5000)), frame(b"end")))
    assert len(ear.texts) == 5001
    assert ear.batches < 500


def test_fragments_are_put_together_with_a_ping_between_them():
    frames = (frame(b"he", 1, final=False), frame(b"now", 9), frame(b"ll", 0, final=False), frame(b"o", 0), frame(b"end"))
    assert told(sending(*frames)).texts == [b"hello", b"end"]


def test_binary_messages_are_let_pass_unheard():
    assert told(sending(frame(b"zip", 2), frame(b"end"))).texts == [b"end"]


def test_a_ping_is_answered_with_its_own_body_and_masked():
    answers = []

    async def serve(client):
        client.send(frame(b"are you there", 9))
        answers.append(await client.heard.get())
        client.send(frame(b"end"))
        await asyncio.sleep(3600)

    told(serve)
    assert answers == [(10, b"are you there", True)]


@pytest.mark.parametrize("size", [5, 200, 70_000])
def test_what_is_sent_arrives(size):
    heard = []

    async def serve(client):
        if size < 65536:
            heard.append(await client.heard.get())
        client.send(frame(b"end"))
        await asyncio.sleep(3600)

    async def after(socket, venue):
        socket.send_text(b"s" * size)

    told(serve, after=after)
    assert heard == ([(1, b"s" * size, True)] if size < 65536 else [])


@pytest.mark.parametrize(
    ("frames", "says"),
    [
        ((frame(b"x", 1, reserved=0x40),), "reserved bit"),
        ((frame(b"x", 0),), "fragments out of order"),
        ((frame(b"x", 1, final=False), frame(b"y", 1)), "between the fragments"),
        ((frame(b"x", 1, final=False), frame(b"y", 1, final=False)), "fragments out of order"),
        ((frame(b"x", 3),), "unknown kind"),
        ((frame(b"x" * 126, 9),), "control frame"),
        ((b"\x81\x81abcdx",), "masked"),
        ((b"\x81\x7f" + (MESSAGE_BYTES_MAX + 1).to_bytes(8, "big"),), "bytes"),
        ((frame((1001).to_bytes(2, "big") + b"going away", 8),), "1001, going away"),
        ((frame(b"", 8),), "closed the socket"),
    ],
)
def test_what_breaks_the_protocol_ends_the_connection_with_its_reason(frames, says):
    ear = told(sending(*frames))
    assert len(ear.lost_why) == 1
    assert says in ear.lost_why[0]


def test_a_cut_connection_is_told_once():
    async def serve(client):
        client.send(frame(b"one"))
        await client.writer.drain()
        client.cut()

    ear = told(serve)
    assert len(ear.lost_why) == 1


def test_an_end_of_our_own_is_not_told():
    async def serve(client):
        while (await client.heard.get())[0] != 8:
            pass
        await asyncio.sleep(3600)

    async def run():
        ear = Ear()
        async with Venue(serve) as venue:
            socket = await connect(f"ws://127.0.0.1:{venue.port}/ws", ear)
            socket.close()
            await asyncio.sleep(0.05)
            socket.abort()
        return ear

    assert asyncio.run(run()).lost_why == []


def refused(url_of, venue):
    async def run():
        async with venue as one:
            with pytest.raises(Retry) as fault:
                await connect(url_of(one), Ear(), timeout_s=0.5)
            return fault.value.what

    return asyncio.run(run())


def test_a_handshake_that_is_not_accepted_is_told():
    async def serve(client):
        await asyncio.sleep(3600)

    assert "another key" in refused(lambda one: f"ws://127.0.0.1:{one.port}/", Venue(serve, accept=b"wrong"))


def test_no_venue_is_told():
    async def serve(client):
        await asyncio.sleep(3600)

    assert "127.0.0.1:1/" in refused(lambda one: "ws://127.0.0.1:1/", Venue(serve))


def test_a_venue_that_never_answers_is_given_up():
    async def run():
        writers = []
        server = await asyncio.start_server(lambda reader, writer: writers.append(writer), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Retry, match=r"within 0\.2 s"):
            await connect(f"ws://127.0.0.1:{port}/", Ear(), timeout_s=0.2)
        server.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0.01)

    asyncio.run(run())
