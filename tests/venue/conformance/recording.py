"""What unmodified ccxt sends for each scenario, with time and signature normalised after the signature was verified.

`python -m tests.venue.conformance.recording` writes the golden files anew; it is done on purpose, when ccxt is raised.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from pathlib import Path
from typing import Any

import orjson

from tests.venue.ccxt.recorder import Recorder, Seen, by_path
from tests.venue.conformance.plain_ccxt import KEY, SECRET, recorder_of
from tests.venue.conformance.samples.read import samples
from tests.venue.conformance.scenarios import SCENARIOS

GOLDEN = Path(__file__).parent / "golden"
MORE = {"POST /fapi/v1/batchOrders": [{"code": -2022, "msg": "ReduceOnly Order is rejected."}] * 2}


def normalised(seen: Seen) -> dict[str, str]:
    """Return the request with its time replaced by <T> and its verified signature by <S>."""
    query, body = seen.query, seen.body.decode()
    signed = body if "signature=" in body else query
    payload, _, signature = signed.partition("&signature=")
    if signature:
        whole = query + payload if signed is body else payload
        assert hmac.compare_digest(signature, hmac.new(SECRET.encode(), whole.encode(), hashlib.sha256).hexdigest())
        assert seen.headers["X-MBX-APIKEY"] == KEY
    return {
        "request": f"{seen.method} {_clean(seen.target)} HTTP/1.1",
        "headers": "\n".join(
            f"{name}: {seen.headers[name]}" for name in ("X-MBX-APIKEY", "Content-Type") if name in seen.headers
        ),
        "body": _clean(body),
    }


def _clean(text: str) -> str:
    text = re.sub(r"(?<=[?&])signature=[0-9a-f]{64}", "signature=<S>", text)
    return re.sub(r"(^|(?<=[?&]))timestamp=\d{13}(?=&|$)", "timestamp=<T>", text)


async def record(market: str) -> dict[str, list[dict[str, str]]]:
    """The requests of each scenario of a market."""
    sent: dict[str, list[dict[str, str]]] = {}
    async with Recorder(by_path(samples() | MORE)) as recorder, recorder_of(recorder) as api:
        await api.load_markets()
        sent["load_markets"] = [normalised(seen) for seen in recorder.seen]
        for name, scenario in SCENARIOS[market].items():
            before = len(recorder.seen)
            await scenario(api)
            sent[name] = [normalised(seen) for seen in recorder.seen[before:]]
            assert sent[name], name
    return sent


async def parse(market: str) -> dict[str, Any]:
    """The unified structures that ccxt makes of the documented answers."""
    parsed: dict[str, Any] = {}
    async with Recorder(by_path(samples() | MORE)) as recorder, recorder_of(recorder, number=str) as api:
        await api.load_markets()
        symbol = "BTC/USDT" if market == "spot" else "BTC/USDT:USDT"
        parsed["market"] = api.market(symbol)
        for name, scenario in SCENARIOS[market].items():
            parsed[name] = await scenario(api)
    return _stable(parsed)


def _stable(value: Any) -> Any:
    """Without the raw answer, which is the sample itself, and without the local time."""
    if isinstance(value, dict):
        return {str(key): _stable(one) for key, one in value.items() if key not in ("info", "updated")}
    return [_stable(one) for one in value] if isinstance(value, list | tuple) else value


def text(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for its in SCENARIOS:
        (GOLDEN / f"requests_{its}.json").write_bytes(text(asyncio.run(record(its))))
        (GOLDEN / f"parsed_{its}.json").write_bytes(text(asyncio.run(parse(its))))
