"""`b25 data` with bars: import, list, check, download; the same answers for people and for programs."""

import json

import numpy as np
import polars as pl
import pytest

from b25.cli import main
from tests.market.binance_stand_in import MINUTE_MS, StandIn, served

START_MS = 1_700_000_100_000


@pytest.fixture
def b25(capsys, tmp_path):
    """Run a command on the catalog of this test; return its exit code, output and error output."""

    def run(*words):
        code = main(["data", *map(str, words), "--catalog", str(tmp_path / "catalog")])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def frame(count=60):
    k = np.arange(count)
    return pl.DataFrame(
        {"date": START_MS + k * MINUTE_MS, "open": 2.0, "high": 2.5, "low": 1.5, "close": 2.25, "volume": 1.0 + k}
    )


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "XRP_ETH-1m.csv"
    frame()[[*range(20), *range(25, 60)]].write_csv(path)
    return path


def test_a_file_of_bars_is_known_by_its_name(b25, file):
    code, out, _ = b25("import", file, "--json")
    facts = json.loads(out)
    assert code == 0
    assert (facts["symbol"], facts["kind"], facts["added"], facts["rows"]) == ("XRP/ETH", "1m", 55, 55)
    assert facts["gaps"] == ["2023-11-14 22:34:00 UTC to 2023-11-14 22:40:00 UTC: 6 min, 5 bars missing"]
    assert json.loads(b25("import", file, "--json")[1])["added"] == 0


def test_people_get_lines(b25, file):
    out = b25("import", file)[1]
    assert "binance XRP/ETH 1m, tick 0.01, lot 1" in out
    assert "1 gaps, never filled:" in out
    assert "binance XRP/ETH 1m: 55 rows" in b25("list")[1]
    assert "55 bars, 1 gaps, 5 bars missing" in b25("check")[1]
    assert "all files are as imported" in b25("check")[1]


def test_any_table_of_bars_is_imported_when_it_is_said_what_it_is(b25, tmp_path):
    path = tmp_path / "mine.parquet"
    frame().write_parquet(path)
    code, _, err = b25("import", path)
    assert code == 1
    assert "does not say which symbol" in err
    assert b25("import", path, "--symbol", "BTC/USDT:USDT", "--tick", "0.25", "--lot", "1")[0] == 0
    row = json.loads(b25("list", "--json")[1])["series"][0]
    assert (row["venue"], row["kind"], row["tick"]) == ("binanceusdm", "1m", "0.25")
    assert b25("import", path, "--symbol", "BTC/USDT:USDT", "--timeframe", "5m")[0] == 0
    assert {one["kind"] for one in json.loads(b25("list", "--json")[1])["series"]} == {"1m", "5m"}


def test_a_file_of_trades_is_imported_as_trades(b25, tmp_path):
    k = np.arange(300)
    path = tmp_path / "XRP_ETH-trades.parquet"
    trades = {"timestamp": START_MS + k * 1000, "id": k.astype(str), "side": ["buy"] * 300, "price": 1.5, "amount": 2.0}
    pl.DataFrame(trades).write_parquet(path)
    facts = json.loads(b25("import", path, "--json")[1])
    assert (facts["kind"], facts["added"]) == ("trades", 300)
    assert json.loads(b25("import", path, "--json")[1])["added"] == 0


def test_a_raw_capture_has_to_be_told(b25, tmp_path):
    (tmp_path / "cap.gz").write_bytes(b"")
    code, _, err = b25("import", tmp_path / "cap.gz")
    assert code == 4
    assert "a raw capture does not say what it is of" in err


def test_a_damaged_file_is_found_by_check(b25, file, tmp_path):
    b25("import", file)
    next((tmp_path / "catalog").rglob("*.parquet")).write_bytes(b"x")
    code, _, err = b25("check")
    assert code == 1
    assert "its hash differs" in err


def test_a_download_answers_with_what_is_there(b25):
    pytest.importorskip("ccxt")
    noon = 1_704_110_400_000
    venue = StandIn(noon + 30_000, noon - 100 * MINUTE_MS)
    with served(venue) as url:
        where = ("BTC/USDT", "--timeframe", "1m", "--timeframe", "5m", "--api-url", url)
        code, out, _ = b25("download", *where, "--timerange", "20231230-", "--json")
        facts = json.loads(out)["fetched"]
        assert code == 0
        assert [(one["kind"], one["added"]) for one in facts] == [("1m", 100), ("5m", 20)]
        assert "binance BTC/USDT 1m: 0 new rows, 100 in all" in b25("download", *where)[1]
        code, _, err = b25("download", "BTC/USDX", "--api-url", url)
    assert code == 1
    assert "binance has no BTC/USDX" in err
    assert b25("download", "BTC/USDT", "--timeframe", "60")[0] == 1
    assert b25("download", "BTC/USDT", "--timerange", "-")[0] == 1
