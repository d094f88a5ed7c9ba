"""One connection to the bus: it must be there at the start; once there, it comes back by itself for as long as it takes."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from b25.bus.address import BusAddress
from b25.bus.streams import stream_configs
from b25.model.errors import B25Error, Misuse, Retry

NATS_PORT: Final = 4_222
START_S: Final = 5.0
AGAIN_S: Final = 0.25
ANSWER_S: Final = 2.0
Say = Callable[[str], None]


class Link:
    """A connection.

    Attributes
    ----------
    client, stream : nats client and its JetStream
    down_since_ns : int
        When it was lost; 0 while it is there.
    reconnects : int
    """

    def __init__(self, address: BusAddress, name: str, say: Say) -> None:
        self.address, self.name, self.say = address, name, say
        self.client: Any = None
        self.stream: Any = None
        self.down_since_ns = 0
        self.reconnects = 0
        self._told = ""
        self._is_closing = False

    @property
    def is_up(self) -> bool:
        """Whether messages go through now."""
        return self.client is not None and bool(self.client.is_connected)

    async def _on_error(self, fault: Exception) -> None:
        text = f"{type(fault).__name__}: {fault}".rstrip(": ")
        if text != self._told and not self._is_closing and self.down_since_ns == 0:
            self._told = text
            self.say(f"bus: {text}")

    async def _on_lost(self) -> None:
        if not self._is_closing and self.down_since_ns == 0:
            self.down_since_ns = time.time_ns()
            self.say("bus: lost; what must arrive waits in the store, the rest is replaced by what is newer")

    async def _on_back(self) -> None:
        self.down_since_ns, self._told = 0, ""
        try:
            await self.make_streams()  # a server whose disk was lost comes back empty
        except Exception as fault:
            self.say(f"bus: back, but its streams cannot be made: {type(fault).__name__}: {fault}")
            return
        finally:
            self.reconnects += 1
        self.say("bus: back")

    async def make_streams(self) -> None:
        """Have the server keep what must not be lost; one that is there already is brought to what is declared."""
        from nats.js.errors import BadRequestError

        for config in stream_configs():
            try:
                await self.stream.add_stream(config)
            except BadRequestError:
                await self.stream.update_stream(config)

    async def close(self) -> None:
        """Send what is under way and go."""
        self._is_closing = True
        if self.client is not None and not self.client.is_closed:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self.client.flush(), ANSWER_S)
            with contextlib.suppress(Exception):
                await self.client.close()


async def open_link(address: BusAddress, name: str, say: Say) -> Link:
    """Connect, and have the streams made.

    Raises
    ------
    Misuse
        When the server does not accept the token, or keeps no streams.
    Retry
        When there is no server.
    """
    import nats

    link = Link(address, name, say)
    await _probe(address)
    options: dict[str, Any] = {"token": address.token} if address.token else {}
    link.client = await nats.connect(
        address.url, name=name, max_reconnect_attempts=-1, reconnect_time_wait=AGAIN_S, connect_timeout=int(ANSWER_S),
        ping_interval=5, max_outstanding_pings=2, error_cb=link._on_error, disconnected_cb=link._on_lost,
        reconnected_cb=link._on_back, pending_size=2**23, **options,
    )  # fmt: skip
    link.stream = link.client.jetstream(timeout=ANSWER_S)
    try:
        await link.make_streams()
    except Exception as fault:
        await link.close()
        raise told(fault, address) from fault
    return link


async def _probe(address: BusAddress) -> None:
    """Connect once, without trying again, so that a refusal is told as what it is."""
    from nats.aio.client import Client

    refused: list[Exception] = []

    async def note(fault: Exception) -> None:
        refused.append(fault)

    options: dict[str, Any] = {"token": address.token} if address.token else {}
    parts = urlsplit(address.url)
    client = Client()
    try:
        _, knock = await asyncio.wait_for(asyncio.open_connection(parts.hostname, parts.port or NATS_PORT), START_S)
        knock.close()
        await knock.wait_closed()
        await asyncio.wait_for(
            client.connect(address.url, allow_reconnect=False, connect_timeout=int(ANSWER_S), error_cb=note, **options), START_S
        )
    except Exception as fault:
        raise told(refused[0] if refused else fault, address) from fault
    finally:
        with contextlib.suppress(Exception):
            await client.close()
        if (left := getattr(client, "_transport", None)) is not None:  # of a client that was refused, it closes nothing
            with contextlib.suppress(Exception):
                left.close()
                await left.wait_closed()


def told(fault: Exception, address: BusAddress) -> B25Error:
    """What a fault of the client means to a person."""
    text = f"{type(fault).__name__}: {fault}".rstrip(": ")
    if "authorization" in text.lower():
        return Misuse(
            f"the bus at {address.url} does not accept the token", remedy="name the file that holds it in B25_NATS_TOKEN_FILE"
        )
    if "serviceunavailable" in text.lower() or "jetstream not enabled" in text.lower():
        return Misuse(f"the bus at {address.url} keeps no streams", remedy="start nats-server with JetStream")
    return Retry(
        f"the bus at {address.url} does not answer ({text})",
        remedy="start it with b25 up or name it in B25_NATS_URL; or --bus none",
    )
