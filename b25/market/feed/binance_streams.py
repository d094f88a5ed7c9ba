"""How Binance's streams are named, where they are served, and what its answers to subscriptions mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

import orjson

from b25.model.errors import Misuse
from b25.model.message import SPOT, USDM

Stream = Literal["depth", "trades", "aggTrade", "bookTicker"]
STREAMS: tuple[Stream, ...] = ("depth", "trades", "aggTrade", "bookTicker")
PARAMS_MAX = 100  # streams in one SUBSCRIBE
CHANNELS: dict[Stream, str] = {"depth": "depth@100ms", "trades": "trade", "aggTrade": "aggTrade", "bookTicker": "bookTicker"}
PUBLIC = ("depth", "trades", "bookTicker")  # of USD-M; all others are served on another path


@dataclass(frozen=True, slots=True)
class Address:
    """Where one market of the venue is: REST paths and the two WebSocket addresses (one and the same on spot)."""

    snapshot_url: str
    info_url: str
    public_url: str
    market_url: str


def address_of(market: int, api_url: str | None = None) -> Address:
    """Return Binance's own addresses, or those of a venue like it at `api_url` (scheme, host and port)."""
    if api_url is None:
        if market == SPOT:
            rest, socket = "https://api.binance.com/api/v3", "wss://stream.binance.com:9443/ws"
            return Address(f"{rest}/depth", f"{rest}/exchangeInfo", socket, socket)
        rest, socket = "https://fapi.binance.com/fapi/v1", "wss://fstream.binance.com"
        return Address(f"{rest}/depth", f"{rest}/exchangeInfo", f"{socket}/public/ws", f"{socket}/market/ws")
    parts = urlsplit(api_url if "://" in api_url else f"http://{api_url}")
    schemes = {"http": ("http", "ws"), "ws": ("http", "ws"), "https": ("https", "wss"), "wss": ("https", "wss")}
    if parts.scheme not in schemes or not parts.hostname:
        raise Misuse(f"--api-url {api_url} is no address", remedy="write it like http://127.0.0.1:18080")
    http, ws = schemes[parts.scheme]
    if market == SPOT:
        rest, socket = f"{http}://{parts.netloc}/api/v3", f"{ws}://{parts.netloc}/stream/ws/0"
        return Address(f"{rest}/depth", f"{rest}/exchangeInfo", socket, socket)
    rest, socket = f"{http}://{parts.netloc}/fapi/v1", f"{ws}://{parts.netloc}/f"
    return Address(f"{rest}/depth", f"{rest}/exchangeInfo", f"{socket}/public/ws/0", f"{socket}/market/ws/0")


def stream_name(raw_name: str, stream: Stream) -> str:
    """Return a stream's name, e.g. ``ethusdt@depth@100ms``."""
    return f"{raw_name.lower()}@{CHANNELS[stream]}"


def is_public(market: int, stream: Stream) -> bool:
    """Whether a stream is served at the public address."""
    return market != USDM or stream in PUBLIC


def subscribe(names: Sequence[str], number: int) -> bytes:
    """Return the request for some streams."""
    return orjson.dumps({"method": "SUBSCRIBE", "params": list(names), "id": number})


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to a request: its number, and the venue's own words if it was refused."""

    number: int
    error: str = ""


class Shutdown:
    """The venue is about to close its sockets."""


def read_control(text: bytes) -> Reply | Shutdown | None:
    """Read what is no market data; None for anything unknown."""
    try:
        body: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(body, dict):
        return None
    if isinstance(body.get("data"), dict):
        body = body["data"]
    if body.get("e") == "serverShutdown":
        return Shutdown()
    number = body.get("id")
    error = body.get("error", body if "code" in body and "msg" in body else None)
    if error is not None:
        return Reply(number if isinstance(number, int) else 0, orjson.dumps(error).decode()[:200])
    if isinstance(number, int) and "result" in body:
        return Reply(number)
    return None
