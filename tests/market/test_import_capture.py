"""A capture becomes catalog rows whole or not at all; what is wrong with it is said with file, line, value and remedy."""

import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from b25.market.catalog import Catalog
from b25.market.final_book import final_book
from b25.market.import_capture import Wanted, import_capture
from b25.model.errors import Misuse
from b25.model.event import CLEAR, DEPTH, GAP, LAST_OF_MESSAGE, SNAPSHOT, TRADE
from tests.kernels.naive_wire import diff_text, snapshot_text, trade_text

from .raw_capture import BEHIND_NS, SPOT, START_NS, STEP_NS, USDM, capture_lines, line, write

VENUE, SYMBOL = "binanceusdm", "ETH/USDT:USDT"


def tree(folder: Path) -> dict[str, bytes]:
    """Every file of a folder with its bytes, and every folder."""
    return {
        str(p.relative_to(folder)): p.read_bytes() if p.is_file() else b"" for p in sorted(folder.rglob("*")) if p.name != ".lock"
    }


@pytest.fixture
def into(tmp_path):
    """Import lines as one capture; further arguments go to `import_capture`."""

    def run(lines, name="cap.gz", **more):
        arguments = {"venue": VENUE, "symbol": SYMBOL, "catalog": tmp_path / "catalog"} | more
        return import_capture(write(tmp_path / name, lines), **arguments)

    return run


def test_an_import_counts_rows_messages_and_the_clocks_error(into, tmp_path):
    done = into(capture_lines(count=20)).as_dict()
    assert (done["diffs"], done["trades"], done["snapshots"], done["tickers"]) == (20, 20, 1, 20)
    assert done["rows"] == 20 * 3 + 20 + 10
    assert (done["gaps"], done["duplicates"]) == (0, 0)
    assert done["clock_offset_ns"] == BEHIND_NS - 2_000_000
    assert (done["first_ns"], done["last_ns"]) == (START_NS, START_NS + 19 * STEP_NS)
    assert (done["tick"], done["lot"]) == ("0.01", "0.001")
    loaded = Catalog(tmp_path / "catalog").load(VENUE, SYMBOL)
    assert len(loaded.rows) == done["rows"]
    assert loaded.hash == Catalog(tmp_path / "catalog").hash(VENUE, SYMBOL)


def test_rows_keep_file_order_times_and_update_ids(into, tmp_path):
    into(capture_lines(count=2))
    rows = Catalog(tmp_path / "catalog").load(VENUE, SYMBOL).rows
    assert rows["kind"].tolist() == [DEPTH] * 3 + [CLEAR] + [SNAPSHOT] * 4 + [CLEAR] + [SNAPSHOT] * 4 + [TRADE] + [DEPTH] * 3 + [
        TRADE
    ]
    assert rows["flags"].tolist() == [0, 0, LAST_OF_MESSAGE] + [0] * 9 + [LAST_OF_MESSAGE] * 2 + [0, 0, LAST_OF_MESSAGE] * 1 + [
        LAST_OF_MESSAGE
    ]
    first = rows[0]
    assert (first["first_id"], first["last_id"], first["prev_id"]) == (1001, 1004, 1000)
    assert (first["price_ticks"], first["qty_lots"], first["side"]) == (9990, 1000, 1)
    assert first["exch_ns"] == START_NS
    assert first["recv_ns"] == START_NS - BEHIND_NS + 2_000_000
    clears = rows[rows["kind"] == CLEAR]
    assert clears["price_ticks"].tolist() == [9960, 10040]


def test_a_trades_side_is_the_aggressors(into, tmp_path):
    into(capture_lines(count=2))
    rows = Catalog(tmp_path / "catalog").load(VENUE, SYMBOL).rows
    assert rows[rows["kind"] == TRADE]["side"].tolist() == [-1, 1]


def test_the_same_capture_again_replaces_itself(into, tmp_path):
    lines = capture_lines()
    into(lines)
    catalog = Catalog(tmp_path / "catalog")
    before = catalog.load(VENUE, SYMBOL)
    into(lines)
    after = catalog.load(VENUE, SYMBOL)
    assert np.array_equal(before.rows, after.rows)
    assert before.hash == after.hash
    assert len(list((tmp_path / "catalog").rglob("*.parquet"))) == 2
    assert catalog.check() == []


