"""The short way takes what it can, whatever the pieces it comes in, and leaves everything else to aiohttp."""

import asyncio

import pytest

from tests.venue.wire.venues import account, fresh, order, signed

TIME = b"GET /api/v3/time HTTP/1.1\r\nHost: x\r\n\r\n"


async def talk(venue, *pieces, wait=0.2):
    """What comes back on one plain connection for these pieces."""
    host, port = venue.plain_url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    got = b""
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.01)
        while True:
            data = await asyncio.wait_for(reader.read(65536), wait)
            if not data:
                break
            got += data
    except (TimeoutError, ConnectionResetError):
        pass
    finally:
        writer.close()
    return got


def venue_run(tmp_path, act):
    async def run():
        venue = fresh(tmp_path)
        _, key = account(venue.exchange)
        async with venue:
            await act(venue, key)
            assert not venue.core.surprises

    asyncio.run(run())


def test_pieces_and_pipelines(tmp_path):
    async def act(venue, key):
        body = signed(key.secret, **order()).encode()
        request = b"POST /api/v3/order HTTP/1.1\r\nHost: x\r\nx-mbx-apikey: %s\r\ncontent-length: %d\r\n\r\n%s" % (
            key.key.encode(), len(body), body,
        )  # fmt: skip
        for size in (1, 7, 100, len(request)):
            pieces = [request[at : at + size] for at in range(0, len(request), size)] if size > 1 else [request[:3], request[3:]]
            assert (await talk(venue, *pieces)).startswith(b"HTTP/1.1 200 OK\r\n")
        assert (await talk(venue, TIME * 3)).count(b"serverTime") == 3
        closed = await talk(venue, TIME.replace(b"Host: x", b"Connection: close"), wait=5)
        assert b"Connection: close" in closed

    venue_run(tmp_path, act)


def test_everything_else_goes_on_with_aiohttp(tmp_path):
    async def act(venue, key):
        chunked = b"POST /api/v3/order HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na=1\r\n0\r\n\r\n"
        assert b"-2014" in await talk(venue, chunked)
        both = await talk(venue, TIME + chunked + TIME)
        assert both.count(b"HTTP/1.1") == 3
        assert b"404" in await talk(venue, b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"404" in await talk(venue, b"PATCH /api/v3/time HTTP/1.1\r\nHost: x\r\n\r\n")
        venue.faults.set("half_open", where="nobody")
        assert b"serverTime" in await talk(venue, TIME)

    venue_run(tmp_path, act)


@pytest.mark.parametrize(
    "raw",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01",
        b"GET\r\n\r\n",
        b"GET /api/v3/time\r\n\r\n",
        b"GET /api/v3/time HTTP/9.9\r\n\r\n",
        b"GET  /api/v3/time HTTP/1.1\r\n\r\n",
        b"\x00" * 100 + b"\r\n\r\n",
        b"GET /api/v3/time HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET /api/v3/time HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"GET /api/v3/time HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST /api/v3/order HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n" + b"a" * 100,
        b"POST /api/v3/order HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999999999999\r\n\r\n",
        b"GET /api/v3/time HTTP/1.1\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"GET /api/v3/time?" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /api/v3/time HTTP/1.1\r\n" + b"A: b\r\n" * 5_000 + b"\r\n",
        b"GET /api/v3/time?\xff\xfe=1 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /api/v3/%00%ff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /admin/../api/v3/time HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_nonsense(tmp_path, raw):
    """Old HTTP is answered, the rest gets a 4xx or a closed connection; the venue goes on."""

    async def act(venue, key):
        got = await talk(venue, raw)
        assert not got or got.split(b" ")[1][:1] in (b"2", b"4"), got[:200]
        assert b"serverTime" in await talk(venue, TIME)

    venue_run(tmp_path, act)


def test_a_body_that_is_too_large(tmp_path):
    async def act(venue, key):
        head = b"POST /api/v3/order HTTP/1.1\r\nHost: x\r\nX-MBX-APIKEY: k\r\nContent-Length: %d\r\n\r\n" % (3 << 20)
        got = await talk(venue, head, b"a=" + b"b" * (3 << 20), wait=2)
        assert got.startswith(b"HTTP/1.1 413")

    venue_run(tmp_path, act)


def test_a_client_that_never_reads(tmp_path):
    """What waits for it is bounded: the venue stops reading from it."""

    async def act(venue, key):
        host, port = venue.plain_url.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port), limit=1)
        writer.transport.pause_reading()
        request = b"GET /api/v3/depth?symbol=BTCUSDT&limit=5000 HTTP/1.1\r\nHost: x\r\n\r\n"
        sent = 0
        try:
            for _ in range(4_000):
                writer.write(request * 100)
                await asyncio.wait_for(writer.drain(), 0.3)
                sent += 100
        except TimeoutError:
            pass
        assert sent < 400_000
        assert b"serverTime" in await talk(venue, TIME)
        writer.transport.abort()

    venue_run(tmp_path, act)
