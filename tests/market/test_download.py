"""Downloads with an unmodified ccxt against a stand-in for the venue: resume, patience, and no open bar."""

import pytest

from b25.market.bar_catalog import bars_folder, load_bars, series_of
from b25.market.catalog import Catalog
from b25.market.download import History, Kept
from b25.market.exchange import open_exchange
from b25.market.series import read_series
from b25.market.timeframe import timeframe
from b25.model.errors import Misuse, Retry
from b25.research.bars import bars

from .binance_stand_in import MINUTE_MS, StandIn, kline, served

pytest.importorskip("ccxt")

SYMBOL, PERPETUAL = "BTC/USDT", "BTC/USDT:USDT"
HOUR_MS = 60 * MINUTE_MS
NOON_MS = 1_704_110_400_000
FRAME = timeframe("1m")


@pytest.fixture
def venue():
    """Noon and half a minute; listed two days ago."""
    stand_in = StandIn(NOON_MS + 30_000, NOON_MS - 48 * HOUR_MS)
    with served(stand_in) as url:
        stand_in.url = url
        yield stand_in


@pytest.fixture
def catalog(tmp_path):
    return Catalog(tmp_path / "catalog")


def history(venue, catalog, symbol=SYMBOL, **how):
    exchange = open_exchange("binanceusdm" if ":" in symbol else "binance", api_url=venue.url)
    exchange.api.enableRateLimit = False  # the stand-in has no limit, and a test has no time
    exchange.sleep = how.pop("sleep", lambda seconds: None)
    return History(exchange, catalog, symbol, **how)


