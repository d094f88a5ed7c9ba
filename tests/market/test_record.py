"""A recording may end in any way: what came until then is in the catalog, or goes there with the next one."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from b25.cli import main
from b25.market import record_text
from b25.market.bridge import bridge
from b25.market.catalog import Catalog
from b25.market.final_book import final_book
from b25.market.manifest import read_manifest
from b25.market.record import RecordPlan, record
from b25.market.record_settle import settle
from b25.market.record_text import RawFolder, RawText
from b25.model.errors import Misuse, Retry
from b25.model.event import GAP, SNAPSHOT

VENUE, SYMBOL = "binanceusdm", "ETH/USDT:USDT"
ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def venue_url(tmp_path_factory):
    """A sending venue in a process of its own."""
    port_file = tmp_path_factory.mktemp("venue") / "port"
    process = subprocess.Popen([sys.executable, "-m", "tests.market.feed.sending_venue", str(port_file)], cwd=ROOT)
    try:
        await_that(port_file.exists)
        url = f"http://127.0.0.1:{port_file.read_text()}"
        recorded(tmp_path_factory.mktemp("warm"), url)  # what is compiled first is compiled here: later spans are short
        yield url
    finally:
        process.kill()
        process.wait()


def await_that(holds):
    until = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.02)


def recorded(catalog, url, **more):
    """Record in this process; the report, and what was said."""
    said = []
    plan = RecordPlan(**({"venue": VENUE, "symbols": [SYMBOL], "catalog": catalog, "api_url": url, "seconds": 1.5} | more))
    return record(plan, lambda progress: said.append(progress), said.append), said


@contextmanager
def recording(catalog, url, *more):
    """`b25 data record` in a process of its own, once it has written something."""
    words = ["data", "record", VENUE, SYMBOL, "--catalog", str(catalog), "--api-url", url, "--json", *more]
    process = subprocess.Popen(
        [sys.executable, "-m", "b25", *words], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        await_that(
            lambda: any(path.stat().st_size > 20_000 for path in raw(catalog).glob("*.part")) or process.poll() is not None
        )
        yield process
    finally:
        process.kill()
        process.communicate()


def raw(catalog):
    return Catalog(catalog).instrument_folder(VENUE, SYMBOL) / "raw"


def rows_of(catalog):
    return bridge(Catalog(catalog).load(VENUE, SYMBOL).rows, VENUE)


def test_a_recording_is_in_the_catalog_with_a_true_book(venue_url, tmp_path):
    report, said = recorded(tmp_path, venue_url)
    (one,) = report["instruments"]
    assert report["gaps"] == 0
    assert (one["tick"], one["lot"]) == ("0.01", "0.001")
    assert one["diffs"] > 50
    assert one["trades"] > 50
    assert one["snapshots"] == 1
    assert one["bbo_rows"] > 50
    assert one["refused"] == {}
    assert one["quality"]["gaps"] == one["quality"]["bad_lines"] == one["quality"]["crossed_messages"] == 0
    assert len(one["files"]) == 1
    assert rows_of(tmp_path).in_sync
    assert final_book(Catalog(tmp_path), VENUE, SYMBOL)["gaps"] == 0
    assert Catalog(tmp_path).check() == []
    assert [path.suffix for path in raw(tmp_path).glob("2*")] == [".gz"]
    shown = [progress for progress in said if not isinstance(progress, str)]
    assert shown[-1].messages > 0


def test_a_recording_in_many_files_is_one_recording(venue_url, tmp_path):
    report, _ = recorded(tmp_path, venue_url, seconds=4.0, rotate_bytes=60_000)
    (one,) = report["instruments"]
    assert len(one["files"]) >= 3
    assert report["gaps"] == 0
    whole = rows_of(tmp_path)
    assert whole.in_sync
    assert len(whole.gaps) == 0
    assert whole.spare_snapshots >= 2  # each file but the first has one that it does not need
    manifest = read_manifest(Catalog(tmp_path).instrument_folder(VENUE, SYMBOL))
    for source in manifest.sources[1:-1]:
        assert source.facts["snapshots"] >= 1


def test_the_next_recording_goes_on(venue_url, tmp_path):
    recorded(tmp_path, venue_url)
    report, _ = recorded(tmp_path, venue_url, kinds=["depth"])
    assert report["instruments"][0]["trades"] == 0
    both = rows_of(tmp_path)
    assert both.in_sync
    assert len(both.gaps) == 1
    assert both.snapshots == 2


def test_after_a_kill_the_next_run_takes_up_what_is_there(venue_url, tmp_path):
    with recording(tmp_path, venue_url) as process:
        process.kill()
        process.communicate()
    (part,) = raw(tmp_path).glob("*.part")
    lines = part.read_bytes().splitlines()
    with part.open("ab") as file:
        file.write(b'1700000000000000000 {"e":"depthUpd')  # what a power cut leaves
    _, said = recorded(tmp_path, venue_url)
    assert any("earlier run" in text for text in said if isinstance(text, str))
    assert not list(raw(tmp_path).glob("*.part"))
    manifest = read_manifest(Catalog(tmp_path).instrument_folder(VENUE, SYMBOL))
    assert len(manifest.sources) == 2
    assert manifest.sources[0].facts["lines"] == len(lines)
    assert manifest.sources[0].quality["bad_lines"] == 0
    both = rows_of(tmp_path)
    assert both.in_sync
    assert len(both.gaps) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_it_cleanly(venue_url, tmp_path, number):
    with recording(tmp_path, venue_url) as process:
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, err
    facts = json.loads(out)
    assert facts["ok"]
    assert facts["rows"] > 0
    assert rows_of(tmp_path).in_sync


def test_a_full_disk_is_one_clear_error_and_costs_nothing_that_was_written(venue_url, tmp_path, monkeypatch):
    written = 0

    def write(handle, data):
        nonlocal written
        if written > 40_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        half = data[: max(1, len(data) - 7)] if written + len(data) > 40_000 else data
        written += len(half)
        return real(handle, half)

    real = os.write
    monkeypatch.setattr(record_text.os, "write", write)
    with pytest.raises(Misuse, match="No space left on device") as fault:
        recorded(tmp_path, venue_url, seconds=30.0)
    assert "start it again" in fault.value.remedy
    monkeypatch.undo()
    recorded(tmp_path, venue_url, seconds=1.0)
    manifest = read_manifest(Catalog(tmp_path).instrument_folder(VENUE, SYMBOL))
    assert len(manifest.sources) == 2
    assert manifest.sources[0].facts["text_bytes"] > 30_000
    assert all(source.quality["bad_lines"] == 0 for source in manifest.sources)


def test_two_recorders_of_one_instrument_are_refused(venue_url, tmp_path):
    with recording(tmp_path, venue_url), pytest.raises(Misuse, match="another recorder"):
        recorded(tmp_path, venue_url)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"symbols": ["XRP/USDT:USDT"]}, "has no XRP/USDT:USDT"),
        ({"symbols": ["XRPUSDT"]}, "no symbol of binanceusdm"),
        ({"symbols": [SYMBOL, SYMBOL]}, "named twice"),
        ({"symbols": []}, "no symbol is named"),
        ({"kinds": ["klines"]}, "'klines'"),
        ({"kinds": ["bookTicker"]}, "depth or trades"),
        ({"venue": "binanse"}, "--api-url is for Binance"),
        ({"venue": "binanse", "api_url": None}, "no venue 'binanse'"),
        ({"api_url": "ftp://x"}, "no address"),
    ],
)
def test_what_cannot_be_recorded_is_refused_before_anything_is_made(venue_url, tmp_path, more, says):
    with pytest.raises(Misuse, match=says):
        recorded(tmp_path / "catalog", venue_url, **more)
    assert not (tmp_path / "catalog").exists()


def test_an_unknown_grid_without_a_network_is_said(tmp_path):
    with pytest.raises(Retry, match="grid of QQQ/USDT:USDT is unknown"):
        recorded(tmp_path, "http://127.0.0.1:1", symbols=["QQQ/USDT:USDT"])


def test_a_catalog_of_another_grid_is_refused(venue_url, tmp_path):
    from b25.market.import_capture import Wanted, import_capture

    from .raw_capture import capture_lines, write

    path = write(tmp_path / "cap.gz", capture_lines(count=5))
    import_capture(path, venue=VENUE, symbol=SYMBOL, catalog=tmp_path / "c", wanted=Wanted(tick=None, lot=None))
    recorded(tmp_path / "c", venue_url, seconds=0.5)
    manifest = tmp_path / "c" / VENUE / "ETH_USDT_USDT" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"tick": "0.01"', '"tick": "0.03"'))
    with pytest.raises(Misuse, match=r"with tick 0\.03"):
        recorded(tmp_path / "c", venue_url, seconds=0.5)


def test_the_command_answers_people_with_lines(venue_url, tmp_path, capsys):
    words = ["data", "record", VENUE, SYMBOL, "--for", "1s", "--catalog", str(tmp_path), "--api-url", venue_url]
    assert main([*words, "--kinds", "depth,trades"]) == 0
    said = capsys.readouterr()
    assert "0 reconnects" in said.out
    assert "rows from" in said.out
    assert "no gap, no repeat, never crossed" in said.out


@pytest.mark.parametrize(("option", "value"), [("--for", "soon"), ("--for", "-1s"), ("--rotate", "0")])
def test_a_span_of_time_that_is_none_is_refused(tmp_path, capsys, option, value):
    assert main(["data", "record", VENUE, SYMBOL, "--catalog", str(tmp_path), option, value]) == 1
    assert "no span of time" in capsys.readouterr().err


class TestRawText:
    @pytest.fixture
    def text_of(self, tmp_path):
        folder = RawFolder(tmp_path)

        def make(**more):
            closed = []
            options = {"rotate_ns": 10**12, "rotate_bytes": 1 << 30} | more
            return RawText(folder, closed=closed.append, **options), closed

        yield make
        folder.close()

    def test_lines_stand_in_the_file_as_they_came(self, text_of):
        text, closed = text_of()
        text.line(1_700_000_000_000_000_001, b'{"a":1}', is_whole=True)
        text.line(1_700_000_000_000_000_002, b'{"a":\n2}\n', is_whole=True)
        text.finish()
        (path,) = closed
        assert path.suffix == ".txt"
        assert path.read_bytes() == b'1700000000000000001 {"a":1}\n1700000000000000002 {"a": 2}\n'

    def test_a_file_ends_only_between_instants_and_before_a_timed_message(self, text_of):
        text, closed = text_of(rotate_bytes=10)
        at = 1_700_000_000_000_000_000
        diff = b'{"e":"depthUpdate","E":1}'
        text.line(at, diff, is_whole=True)
        text.line(at, diff, is_whole=True)
        text.line(at + 1, b'{"u":1}', is_whole=True)
        text.line(at + 2, diff, is_whole=False)
        assert len(closed) == 1
        text.line(at + 3, diff, is_whole=True)
        assert len(closed) == 1
        text.line(at + 4, diff, is_whole=True)
        assert len(closed) == 2
        text.abandon()

    def test_what_was_refused_is_kept_beside(self, text_of, tmp_path):
        text, _ = text_of()
        text.line(1_700_000_000_000_000_001, b"{}", is_whole=True)
        text.set_aside(1_700_000_000_000_000_002, b"{bad", "malformed")
        text.abandon()
        (path,) = (tmp_path / "raw").glob("*.log")
        assert path.read_bytes() == b"# malformed\n1700000000000000002 {bad\n"


def test_a_recording_of_nothing_useful_is_set_aside(tmp_path):
    from decimal import Decimal

    from b25.model.instrument import Instrument

    instrument = Instrument(venue=VENUE, symbol=SYMBOL, tick=Decimal("0.01"), lot=Decimal("0.001"))
    folder = raw(tmp_path)
    folder.mkdir(parents=True)
    (folder / "20260101T000000-000000000Z.part").write_bytes(b"1700000000000000000 {")
    (folder / "20260101T000001-000000000Z.txt").write_bytes(b'1700000000000000000 {"result":null,"id":1}\n')
    (folder / "20260101T000002-000000000Z.packing").write_bytes(b"\x1f")
    assert settle(Catalog(tmp_path), instrument, "ETHUSDT", also_open=True) == []
    assert [path.name for path in folder.glob("2*")] == ["20260101T000001-000000000Z.gz.unreadable"]


def test_the_gap_between_two_recordings_is_a_row(venue_url, tmp_path):
    recorded(tmp_path, venue_url, seconds=1.0)
    recorded(tmp_path, venue_url, seconds=1.0)
    rows = rows_of(tmp_path).rows
    (gap,) = np.flatnonzero(rows["kind"] == GAP)
    assert (rows["kind"][gap:] == SNAPSHOT).any()
