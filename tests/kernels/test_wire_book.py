"""A message put straight into the book leaves the book that the archive's rows leave."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from b25.kernels.book import CLEAR_CROSSED, make_ladder
from b25.kernels.book_reads import books_equal
from b25.kernels.book_rows import apply_rows
from b25.kernels.wire_binance import read_message
from b25.kernels.wire_book import apply_message
from b25.market.bridge import bridge
from b25.market.capture import grid_of
from b25.market.catalog import Catalog
from b25.market.import_capture import import_capture
from b25.model.book import GAP_SEEN, LEVEL, NO_SNAPSHOT
from b25.model.message import MESSAGE, USDM
from tests.market.raw_capture import capture_lines, write

from .naive_wire import diff_text, snapshot_text, trade_text

GRID = grid_of(USDM, (2, 1), (3, 1))
SYMBOL = np.frombuffer(b"ETHUSDT", np.uint8)


def fed(texts):
    """Book after these messages."""
    ladder = make_ladder(1024, 64)
    message, levels = np.zeros(1, MESSAGE), np.zeros(64, LEVEL)
    for text in texts:
        buf = np.frombuffer(text, np.uint8)
        status, _ = read_message(buf, 0, len(buf), SYMBOL, GRID[0], message[0], levels)
        assert status == 0
        apply_message(message[0], levels, CLEAR_CROSSED, *ladder.book)
    return ladder


def test_the_live_way_and_the_archives_way_end_on_the_same_book(tmp_path):
    lines = capture_lines(count=30)
    import_capture(write(tmp_path / "a", lines), venue="binanceusdm", symbol="ETH/USDT:USDT", catalog=tmp_path / "c")
    replayed = make_ladder()
    rows = bridge(Catalog(tmp_path / "c").load("binanceusdm", "ETH/USDT:USDT").rows, "binanceusdm").rows
    apply_rows(rows, CLEAR_CROSSED, *replayed.book)
    texts = [line[20:].rstrip() for line in lines]
    live = fed([texts[1], texts[0], *texts[2:]])  # the first diff waited for the snapshot
    assert books_equal(*live.book, *replayed.book)
    for name in ("best_bid_ticks", "best_ask_lots", "last_update_id", "exch_ns", "last_trade_ticks", "last_trade_side"):
        assert live.head[0][name] == replayed.head[0][name]


PAIRS = st.lists(st.tuples(st.integers(9_000, 11_000), st.integers(0, 9)), max_size=6)


def text_pairs(pairs):
    return [[f"{price / 100:.2f}", f"{qty}.000"] for price, qty in pairs]


@settings(deadline=None)
@given(st.lists(st.tuples(PAIRS, PAIRS), max_size=5), PAIRS, PAIRS)
def test_a_snapshot_forgets_what_was_before_it(diffs, bids, asks):
    snapshot = snapshot_text(USDM, 50, text_pairs(bids), text_pairs(asks))
    before = [diff_text(USDM, i, i, i - 1, text_pairs(b), text_pairs(a)) for i, (b, a) in enumerate(diffs, 1)]
    assert books_equal(*fed([*before, snapshot]).book, *fed([snapshot]).book)


def test_a_snapshot_heals_a_gap_and_a_print_is_the_last_trade():
    ladder = make_ladder(1024, 64)
    ladder.head["health"] = GAP_SEEN | NO_SNAPSHOT
    message, levels = np.zeros(1, MESSAGE), np.zeros(64, LEVEL)
    for text in (snapshot_text(USDM, 1, [["99.9", "1"]], [["100", "2"]]), trade_text(USDM, 7, "100.00", "0.500", maker=False)):
        buf = np.frombuffer(text, np.uint8)
        read_message(buf, 0, len(buf), SYMBOL, GRID[0], message[0], levels)
        apply_message(message[0], levels, CLEAR_CROSSED, *ladder.book)
    head = ladder.head[0]
    assert head["health"] == 0
    assert (head["last_trade_ticks"], head["last_trade_lots"], head["last_trade_side"]) == (10_000, 500, 1)
    assert (head["best_bid_lots"], head["best_ask_lots"]) == (1000, 2000)