def opens(catalog, kind="1m"):
    stored = next(one for one in series_of(catalog, SYMBOL) if one.kind == kind)
    return (load_bars(stored).rows["open_ns"] // 1_000_000).tolist()


def klines_asked(venue):
    found = [path for path in venue.asked if "/klines" in path]
    venue.asked.clear()
    return len(found)


@pytest.mark.spec("HD-05")
def test_what_is_fetched_is_what_the_venue_has_and_the_open_bar_is_not_in_it(venue, catalog):
    found = history(venue, catalog).bars(FRAME, NOON_MS - 2500 * MINUTE_MS)
    assert (found.added, found.rows) == (2500, 2500)
    assert opens(catalog) == list(range(NOON_MS - 2500 * MINUTE_MS, NOON_MS, MINUTE_MS))
    made = bars("1m", "1h", symbol=SYMBOL, catalog=catalog)
    row = kline(NOON_MS - MINUTE_MS, MINUTE_MS)
    assert made.frame.row(-1)[1:] == tuple(float(one) for one in row[1:6])
    assert (str(made.instrument.tick), str(made.instrument.lot), str(made.instrument.min_notional)) == ("0.01", "0.00001", "5.0")
    assert made.gaps == ()


def test_a_second_run_asks_only_for_what_is_new(venue, catalog):
    history(venue, catalog).bars(FRAME, NOON_MS - 1500 * MINUTE_MS)
    assert klines_asked(venue) == 2
    assert history(venue, catalog).bars(FRAME, NOON_MS - 1500 * MINUTE_MS).added == 0
    assert klines_asked(venue) <= 1
    venue.now_ms += 3 * MINUTE_MS
    found = history(venue, catalog).bars(FRAME)
    assert (found.added, found.rows) == (3, 1503)
    assert opens(catalog)[-1] == NOON_MS + 2 * MINUTE_MS


def test_an_earlier_beginning_is_fetched_backwards_to_the_listing(venue, catalog):
    history(venue, catalog).bars(FRAME, NOON_MS - 100 * MINUTE_MS)
    found = history(venue, catalog).bars(FRAME, NOON_MS - 365 * 24 * HOUR_MS)
    assert found.rows == 48 * 60
    assert opens(catalog) == list(range(NOON_MS - 48 * HOUR_MS, NOON_MS, MINUTE_MS))


def test_a_span_has_an_end_that_is_not_in_it(venue, catalog):
    history(venue, catalog).bars(FRAME, NOON_MS - 100 * MINUTE_MS, NOON_MS - 90 * MINUTE_MS)
    assert opens(catalog) == list(range(NOON_MS - 100 * MINUTE_MS, NOON_MS - 90 * MINUTE_MS, MINUTE_MS))


@pytest.mark.spec("HD-03")
def test_a_hole_at_the_venue_is_a_gap_here(venue, catalog):
    venue.holes = [(NOON_MS - 2000 * MINUTE_MS, NOON_MS - 900 * MINUTE_MS)]
    found = history(venue, catalog).bars(FRAME, NOON_MS - 2500 * MINUTE_MS)
    assert found.added == 1400
    assert [gap.missing for gap in bars("1m", symbol=SYMBOL, catalog=catalog).gaps] == [1100]


def test_a_venue_that_is_unwell_is_asked_again_with_growing_waits(venue, catalog):
    waits = []
    one = history(venue, catalog, sleep=waits.append)
    one.exchange.market(SYMBOL)
    venue.faults = [503, 429, 500]
    assert one.bars(FRAME, NOON_MS - 10 * MINUTE_MS).added == 10
    assert waits == [1.0, 2.0, 4.0]
    assert one.exchange.retries == 3


def test_a_venue_that_stays_unwell_ends_the_run_and_what_was_fetched_is_kept(venue, catalog):
    one = history(venue, catalog)

    def broken(share, rows):
        if rows >= 2000:
            venue.faults = [503] * 20

    one.progress = broken
    with pytest.raises(Retry, match=r"binance fetch_ohlcv: ") as caught:
        one.bars(FRAME, NOON_MS - 2500 * MINUTE_MS)
    assert "what was fetched is kept" in caught.value.remedy
    venue.faults = []
    assert len(opens(catalog)) == 2000
    assert history(venue, catalog).bars(FRAME).rows == 2500


def test_a_region_block_is_named_at_once(venue, catalog):
    one = history(venue, catalog)
    venue.faults = [451]
    with pytest.raises(Misuse, match="does not serve the region"):
        one.bars(FRAME)
    assert one.exchange.retries == 0


@pytest.mark.spec("HD-04")
def test_an_interrupt_keeps_what_was_fetched_and_leaves_no_hole(venue, catalog):
    history(venue, catalog).bars(FRAME, NOON_MS - 100 * MINUTE_MS)

    def pressed(share, rows):
        if rows >= 1000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        history(venue, catalog, progress=pressed).bars(FRAME, NOON_MS - 2500 * MINUTE_MS)
    kept = opens(catalog)
    assert len(kept) == 1100
    assert kept == list(range(NOON_MS - 1100 * MINUTE_MS, NOON_MS, MINUTE_MS))
    assert history(venue, catalog).bars(FRAME, NOON_MS - 2500 * MINUTE_MS).rows == 2500


def test_trades_go_on_from_the_newest_and_none_is_there_twice(venue, catalog):
    found = history(venue, catalog).trades(NOON_MS - 3 * HOUR_MS)
    assert found.added == 3 * 360 + 3
    assert history(venue, catalog).trades().added == 0
    venue.now_ms += 60_000
    assert history(venue, catalog).trades().added == 6
    made = bars("10 ticks", symbol=SYMBOL, catalog=catalog)
    assert len(made) == (3 * 360 + 9) // 10
    assert made.rows["buy_lots"].min() >= 0


def test_funding_rates_are_fetched_with_their_marks(venue, catalog):
    found = history(venue, catalog, PERPETUAL).funding(NOON_MS - 24 * HOUR_MS)
    assert found.added == 3
    assert history(venue, catalog, PERPETUAL).funding().added == 0
    history(venue, catalog, PERPETUAL).bars(FRAME, NOON_MS - 100 * MINUTE_MS)
    rates = bars("1m", symbol=PERPETUAL, catalog=catalog).funding
    assert rates["rate_e12"].tolist() == [123_450_000] * 3
    assert rates["mark_ticks"].tolist() == [1234] * 3
    with pytest.raises(Misuse, match="tells no funding rates"):
        history(venue, catalog).funding()


def test_what_the_venue_does_not_have_is_named_with_what_it_has(venue, catalog):
    with pytest.raises(Misuse, match=r"binance has no BTC/USD\n  remedy: did you mean BTC/USDT"):
        history(venue, catalog, "BTC/USD").bars(FRAME)
    with pytest.raises(Misuse, match=r"binance has no bars of 10m; it has .*5m"):
        history(venue, catalog).bars(timeframe("10m"))
    with pytest.raises(Misuse, match=r"there is no venue 'binanse'\n  remedy: did you mean binance"):
        open_exchange("binanse")


def test_the_progress_ends_at_the_whole_and_never_goes_back(venue, catalog):
    shares = []
    history(venue, catalog).bars(FRAME, NOON_MS - 100 * MINUTE_MS)
    history(venue, catalog, progress=lambda share, rows: shares.append(share)).bars(FRAME, NOON_MS - 2500 * MINUTE_MS)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_rows_are_written_in_pieces(catalog, monkeypatch):
    written = []
    kept = Kept(lambda rows: written.append(len(rows)) or len(rows))
    for _ in range(25):
        kept.add([0] * 1000)
    kept.write()
    kept.write()
    assert written == [20_000, 5_000]
    assert kept.added == 25_000


def test_the_manifest_says_where_the_bars_are_from(venue, catalog):
    history(venue, catalog).bars(FRAME, NOON_MS - 10 * MINUTE_MS)
    series = read_series(bars_folder(catalog, "binance", SYMBOL, FRAME))
    assert (series.sources, series.given) == (("binance API",), True)