def test_the_next_capture_continues_the_chain_of_the_one_before(into, tmp_path):
    into(capture_lines(count=5), "a.gz")
    done = into(capture_lines(count=5, first_step=5, first_id=1020), "b.gz")
    assert done.as_dict()["gaps"] == 0
    catalog = Catalog(tmp_path / "catalog")
    assert len(catalog.load(VENUE, SYMBOL).rows) == 2 * 20 + 10
    assert final_book(catalog, VENUE, SYMBOL)["last_update_id"] == 1040


def test_a_hole_between_two_captures_is_a_gap(into, tmp_path):
    into(capture_lines(count=5), "a.gz")
    done = into(capture_lines(count=5, first_step=50, first_id=2000), "b.gz")
    assert done.as_dict()["gaps"] == 1
    with pytest.raises(Misuse, match="gap after its last snapshot"):
        final_book(Catalog(tmp_path / "catalog"), VENUE, SYMBOL)


def test_captures_that_overlap_are_refused(into, tmp_path):
    into(capture_lines(count=5), "a.gz")
    before = tree(tmp_path / "catalog")
    with pytest.raises(Misuse, match=r"b\.gz overlaps a\.gz"):
        into(capture_lines(count=3, first_step=3, first_id=1012), "b.gz")
    assert tree(tmp_path / "catalog") == before


def test_a_missing_diff_leaves_a_gap_row(into, tmp_path):
    lines = capture_lines(count=6)
    del lines[[i for i, text in enumerate(lines) if b"depthUpdate" in text][3]]
    done = into(lines)
    assert done.as_dict()["gaps"] == 1
    rows = Catalog(tmp_path / "catalog").load(VENUE, SYMBOL).rows
    at = int(np.flatnonzero(rows["kind"] == GAP)[0])
    assert (rows[at]["first_id"], rows[at]["last_id"]) == (1013, 1016)
    assert rows[at + 1]["first_id"] == 1017


def test_repeated_messages_are_counted_and_kept(into, tmp_path):
    lines = capture_lines(count=6)
    done = into([*lines[:4], *lines[2:4], *lines[4:]] if b"trade" in lines[3] else [*lines, lines[-1]])
    assert done.as_dict()["duplicates"] >= 1
    assert done.as_dict()["gaps"] == 0


def test_a_diff_without_levels_does_not_break_the_chain(into, tmp_path):
    lines = capture_lines(count=2)
    empty = line(diff_text(USDM, 1009, 1010, 1008, [], []), 2)
    after = line(diff_text(USDM, 1011, 1012, 1010, [["99.9", "7"]], []), 3)
    done = into([*lines, empty, after])
    assert (done.as_dict()["gaps"], done.as_dict()["diffs"]) == (0, 4)
    assert final_book(Catalog(tmp_path / "catalog"), VENUE, SYMBOL)["last_update_id"] == 1012


def test_time_that_runs_backwards_is_counted(into):
    lines = capture_lines(count=6)
    lines[4], lines[7] = lines[7], lines[4]
    quality = into(lines).source.quality
    assert quality["receive_time_backwards"] > 0


def test_other_streams_of_the_symbol_are_counted_and_ignored(into):
    mark = line(b'{"stream":"ethusdt@markPrice","data":{"e":"markPriceUpdate","s":"ETHUSDT","p":"100"}}', 1)
    fund = line(trade_text(USDM, 9, "100.1", "1", maker=True, kind="INSURANCE_FUND"), 1)
    quality = into([*capture_lines(count=3), mark, mark, fund]).source.quality
    assert quality["ignored"] == {"markPriceUpdate": 2, "trade INSURANCE_FUND": 1}


def test_a_message_written_with_spaces_takes_the_slow_path_to_the_same_rows(into, tmp_path):
    lines = capture_lines(count=6)
    into(lines, "a.gz", catalog=tmp_path / "one")
    spaced = [text if b"depth" not in text else text[:20] + json.dumps(json.loads(text[20:])).encode() + b"\n" for text in lines]
    done = into(spaced, "b.gz", catalog=tmp_path / "two")
    assert done.source.quality["slow_path"] == 6
    rows = [Catalog(tmp_path / name).load(VENUE, SYMBOL).rows for name in ("one", "two")]
    assert np.array_equal(*rows)


