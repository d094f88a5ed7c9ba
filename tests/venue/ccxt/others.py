"""What b25 asks of Bybit, OKX and Kraken, recorded: `python -m tests.venue.ccxt.others` writes the fixtures anew, on purpose."""

from __future__ import annotations

import asyncio
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from b25.model.order import Tif
from b25.venue.ccxt.gateway import CcxtVenue
from b25.venue.port.outcome import Outcome
from b25.venue.port.requests import Amendment, NewOrder, OrderRef, Signed
from tests.venue.ccxt.recorder import Recorder, Seen, by_path, load
from tests.venue.ccxt.signatures import KEY, PASSPHRASE, SECRET, SHOWN_HEADERS, SIGNATURE_HEADER, VERIFY
from tests.venue.ccxt.venues import venue_at

FIXTURES = Path(__file__).parent / "fixtures"
SIGNED_MS = 1_700_000_000_123
OTHERS = {
    "bybit": ("linear", "BTC/USDT:USDT", "b25-aaaaa-b-1", "1321003749386327552"),
    "okx": ("linear", "BTC/USDT:USDT", "b25aaaaab1", "312269865356374016"),
    "kraken": ("spot", "BTC/USD", "b25-aaaaa-b-1", "OUF4EM-FRGI2-MQMWZD"),
}


def normalised(exchange: str, seen: Seen) -> dict[str, str]:
    """The request, its signature verified and then left out, its time replaced."""
    if SIGNATURE_HEADER[exchange] in seen.headers:
        VERIFY[exchange](seen)
    shown = [f"{name}: {seen.headers[name]}" for name in SHOWN_HEADERS[exchange] if name in seen.headers]
    body = re.sub(r"^nonce=\d+", "nonce=<N>", seen.body.decode())
    return {"request": f"{seen.method} {seen.target} HTTP/1.1", "headers": "\n".join(shown), "body": body}


def asked(port: CcxtVenue, symbol: str, client_id: str, venue_id: str) -> dict[str, Any]:
    """Every request of the port, by a name."""
    when = asdict(Signed(sign_ms=SIGNED_MS))
    new: dict[str, Any] = {"symbol": symbol, "client_id": client_id, "side": 1, "qty_lots": 1000, **when}
    return {
        "server_time": lambda: port.server_time_ms(),
        "submit_limit": lambda: port.submit(NewOrder(**new, price_ticks=400_000)),
        "submit_market": lambda: port.submit(NewOrder(**new)),
        "submit_post_only": lambda: port.submit(NewOrder(**new, price_ticks=400_000, post_only=True)),
        "submit_ioc": lambda: port.submit(NewOrder(**new, price_ticks=400_000, tif=Tif.IOC)),
        "cancel_by_venue_id": lambda: port.cancel(OrderRef(symbol=symbol, venue_id=venue_id, **when)),
        "cancel_by_client_id": lambda: port.cancel(OrderRef(symbol=symbol, client_id=client_id, **when)),
        "cancel_all": lambda: port.cancel_all(symbol),
        "amend": lambda: port.amend(
            Amendment(symbol=symbol, venue_id=venue_id, side=1, qty_lots=500, price_ticks=390_000, **when)
        ),
        "order_by_venue_id": lambda: port.order(OrderRef(symbol=symbol, venue_id=venue_id)),
        "order_by_client_id": lambda: port.order(OrderRef(symbol=symbol, client_id=client_id)),
        "open_orders": lambda: port.open_orders(symbol),
        "trades": lambda: port.trades(symbol),
        "balances": lambda: port.balances(),
        "positions": lambda: port.positions(),
        "fees": lambda: port.fees(symbol),
        "set_leverage": lambda: port.set_leverage(symbol, 5),
    }


def shown(outcome: Outcome[Any]) -> dict[str, Any]:
    """What the port made of the answers, without the raw part."""
    value = outcome.value
    many = value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]
    rows = [
        {name: str(part) for name, part in asdict(one).items() if name != "raw"} if hasattr(one, "__dataclass_fields__") else one
        for one in many
    ]
    return {"answer": outcome.answer.name, "value": rows}


async def record(exchange: str) -> dict[str, Any]:
    """Requests and outcomes of every call."""
    kind, symbol, client_id, venue_id = OTHERS[exchange]
    now_ns = [0]

    async def sleep(seconds: float) -> None:
        now_ns[0] += int(seconds * 1e9)

    answers = load(FIXTURES / f"answers_{exchange}.json")
    found: dict[str, Any] = {}
    more = {"key": KEY, "secret": SECRET, "password": PASSPHRASE, "now_ns": lambda: now_ns[0], "sleep": sleep, "patience_s": 1e4}
    async with Recorder(by_path(answers)) as recorder, venue_at(recorder, kind, exchange, **more) as port:
        listings = await port.listings()
        found["listings"] = {"sent": [normalised(exchange, seen) for seen in recorder.seen]} | shown(
            Outcome(answer=listings.answer, value=[listing.instrument for listing in listings.must().values()])
        )
        for name, ask in asked(port, symbol, client_id, venue_id).items():
            before = len(recorder.seen)
            now_ns[0] += 60 * 10**9
            outcome = await ask()
            found[name] = {"sent": [normalised(exchange, seen) for seen in recorder.seen[before:]]} | shown(outcome)
    return found


def text(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


if __name__ == "__main__":
    for name in OTHERS:
        (FIXTURES / f"recorded_{name}.json").write_bytes(text(asyncio.run(record(name))))
