"""Messages are read from their bytes exactly as `json` and `Decimal` read them, and anything unusual is left alone."""

import gzip

import numba
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from b25.kernels.wire_binance import read_message
from b25.kernels.wire_text import NO_ROOM, OFF_GRID, READ, UNUSUAL
from b25.market.capture import grid_of
from b25.market.slow_path import BadLine, Ignored, SlowReader
from b25.model.book import LEVEL
from b25.model.message import COINM, DIFF, MESSAGE, SPOT, USDM

from .naive_wire import SYMBOLS, diff_text, naive_message, snapshot_text, ticker_text, trade_text

MARKETS = st.sampled_from([USDM, COINM, SPOT])
IDS = st.integers(0, 10**15)
TIMES = st.integers(10**12, 9 * 10**12 - 10)
FINEST = ((8, 1), (8, 1))


def decimals(smallest):
    """Decimals as a venue writes them, with and without trailing zeros."""
    return st.tuples(st.integers(smallest, 10**10 - 1), st.integers(0, 8)).map(
        lambda parts: f"{parts[0] // 10 ** parts[1]}" + (f".{parts[0] % 10 ** parts[1]:0{parts[1]}d}" if parts[1] else "")
    )


PRICES = decimals(1).filter(lambda text: float(text) > 0)
QUANTITIES = decimals(0)
PAIRS = st.lists(st.tuples(PRICES, QUANTITIES).map(list), max_size=6)


@st.composite
def texts(draw):
    """(market, message text) of all kinds."""
    market = draw(MARKETS)
    time_ms, wrapped = draw(TIMES), draw(st.booleans())
    match draw(st.sampled_from(["diff", "trade", "ticker", "snapshot"])):
        case "diff":
            ids = (draw(IDS), draw(IDS), draw(IDS))
            return market, diff_text(market, *ids, draw(PAIRS), draw(PAIRS), time_ms=time_ms, wrapped=wrapped)
        case "trade":
            qty = draw(QUANTITIES.filter(lambda text: float(text) > 0))
            return market, trade_text(market, draw(IDS), draw(PRICES), qty, draw(st.booleans()), time_ms=time_ms, wrapped=wrapped)
        case "ticker":
            bid, ask = draw(st.tuples(PRICES, QUANTITIES)), draw(st.tuples(PRICES, QUANTITIES))
            return market, ticker_text(market, draw(IDS), bid, ask, time_ms=time_ms, wrapped=wrapped)
        case _:
            return market, snapshot_text(market, draw(IDS), draw(PAIRS), draw(PAIRS), time_ms=time_ms)


def fast(market, text, grid=FINEST, room=64):
    """Status and what was read, in the naive twin's form."""
    message, levels = np.zeros(1, MESSAGE), np.zeros(room, LEVEL)
    symbol = np.frombuffer(SYMBOLS[market].encode(), np.uint8)
    buf = np.frombuffer(text, np.uint8)
    if len(text) == 0 or text[-1] not in b"}\n":
        buf = np.frombuffer(text + b"\n", np.uint8)
    with np.errstate(over="ignore"):  # long rows of digits, with the JIT off
        status, after = read_message(buf, 0, len(buf), symbol, grid_of(market, *grid)[0], message[0], levels)
    return status, (after if status == READ else None), as_naive(message[0], levels)


def as_naive(message, levels):
    bids, asks = int(message["bids"]), int(message["asks"])
    pairs = [(int(p), int(q)) for p, q in levels[: bids + asks]]
    names = ("kind", "exch_ns", "first_id", "last_id", "prev_id", "side")
    return (*(int(message[name]) for name in names), pairs[:bids], pairs[bids:])


def slow(market, text, grid=FINEST):
    message, levels = np.zeros(1, MESSAGE), np.zeros(64, LEVEL)
    levels = SlowReader(SYMBOLS[market], grid_of(market, *grid)[0]).read(text, message[0], levels)
    return as_naive(message[0], levels)


@settings(deadline=None, max_examples=400)
@given(texts())
def test_every_layout_of_the_venue_is_read_as_json_and_decimal_read_it(case):
    market, text = case
    status, after, got = fast(market, text)
    assert status == READ
    assert after == len(text)
    assert got == naive_message(text)
    assert slow(market, text) == naive_message(text)


@settings(deadline=None, max_examples=1000)
@given(
    texts(),
    st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(b'0123456789.,"[]{}:-+eE \\truefalsnXT\n\x00\xff')), max_size=3),
    st.integers(0, 10**6),
    st.booleans(),
)
@example((USDM, trade_text(USDM, 1, "1.5", "0.0", maker=True)), [], 0, False)
@example((SPOT, diff_text(SPOT, 1, 2, 0, [["1", "99999999999.5"]], [])), [], 0, False)
@example((SPOT, diff_text(SPOT, 1, 2, 0, [["0.000000001", "1"]], [])), [], 0, False)
def test_what_is_damaged_is_either_read_alike_by_both_readers_or_left_to_the_slow_one(case, edits, cut, truncate):
    market, text = case
    text = bytearray(text)
    for place, byte in edits:
        text[place % len(text)] = byte
    if truncate:
        text = text[: cut % len(text)]
    status, after, got = fast(market, bytes(text))
    if status != READ:
        return
    assert slow(market, bytes(text[:after])) == got
    if market != SPOT or b"NaN" not in text:
        assert naive_message(bytes(text[:after])) == got


@pytest.mark.parametrize(
    ("price", "qty", "status"),
    [("2681.62", "1.000", READ), ("2681.625", "1", OFF_GRID), ("2681.620", "1.0001", OFF_GRID), ("2681", "1.50000000", READ)],
)
def test_a_price_or_quantity_between_two_steps_is_off_the_grid(price, qty, status):
    text = diff_text(USDM, 1, 2, 0, [[price, qty]], [])
    assert fast(USDM, text, ((2, 1), (3, 1)))[0] == status


