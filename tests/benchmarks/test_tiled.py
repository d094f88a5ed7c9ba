"""A tiled capture looks like one long capture: time goes on, and the chain of update ids shows no gap."""

import gzip
from pathlib import Path
from typing import Any

import orjson

from benchmarks.tiled import tile


def diff(recv_ns: int, exch_ms: int, first: int, last: int, prev: int) -> bytes:
    body = {
        "e": "depthUpdate",
        "E": exch_ms,
        "T": exch_ms,
        "s": "ETHUSDT",
        "U": first,
        "u": last,
        "pu": prev,
        "b": [["1.0", "2"]],
        "a": [],
    }
    return b"%019d %s\n" % (recv_ns, orjson.dumps({"stream": "ethusdt@depth@0ms", "data": body}))


def trade(recv_ns: int, exch_ms: int, trade_id: int) -> bytes:
    body = {
        "e": "trade",
        "E": exch_ms,
        "T": exch_ms,
        "s": "ETHUSDT",
        "t": trade_id,
        "p": "1.0",
        "q": "2",
        "X": "MARKET",
        "m": True,
    }
    return b"%019d %s\n" % (recv_ns, orjson.dumps({"stream": "ethusdt@trade", "data": body}))


def messages(path: Path) -> list[tuple[int, dict[str, Any]]]:
    with gzip.open(path, "rb") as lines:
        return [(int(line[:19]), orjson.loads(line[20:])["data"]) for line in lines]


def test_time_and_ids_go_on_from_tile_to_tile(tmp_path: Path) -> None:
    capture = tmp_path / "capture.gz"
    begin_ns = 1_723_161_256_000_000_000
    with gzip.open(capture, "wb") as out:
        out.write(diff(begin_ns, 1_723_161_257_000, 11, 15, 8))
        out.write(trade(begin_ns + 5_000_000, 1_723_161_257_004, 70))
        out.write(diff(begin_ns + 9_000_000, 1_723_161_257_010, 17, 20, 15))
    whole = messages(tile(capture, tmp_path / "tiled.gz", 3))
    assert len(whole) == 9
    times = [recv_ns for recv_ns, _ in whole]
    assert times == sorted(times)
    diffs = [body for _, body in whole if body["e"] == "depthUpdate"]
    assert [later["pu"] for later in diffs[1:]] == [earlier["u"] for earlier in diffs[:-1]]
    assert all(body["pu"] < body["U"] <= body["u"] for body in diffs)
    assert [body["t"] for _, body in whole if body["e"] == "trade"] == [70, 71, 72]
    # The feed's latency is what it was: both clocks move by the same.
    assert len({body["T"] * 1_000_000 - recv_ns for recv_ns, body in whole[::3]}) == 1
    assert whole[0][1] == messages(capture)[0][1]
