"""The catalog is what its manifests say: an import that fails leaves it as it was, and damage is found."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from b25.market import catalog_writer, whole_files
from b25.market.catalog import Catalog
from b25.market.import_capture import import_capture
from b25.model.errors import Misuse

from .raw_capture import START_NS, STEP_NS, capture_lines, write

VENUE, SYMBOL = "binanceusdm", "ETH/USDT:USDT"


def tree(folder):
    """Every file and folder, with the files' bytes."""
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else b"" for p in sorted(folder.rglob("*"))}


@pytest.fixture
def catalog(tmp_path):
    """A catalog that holds one capture."""
    found = Catalog(tmp_path / "catalog")
    import_capture(write(tmp_path / "a.gz", capture_lines(count=5)), venue=VENUE, symbol=SYMBOL, catalog=found)
    return found


@pytest.fixture
def following(tmp_path):
    """The capture that follows."""
    return write(tmp_path / "b.gz", capture_lines(count=5, first_step=5, first_id=1020))


@pytest.mark.parametrize("moment", ["write", "force", "rename files", "rename manifest"])
def test_an_import_that_is_interrupted_leaves_the_catalog_as_it_was(catalog, following, monkeypatch, moment):
    before, rows = tree(catalog.folder), catalog.load(VENUE, SYMBOL).rows

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    real = Path.rename

    def rename(self, target):
        if (Path(target).name == "manifest.json") == (moment == "rename manifest"):
            full()
        return real(self, target)

    match moment:
        case "write":
            monkeypatch.setattr(catalog_writer.pl.DataFrame, "write_parquet", full)
        case "force":
            monkeypatch.setattr(catalog_writer.os, "fsync", full)
        case _:
            monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(Misuse, match="No space left on device; the catalog is as it was before") as caught:
        import_capture(following, venue=VENUE, symbol=SYMBOL, catalog=catalog)
    assert "free some space" in caught.value.remedy
    monkeypatch.undo()
    assert tree(catalog.folder) == before
    assert np.array_equal(catalog.load(VENUE, SYMBOL).rows, rows)


def test_a_process_that_is_killed_leaves_nothing_that_the_next_import_does_not_remove(catalog, following):
    left = catalog.instrument_folder(VENUE, SYMBOL)
    (left / ".import-1").mkdir()
    (left / ".import-1" / "l2_x.parquet").write_bytes(b"half")
    (left / "l2" / "2020-01-01.parquet").write_bytes(b"not in the manifest")
    import_capture(following, venue=VENUE, symbol=SYMBOL, catalog=catalog)
    assert not (left / ".import-1").exists()
    assert not (left / "l2" / "2020-01-01.parquet").exists()
    assert catalog.check() == []


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="a small file system needs root")
def test_a_full_disk_is_told_and_leaves_the_catalog_as_it_was(tmp_path, following):
    small = tmp_path / "small"
    small.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)], capture_output=True, check=False)
    if mount.returncode:
        pytest.skip(f"no tmpfs here: {mount.stderr.decode().strip()}")
    try:
        found = Catalog(small / "catalog")
        import_capture(write(tmp_path / "a.gz", capture_lines(count=5)), venue=VENUE, symbol=SYMBOL, catalog=found)
        before = tree(found.folder)
        big = write(tmp_path / "big.gz", capture_lines(count=20_000, first_step=5, first_id=1020))
        with pytest.raises(Misuse, match=r"failed: .*[Nn]o space left"):
            import_capture(big, venue=VENUE, symbol=SYMBOL, catalog=found)
        assert tree(found.folder) == before
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_folder_that_cannot_be_made_is_told(tmp_path, following):
    (tmp_path / "file").write_text("x")
    with pytest.raises(Misuse, match="Not a directory"):
        import_capture(following, venue=VENUE, symbol=SYMBOL, catalog=tmp_path / "file" / "catalog")


