"""Small captures for tests: lines as the recorder writes them, of a market that quotes around 100."""

import gzip
from pathlib import Path

from b25.model.message import SPOT, USDM
from tests.kernels.naive_wire import diff_text, snapshot_text, ticker_text, trade_text

START_NS = 1_700_000_000_000_000_000
BEHIND_NS = 1_000_000_000  # the recorder's clock, as in the real captures
STEP_NS = 50_000_000


def line(text: bytes, at: int, *, behind_ns: int = BEHIND_NS, latency_ns: int = 2_000_000) -> bytes:
    """One line received `latency_ns` after step `at`, by a clock that is behind."""
    return b"%d %s\n" % (START_NS + at * STEP_NS - behind_ns + latency_ns, text)


def capture_lines(market: int = USDM, *, count: int = 20, first_step: int = 0, first_id: int = 1000) -> list[bytes]:
    """Snapshot, diffs in an unbroken chain, trades and tickers; `first_step` and `first_id` continue an earlier capture."""
    lines, last = [], first_id
    for i in range(first_step, first_step + count):
        ms = (START_NS + i * STEP_NS) // 1_000_000
        bids, asks = [[f"{99.9 - 0.1 * (i % 3):.2f}", f"{1 + i % 4}.000"]], [["100.10", f"{i % 5}.500"], ["100.21", "0.001"]]
        lines.append(line(diff_text(market, last + 1, last + 4, last, bids, asks, time_ms=ms), i))
        last += 4
        if i == first_step and first_step == 0:
            many = (
                [[f"{100 - 0.1 * d:.2f}", "1.000"] for d in range(1, 5)],
                [[f"{100 + 0.1 * d:.2f}", "2.000"] for d in range(1, 5)],
            )
            lines.append(line(snapshot_text(market, last - 1, *many, time_ms=ms), i, latency_ns=3_000_000))
        lines.append(
            line(ticker_text(market, last, ("99.90", "1.000"), ("100.10", "0.500"), time_ms=ms), i, latency_ns=4_000_000)
        )
        lines.append(line(trade_text(market, 500 + i, "100.10", "0.250", maker=i % 2 == 0, time_ms=ms), i, latency_ns=5_000_000))
    return lines


def write(path: Path, lines: list[bytes]) -> Path:
    """Write a capture, packed when its name ends so; without the moment of packing, the same lines are the same bytes."""
    text = b"".join(lines)
    path.write_bytes(gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)
    return path


__all__ = ["BEHIND_NS", "SPOT", "START_NS", "STEP_NS", "USDM", "capture_lines", "line", "write"]
