"""A long capture made of a short one: the same messages again and again, later each time, and one unbroken id chain.

Both engines import the result with their own importers, so that the rows of a timed run are nobody's conversion but
theirs. The capture's own snapshot, which comes again in every tile, clears what the tile before has left.
"""

import gzip
import os
from pathlib import Path
from typing import Any

import orjson

PAUSE_NS = 1_000_000_000  # between the end of one tile and the start of the next
TIMES = ("E", "T")
IDS = ("U", "u", "pu", "lastUpdateId")


def tile(capture: Path, to: Path, tiles: int) -> Path:
    """Write `tiles` copies of a raw Binance capture, one after the other, as one capture; once."""
    if to.exists():
        return to
    with gzip.open(capture, "rb") as lines:
        messages = [(int(line[:19]), orjson.loads(line[20:])) for line in lines]
    period_ms = (messages[-1][0] - messages[0][0] + PAUSE_NS) // 1_000_000
    updates = [body for body in map(body_of, (message for _, message in messages)) if body.get("e") == "depthUpdate"]
    trades = [body for body in map(body_of, (message for _, message in messages)) if body.get("e") == "trade"]
    # Each tile's first diff follows on the last one's: the chain of update ids shows no gap.
    id_step = updates[-1]["u"] - (updates[0]["pu"] if "pu" in updates[0] else updates[0]["U"] - 1)
    trade_step = trades[-1]["t"] - trades[0]["t"] + 1
    part = to.with_suffix(".part")
    to.parent.mkdir(parents=True, exist_ok=True)
    # Level 1: the bench should spend its time elsewhere, and no engine reads it slower for it.
    with gzip.open(part, "wb", compresslevel=1) as out:
        for number in range(tiles):
            for recv_ns, message in messages:
                shift(body_of(message), period_ms if number else 0, id_step if number else 0, trade_step if number else 0)
                out.write(b"%019d %s\n" % (recv_ns + number * period_ms * 1_000_000, orjson.dumps(message)))
    os.replace(part, to)
    return to


def body_of(message: dict[str, Any]) -> dict[str, Any]:
    """Stream messages are wrapped, the REST snapshot is bare."""
    body: dict[str, Any] = message.get("data", message)
    return body


def shift(body: dict[str, Any], period_ms: int, id_step: int, trade_step: int) -> None:
    """Move one message a tile on, in place."""
    for name in TIMES:
        if name in body:
            body[name] += period_ms
    for name in IDS:
        if name in body:
            body[name] += id_step
    if "t" in body:
        body["t"] += trade_step