def test_a_tick_of_a_half_and_a_lot_of_ten_are_exact():
    text = diff_text(USDM, 1, 2, 0, [["100.5", "30"]], [])
    assert fast(USDM, text, ((1, 5), (0, 10)))[2][6] == [(201, 3)]
    assert fast(USDM, diff_text(USDM, 1, 2, 0, [["100.3", "30"]], []), ((1, 5), (0, 10)))[0] == OFF_GRID


def test_more_levels_than_there_is_room_for_say_so():
    text = diff_text(USDM, 1, 2, 0, [["1", "1"]] * 5, [["2", "1"]] * 5)
    assert fast(USDM, text, room=9)[0] == NO_ROOM
    assert fast(USDM, text, room=10)[0] == READ


@pytest.mark.parametrize("market", [USDM, COINM, SPOT])
def test_another_symbol_and_another_market_are_unusual(market):
    other = SPOT if market != SPOT else USDM
    assert fast(market, diff_text(market, 1, 2, 0, [], [], symbol="BTCUSDT"))[0] == UNUSUAL
    assert fast(market, diff_text(other, 1, 2, 0, [], []))[0] == UNUSUAL


def test_a_message_that_is_no_trade_between_two_orders_of_the_market_is_left_to_the_slow_path():
    assert fast(USDM, trade_text(USDM, 1, "0", "0", maker=True, kind="NA"))[0] == UNUSUAL


@pytest.mark.parametrize(
    ("file", "market"),
    [
        ("usdm_ethusdt_20240808", USDM),
        ("coinm_ethusd_perp_20240808", COINM),
        ("spot_ethusdt_20240808", SPOT),
        ("spot_ethusdt_20240809", SPOT),
    ],
)
def test_both_readers_agree_on_every_captured_message(shared, file, market):
    with gzip.open(shared / "data" / "binance_raw" / f"{file}.gz") as lines:
        messages = [line[20:].rstrip() for line in lines]
    if numba.config.DISABLE_JIT:
        messages = messages[::97]
    depth = 0
    message, levels = np.zeros(1, MESSAGE), np.zeros(4096, LEVEL)
    other, other_levels = np.zeros(1, MESSAGE), np.zeros(4096, LEVEL)
    symbol, grid = np.frombuffer(SYMBOLS[market].encode(), np.uint8), grid_of(market, *FINEST)
    reader = SlowReader(SYMBOLS[market], grid[0])
    for text in messages:
        buf = np.frombuffer(text, np.uint8)
        status, after = read_message(buf, 0, len(buf), symbol, grid[0], message[0], levels)
        assert status == READ
        assert after == len(buf)
        reader.read(text, other[0], other_levels)
        assert message == other
        count = int(message[0]["bids"] + message[0]["asks"])
        assert np.array_equal(levels[:count], other_levels[:count])
        depth += message[0]["kind"] == DIFF
    assert depth > 0


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b'{"e":"depthUpdate","E":1', "not whole JSON"),
        (b'{"price":1}', "no message of Binance"),
        (b"[1,2]", "no message of Binance"),
        (diff_text(USDM, 1, 2, 0, [["1.5", "-1"]], []), "quantity -1 is negative"),
        (diff_text(USDM, 1, 2, 0, [["-1.5", "1"]], []), "price -1.5 is negative"),
        (diff_text(USDM, 1, 2, 0, [["0", "1"]], []), "price 0 is not positive"),
        (diff_text(USDM, 1, 2, 0, [["abc", "1"]], []), "price 'abc' is not a decimal"),
        (diff_text(USDM, 1, 2, 0, [["1", "1", "x"]], []), "no list of"),
        (diff_text(USDM, 1, 2, 0, [["0.123456789", "1"]], []), "off the tick 0.00000001"),
        (diff_text(USDM, 1, 2, 0, [], [], symbol="BTCUSDT"), "about BTCUSDT, not ETHUSDT"),
        (diff_text(SPOT, 1, 2, 0, [], []), "a message of binance, not of binanceusdm"),
        (trade_text(SPOT, 1, "1", "1", maker=True), "a message of binance, not of binanceusdm"),
        (trade_text(USDM, 1, "1", "0", maker=True), "quantity 0"),
    ],
)
def test_the_slow_path_says_what_is_wrong_and_what_to_do(text, why):
    with pytest.raises(BadLine, match=why) as caught:
        slow(USDM, text)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (b'{"result":null,"id":1}', "reply"),
        (b'{"e":"markPriceUpdate","s":"ETHUSDT","p":"1"}', "markPriceUpdate"),
        (trade_text(USDM, 1, "0", "0", maker=True, kind="NA"), "trade NA"),
        (trade_text(USDM, 1, "5", "1", maker=True, kind="INSURANCE_FUND"), "trade INSURANCE_FUND"),
    ],
)
def test_sound_messages_that_are_not_archived_are_named(text, kind):
    with pytest.raises(Ignored, match=kind):
        slow(USDM, text)


def test_the_slow_path_reads_other_spacing_and_order_of_fields():
    text = b'{ "u": 2, "U": 1, "s": "ETHUSDT", "e": "depthUpdate", "T": 7, "E": 8, "pu": 0, "a": [], "b": [["1.5", "2"]] }'
    assert fast(USDM, text)[0] == UNUSUAL
    assert slow(USDM, text) == (DIFF, 7_000_000, 1, 2, 0, 0, [(150_000_000, 200_000_000)], [])
