"""Names of streams."""

import pytest

from b25.venue.wire.channels import Kind, channel


@pytest.mark.parametrize(
    ("market", "name", "kind", "every_ms", "path"),
    [
        ("spot", "btcusdt@depth", Kind.DEPTH, 1_000, "spot"),
        ("spot", "btcusdt@depth@100ms", Kind.DEPTH, 100, "spot"),
        ("linear", "btcusdt@depth", Kind.DEPTH, 250, "public"),
        ("linear", "btcusdt@depth@500ms", Kind.DEPTH, 500, "public"),
        ("linear", "btcusdt@rpiDepth@500ms", Kind.DEPTH, 500, "public"),
        ("spot", "btcusdt@depth20@100ms", Kind.PARTIAL, 100, "spot"),
        ("spot", "btcusdt@kline_1s", Kind.KLINE, 1_000, "spot"),
        ("spot", "btcusdt@kline_1M@+08:00", Kind.KLINE, 2_000, "spot"),
        ("linear", "btcusdt@kline_1m", Kind.KLINE, 250, "market"),
        ("linear", "btcusdt@markPrice", Kind.MARK_PRICE, 3_000, "market"),
        ("linear", "btcusdt@markPrice@1s", Kind.MARK_PRICE, 1_000, "market"),
        ("linear", "btcusdt@aggTrade", Kind.AGG_TRADE, 0, "market"),
        ("linear", "btcusdt@trade", Kind.TRADE, 0, "public"),
        ("linear", "!forceOrder@arr", Kind.FORCE_ORDER, 0, "market"),
        ("linear", "!bookTicker", Kind.BOOK_TICKER, 0, "public"),
        ("linear", "!ticker@arr", Kind.TICKER, 1_000, "market"),
    ],
)
def test_streams_that_exist(market, name, kind, every_ms, path):
    found = channel(market, name)
    assert (found.kind, found.every_ms, found.path) == (kind, every_ms, path)


@pytest.mark.parametrize(
    ("market", "name"),
    [
        ("spot", "BTCUSDT@trade"),
        ("spot", "btcusdt@depth@250ms"),
        ("linear", "btcusdt@depth@1000ms"),
        ("spot", "btcusdt@depth7"),
        ("spot", "btcusdt@kline_7m"),
        ("linear", "btcusdt@kline_1m@+08:00"),
        ("spot", "btcusdt@markPrice"),
        ("spot", "!ticker@arr"),  # retired
        ("spot", "btcusdt"),
        ("spot", "@trade"),
        ("spot", "btcusdt@trade@100ms"),
        ("linear", "btcusdt@avgPrice"),
    ],
)
def test_streams_that_do_not(market, name):
    assert channel(market, name) is None