def test_a_spot_snapshot_gets_the_venue_time_of_the_newest_message_before_it(into, tmp_path):
    into(capture_lines(SPOT, count=4), venue="binance", symbol="ETH/USDT")
    rows = Catalog(tmp_path / "catalog").load("binance", "ETH/USDT").rows
    assert set(rows[rows["kind"] == SNAPSHOT]["exch_ns"]) == {START_NS}
    only = [
        line(snapshot_text(SPOT, 1, [["100", "1"]], [["101", "1"]]), 0),
        *capture_lines(SPOT, count=2, first_step=1, first_id=1),
    ]
    into(only, "first.gz", venue="binance", symbol="ETH/USDT", catalog=tmp_path / "other")
    rows = Catalog(tmp_path / "other").load("binance", "ETH/USDT").rows
    assert rows[0]["exch_ns"] == START_NS + STEP_NS


def test_an_unknown_instruments_grid_is_inferred_from_its_prices(into):
    text = [line(snapshot_text(USDM, 1, [["0.5150", "10"], ["0.5145", "30"]], [["0.5155", "20"], ["0.5160", "50"]]), 0)]
    done = into([t.replace(b"ETHUSDT", b"XYZUSDT") for t in text], symbol="XYZ/USDT:USDT")
    assert (done.as_dict()["tick"], done.as_dict()["lot"]) == ("0.0005", "10")


def test_quantities_too_large_for_eight_decimals_are_read_with_fewer(into):
    text = [line(snapshot_text(SPOT, 1, [["0.00000101", "123456789012345.00"]], [["0.00000102", "7.00"]]), 0)]
    done = into([t.replace(b"ETHUSDT", b"BTTUSDT") for t in text], venue="binance", symbol="BTT/USDT")
    assert (done.as_dict()["tick"], done.as_dict()["lot"]) == ("0.00000001", "1")


def test_tick_and_lot_given_by_the_caller_win(into):
    wanted = Wanted(tick=Decimal("0.001"), lot=Decimal("0.0001"), contract_size=Decimal(1))
    assert into(capture_lines(count=3), wanted=wanted).as_dict()["tick"] == "0.001"
    with pytest.raises(Misuse, match=r"holds ETH/USDT:USDT with tick 0\.001, not 0\.01"):
        into(capture_lines(count=3), wanted=Wanted(tick=Decimal("0.01")))


def off_grid_line():
    return line(diff_text(USDM, 1013, 1014, 1012, [["99.905", "1"]], []), 3)


def foreign_line():
    return line(diff_text(USDM, 1, 2, 0, [["30000.1", "1"]], [], symbol="BTCUSDT"), 3)


BAD_LINES = {
    "half a line": (line(diff_text(USDM, 1013, 1014, 1012, [["99.9", "1"]], []), 3)[:90] + b"\n", "is not whole JSON"),
    "no time": (b"hello\n", "is not '<19 digits"),
    "another symbol": (foreign_line(), "about BTCUSDT, not ETHUSDT"),
    "off the tick": (off_grid_line(), "price 99.905 is off the tick 0.01"),
    "negative": (line(diff_text(USDM, 1013, 1014, 1012, [["99.9", "-1"]], []), 3), "quantity -1 is negative"),
    "foreign": (line(b'{"hello":"world"}', 3), "no message of Binance"),
    "not a price": (line(diff_text(USDM, 1013, 1014, 1012, [["abc", "1"]], []), 3), "price 'abc' is not a decimal"),
}


@pytest.mark.parametrize("name", BAD_LINES)
def test_a_bad_line_is_named_with_its_remedy_or_set_aside(into, tmp_path, name):
    bad, why = BAD_LINES[name]
    lines = [*capture_lines(count=3), bad, *capture_lines(count=3, first_step=4, first_id=1012)]
    with pytest.raises(Misuse, match=why) as caught:
        into(lines)
    assert f"cap.gz, line {lines.index(bad) + 1}:" in caught.value.what
    assert "--on-bad skip" in caught.value.remedy
    assert not (tmp_path / "catalog").exists()
    done = into(lines, on_bad="skip")
    assert done.source.quality["bad_lines"] == 1
    assert done.as_dict()["diffs"] == 6
    assert bad.rstrip() in done.bad_file.read_bytes()


