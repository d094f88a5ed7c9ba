"""`b25 data …` keeps the contract that other people's scripts rely on: keys, exit codes, no traceback."""

import json

import pytest

from b25.cli import main
from tests.market.raw_capture import capture_lines, write

CONTRACT = {"rows", "diffs", "trades", "snapshots", "gaps", "duplicates", "clock_offset_ns", "first_ns", "last_ns"}


@pytest.fixture
def b25(capsys, tmp_path):
    """Run a command on the catalog of this test; return its exit code, output and error output."""

    def run(*words):
        code = main(["data", *map(str, words), "--catalog", str(tmp_path / "catalog")])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def capture(tmp_path):
    return write(tmp_path / "cap.gz", capture_lines(count=10))


WHICH = ("--venue", "binanceusdm", "--symbol", "ETH/USDT:USDT")


def test_an_import_answers_with_the_keys_of_the_contract(b25, capture):
    code, out, _ = b25("import", capture, *WHICH, "--json")
    facts = json.loads(out)
    assert code == 0
    assert facts.keys() >= CONTRACT
    assert all(isinstance(facts[name], int) for name in CONTRACT)


def test_the_book_answers_with_the_keys_of_the_contract(b25, capture):
    b25("import", capture, *WHICH)
    code, out, _ = b25("book", *WHICH, "--json")
    facts = json.loads(out)
    assert code == 0
    assert (facts["last_update_id"], facts["bid_levels"], facts["ask_levels"]) == (1040, 4, 5)
    assert facts["bids"][0] == ["99.9", "2.0"]
    assert facts["asks"][0] == ["100.1", "4.5"]


def test_people_get_lines(b25, capture):
    code, out, _ = b25("import", capture, *WHICH)
    assert code == 0
    assert "10 diffs, 10 trades and 1 snapshots" in out
    assert "ETH/USDT:USDT" in b25("list")[1]
    assert "all files are as imported" in b25("check")[1]
    assert "99.9" in b25("book", *WHICH)[1]


@pytest.mark.parametrize("command", ["list", "check"])
def test_the_catalog_is_told_as_json(b25, capture, command):
    b25("import", capture, *WHICH)
    code, out, _ = b25(command, "--json")
    assert code == 0
    assert json.loads(out)["ok"]


def test_a_mistake_is_one_message_with_its_remedy_and_no_traceback(b25, capture, tmp_path):
    code, out, err = b25("import", capture, "--venue", "binance", "--symbol", "ETH/USDT")
    assert code != 0
    assert out == ""
    assert "binanceusdm, not of binance" in err
    assert "remedy: import it with --venue binanceusdm" in err
    assert "Traceback" not in err
    code, out, _ = b25("import", capture, "--venue", "binance", "--symbol", "ETH/USDT", "--json")
    assert not json.loads(out)["ok"]
    assert b25("import", capture, *WHICH, "--tick", "abc")[0] != 0
    assert b25("book", *WHICH)[0] != 0


def test_a_damaged_file_is_found_by_check(b25, capture, tmp_path):
    b25("import", capture, *WHICH)
    next((tmp_path / "catalog").rglob("l2/*.parquet")).write_bytes(b"x")
    code, _, err = b25("check")
    assert code != 0
    assert "its hash differs" in err