def test_a_second_import_at_the_same_time_is_refused(catalog, following):
    with (
        whole_files.locked(catalog.instrument_folder(VENUE, SYMBOL)),
        pytest.raises(Misuse, match=r"another import into .* is running"),
    ):
        import_capture(following, venue=VENUE, symbol=SYMBOL, catalog=catalog)


@pytest.mark.parametrize(("harm", "told"), [("flip", "its hash differs"), ("remove", "is missing")])
def test_check_names_the_file_that_is_not_what_was_imported(catalog, harm, told):
    assert catalog.check() == []
    path = next(catalog.folder.rglob("l2/*.parquet"))
    if harm == "remove":
        path.unlink()
    else:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    assert [told in fault and str(path) in fault for fault in catalog.check()] == [True]


def test_a_file_that_cannot_be_read_is_named(catalog):
    path = next(catalog.folder.rglob("l2/*.parquet"))
    path.write_bytes(b"no parquet")
    with pytest.raises(Misuse, match="cannot be read") as caught:
        catalog.load(VENUE, SYMBOL)
    assert "import its capture again" in caught.value.remedy


@pytest.mark.parametrize("text", ["{", '{"version": 1}', "[]"])
def test_a_damaged_manifest_is_named(catalog, text):
    path = catalog.instrument_folder(VENUE, SYMBOL) / "manifest.json"
    path.write_text(text)
    with pytest.raises(Misuse, match="is damaged"):
        catalog.load(VENUE, SYMBOL)


def test_a_manifest_of_another_version_is_refused(catalog):
    path = catalog.instrument_folder(VENUE, SYMBOL) / "manifest.json"
    path.write_text('{"version": 99}')
    with pytest.raises(Misuse, match="version 99"):
        catalog.load(VENUE, SYMBOL)


def test_a_span_is_cut_by_venue_time_and_has_a_hash_of_its_own(catalog):
    whole = catalog.load(VENUE, SYMBOL)
    start, end = START_NS + STEP_NS, START_NS + 3 * STEP_NS
    part = catalog.load(VENUE, SYMBOL, start=start, end=end)
    inside = (whole.rows["exch_ns"] >= start) & (whole.rows["exch_ns"] < end)
    assert np.array_equal(part.rows, whole.rows[inside])
    assert part.hash == catalog.hash(VENUE, SYMBOL, start, end) != whole.hash
    assert len(catalog.load(VENUE, SYMBOL, start=end + 10**15).rows) == 0
    with pytest.raises(Misuse, match="is empty"):
        catalog.load(VENUE, SYMBOL, start=end, end=start)


def test_the_ticker_stream_is_kept_apart(catalog):
    rows = catalog.load(VENUE, SYMBOL, kind="bbo").rows
    assert len(rows) == 10
    assert rows["price_ticks"].tolist()[:2] == [9990, 10010]
    assert rows["side"].tolist()[:2] == [1, -1]


def test_the_list_says_what_there_is(catalog, following):
    import_capture(following, venue=VENUE, symbol=SYMBOL, catalog=catalog)
    (row,) = catalog.list()
    assert (row["venue"], row["symbol"], row["rows"], row["gaps"]) == (VENUE, SYMBOL, 50, 0)
    assert row["sources"] == ["a.gz", "b.gz"]
    assert (row["first_ns"], row["last_ns"]) == (START_NS, START_NS + 9 * STEP_NS)


def test_what_is_not_in_the_catalog_is_told_with_what_is(catalog):
    with pytest.raises(Misuse, match=r"holds no binance BTC/USDT; it holds binanceusdm ETH/USDT:USDT"):
        catalog.load("binance", "BTC/USDT")
    with pytest.raises(Misuse, match="it holds nothing"):
        Catalog(catalog.folder / "empty").load("binance", "BTC/USDT")


def test_the_hash_is_of_the_rows_not_of_the_files(catalog, tmp_path):
    other = Catalog(tmp_path / "other")
    import_capture(write(tmp_path / "plain", capture_lines(count=5)), venue=VENUE, symbol=SYMBOL, catalog=other)
    assert other.hash(VENUE, SYMBOL) == catalog.hash(VENUE, SYMBOL)