def test_a_quantity_finer_than_the_published_lot_makes_the_lot_finer_unless_the_lot_was_given(into):
    finer = line(diff_text(USDM, 1013, 1014, 1012, [["99.9", "0.0001"]], []), 3)
    assert into([*capture_lines(count=3), finer]).as_dict()["lot"] == "0.0001"
    with pytest.raises(Misuse, match=r"quantity 0\.0002 is off the lot 0\.001"):
        into(
            [*capture_lines(count=3), finer.replace(b"0.0001", b"0.0002")],
            wanted=Wanted(tick=Decimal("0.01"), lot=Decimal("0.001")),
            catalog="/nonexistent",
        )


@pytest.mark.golden("G10")
def test_a_price_that_is_no_number_leaves_the_book_unchanged(into, tmp_path):
    lines = capture_lines(count=3)
    into(lines, catalog=tmp_path / "clean")
    done = into([*lines, BAD_LINES["not a price"][0]], "bad.gz", on_bad="skip")
    assert done.source.quality["bad_lines"] == 1
    books = [final_book(Catalog(tmp_path / name), VENUE, SYMBOL) for name in ("clean", "catalog")]
    assert books[0] == books[1]


def test_a_wrong_venue_is_recognised(into):
    with pytest.raises(Misuse, match="message of binance, not of binanceusdm") as caught:
        into(capture_lines(SPOT))
    assert "--venue binance" in caught.value.remedy


@pytest.mark.parametrize("symbol", ["ETHUSDT", "ETH/USDT", "ETH-USDT", "eth/usdt:usdt", "", "ETH/USDT:USDT-x"])
def test_a_symbol_that_the_venue_cannot_have_is_refused_before_the_file_is_read(into, symbol):
    with pytest.raises(Misuse, match="no symbol of binanceusdm") as caught:
        into(capture_lines(count=1), symbol=symbol)
    assert "ETH/USDT:USDT" in caught.value.remedy


def test_an_unknown_venue_is_refused(into):
    with pytest.raises(Misuse, match="'kraken' cannot be read"):
        into(capture_lines(count=1), venue="kraken")


@pytest.mark.parametrize(
    ("lines", "why"), [([], "is empty"), ([line(b'{"result":null,"id":1}', 0)], "no depth, snapshot or trade")]
)
@pytest.mark.parametrize("name", ["cap", "cap.gz"])
def test_a_capture_without_market_data_is_refused(into, lines, why, name):
    with pytest.raises(Misuse, match=why):
        into(lines, name)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(Misuse, match="No such file"):
        import_capture(tmp_path / "absent.gz", venue=VENUE, symbol=SYMBOL, catalog=tmp_path)


@pytest.mark.parametrize("harm", ["truncated", "corrupt"])
def test_a_damaged_gzip_file_is_refused_or_read_up_to_the_damage(into, tmp_path, harm):
    path = write(tmp_path / "cap.gz", capture_lines(count=2000))
    data = bytearray(path.read_bytes())
    if harm == "truncated":
        del data[len(data) // 2 :]
    else:
        data[len(data) // 2 : len(data) // 2 + 200] = bytes(200)
    path.write_bytes(data)
    arguments = {"venue": VENUE, "symbol": SYMBOL, "catalog": tmp_path / "catalog"}
    with pytest.raises(Misuse, match=f"cap.gz: .*{harm}") as caught:
        import_capture(path, **arguments)
    assert "--on-bad skip" in caught.value.remedy
    assert not (tmp_path / "catalog").exists()
    done = import_capture(path, on_bad="skip", **arguments)
    assert harm in done.source.quality["damage"]
    assert 0 < done.as_dict()["diffs"] < 2000


def test_a_last_line_without_a_line_feed_is_read_if_it_is_whole(into, tmp_path):
    lines = capture_lines(count=3)
    assert into([*lines[:-1], lines[-1].rstrip()], "a").as_dict()["trades"] == 3
    with pytest.raises(Misuse, match=f"line {len(lines)}: .* is not whole JSON"):
        into([*lines[:-1], lines[-1][:60]], "b", catalog=tmp_path / "other")


def test_several_gzip_members_in_one_file_are_read_on(tmp_path):
    import gzip

    lines = capture_lines(count=6)
    path = tmp_path / "cap.gz"
    path.write_bytes(gzip.compress(b"".join(lines[:7])) + gzip.compress(b"".join(lines[7:])))
    done = import_capture(path, venue=VENUE, symbol=SYMBOL, catalog=tmp_path / "catalog")
    assert done.as_dict()["lines"] == len(lines)


def test_a_capture_over_midnight_becomes_two_files(into, tmp_path):
    day_ns = 86_400_000_000_000
    until_midnight = (day_ns - START_NS % day_ns) // STEP_NS + BEHIND_NS // STEP_NS
    first, second = capture_lines(count=3), capture_lines(count=3, first_step=until_midnight + 10, first_id=1012)
    done = into([*first, *second])
    assert [name for name in done.as_dict()["files"] if "l2" in name] == ["l2/2023-11-14.parquet", "l2/2023-11-15.parquet"]
    assert len(Catalog(tmp_path / "catalog").load(VENUE, SYMBOL).rows) == done.as_dict()["rows"]


REAL = [
    ("usdm_ethusdt_20240808", "binanceusdm", "ETH/USDT:USDT", (444_740, 6_586, 14_076, 1), 1_272_228_703, ("0.01", "0.001")),
    ("coinm_ethusd_perp_20240808", "binancecoinm", "ETH/USD:ETH", (197_487, 22_909, 1_732, 1), None, ("0.01", "1")),
    ("spot_ethusdt_20240808", "binance", "ETH/USDT", (114_922, 3_434, 6_106, 1), None, ("0.01", "0.00001")),
]


@pytest.mark.parametrize(("file", "venue", "symbol", "counts", "offset_ns", "grid"), REAL)
def test_real_captures_are_imported_whole(shared, tmp_path, file, venue, symbol, counts, offset_ns, grid):
    path = shared / "data" / "binance_raw" / f"{file}.gz"
    done = import_capture(path, venue=venue, symbol=symbol, catalog=tmp_path).as_dict()
    assert tuple(done[name] for name in ("rows", "diffs", "trades", "snapshots")) == counts
    assert (done["gaps"], done["duplicates"], done["quality"]["slow_path"]) == (0, 0, 0)
    assert (done["tick"], done["lot"]) == grid
    if offset_ns is not None:
        assert done["clock_offset_ns"] == offset_ns


@pytest.mark.parametrize(("file", "venue", "symbol"), [case[:3] for case in (REAL[0], REAL[2])])
def test_the_final_book_equals_ccxt_pros(shared, tmp_path, file, venue, symbol):
    import_capture(shared / "data" / "binance_raw" / f"{file}.gz", venue=venue, symbol=symbol, catalog=tmp_path)
    ours = final_book(Catalog(tmp_path), venue, symbol)
    theirs = json.loads((shared / "reference" / f"book_{file}.json").read_text())
    for name in ("last_update_id", "bid_levels", "ask_levels", "applied", "dropped_before_snapshot", "bids", "asks"):
        assert ours[name] == theirs[name]
    for name, sums in (("bid_quantity", "bid_qty_sum"), ("ask_quantity", "ask_qty_sum")):
        assert float(ours[name]) == pytest.approx(float(theirs[sums]), rel=1e-12)


def test_two_real_days_of_spot_form_one_unbroken_chain(shared, tmp_path):
    raw = shared / "data" / "binance_raw"
    for day in ("20240808", "20240809"):
        done = import_capture(raw / f"spot_ethusdt_{day}.gz", venue="binance", symbol="ETH/USDT", catalog=tmp_path)
        assert done.as_dict()["gaps"] == 0
    book = final_book(Catalog(tmp_path), "binance", "ETH/USDT")
    assert book["last_update_id"] == 35346924199
    assert Decimal(book["bids"][0][0]) < Decimal(book["asks"][0][0])


def test_a_day_without_a_snapshot_has_no_book(shared, tmp_path):
    path = shared / "data" / "binance_raw" / "spot_ethusdt_20240809.gz"
    import_capture(path, venue="binance", symbol="ETH/USDT", catalog=tmp_path)
    with pytest.raises(Misuse, match="no snapshot that its diffs continue"):
        final_book(Catalog(tmp_path), "binance", "ETH/USDT")
