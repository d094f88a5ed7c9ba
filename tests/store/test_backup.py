"""Backups on both databases: online, read again, restored into an empty place or with what was there kept aside."""

import os
import shutil
import sqlite3
import threading

import orjson
import pytest
from sqlalchemy import text

from b25.model.errors import B25Error, Halt, Misuse
from b25.store import postgres_tools
from b25.store.audit import append_audit, audit_length, verify_audit
from b25.store.backup import DUMP, FILES, MANIFEST, SQLITE, backups, is_empty, prune, restore_backup, take_backup, verify_backup
from b25.store.store import open_store

DAY_NS = 86_400 * 10**9
BEGAN_NS = 1_767_319_200 * 10**9  # 2026-01-02T02:00:00Z


def said(store, count, begin=0):
    for k in range(begin, begin + count):
        append_audit(store, actor="ann", action="config.update", body={"object": f"limit {k}", "after": {"n": k}}, now_ns=k + 1)


@pytest.fixture
def place(tmp_path):
    """Journals, run folder and settings as they lie beside a database."""
    (tmp_path / "sessions").mkdir()
    (tmp_path / "sessions" / "mm.journal").write_bytes(b"journal" * 1_000)
    (tmp_path / "run" / "sessions" / "mm").mkdir(parents=True)
    (tmp_path / "run" / "sessions" / "mm" / "seat.json").write_text("{}")
    (tmp_path / "b25.toml").write_text('database_url = "sqlite:///elsewhere.db"\n')
    return {"journals": tmp_path / "sessions", "run": tmp_path / "run", "settings": tmp_path / "b25.toml"}


def taken(url, tmp_path, place, now_ns=BEGAN_NS):
    return take_backup(url, tmp_path / "backups", place, left_out={"secrets": "not asked for"}, now_ns=now_ns)


@pytest.mark.spec("DP-06", "DP-N4")
def test_what_was_backed_up_comes_back_whole(url, tmp_path, place):
    store = open_store(url)
    said(store, 5)
    made = taken(url, tmp_path, {**place, "catalog": tmp_path / "nowhere"})
    said(store, 3, begin=5)  # after it
    store.close()
    assert (made.audit_entries, made.left_out["secrets"]) == (5, "not asked for")
    assert "not there" in made.left_out["catalog"]
    assert oct(made.path.stat().st_mode & 0o777) == oct(0o700)

    places = {name: tmp_path / "back" / path.name for name, path in place.items()}
    with pytest.raises(Misuse, match="not empty"):
        restore_backup(made.path, url, places, force=False, now_ns=BEGAN_NS + 1)
    _, aside = restore_backup(made.path, url, places, force=True, now_ns=BEGAN_NS + 10**9)
    assert (tmp_path / "back" / "sessions" / "mm.journal").read_bytes() == b"journal" * 1_000
    assert (tmp_path / "back" / "b25.toml").read_text() == place["settings"].read_text()
    store = open_store(url)
    assert (audit_length(store), verify_audit(store)) == (5, "")
    said(store, 1, begin=5)  # it goes on, triggers and all
    assert (audit_length(store), verify_audit(store)) == (6, "")
    with pytest.raises(Exception, match="append-only"), store.engine.begin() as connection:
        connection.execute(text("UPDATE audit SET actor = 'eve'"))
    store.close()
    assert len(aside) == 1
    assert aside[0].stat().st_size > 0


def test_a_restore_into_an_empty_place_needs_no_force(url, tmp_path, place):
    store = open_store(url)
    said(store, 4)
    store.close()
    made = taken(url, tmp_path, place)
    empty(url)
    assert is_empty(url)
    _, aside = restore_backup(made.path, url, {}, force=False, now_ns=BEGAN_NS)
    assert aside == []
    store = open_store(url)
    assert (audit_length(store), verify_audit(store)) == (4, "")
    store.close()


def empty(url):
    if url.startswith("sqlite"):
        os.unlink(url.removeprefix("sqlite:///"))
        return
    store = open_store(url)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    store.close()


def test_a_backup_is_whole_while_others_write(url, tmp_path, place):
    store, over = open_store(url), threading.Event()
    said(store, 1)

    def write():
        k = 1
        while not over.is_set():
            said(store, 1, begin=k)
            k += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        made = [taken(url, tmp_path, place, BEGAN_NS + k * 10**9) for k in range(3)]
    finally:
        over.set()
        writer.join()
        store.close()
    if url.startswith("sqlite"):
        assert all(verify_backup(one.path).audit_entries == one.audit_entries for one in made)
    restore_backup(made[-1].path, url, {}, force=True, now_ns=BEGAN_NS + DAY_NS)
    store = open_store(url)
    assert verify_audit(store) == ""
    store.close()


def a_journal(path):
    (path / FILES / "journals" / "mm.journal").write_bytes(b"other")


def a_missing_file(path):
    (path / FILES / "journals" / "mm.journal").unlink()


def an_added_file(path):
    (path / FILES / "more").write_text("more")


def the_database(path):
    found = path / (SQLITE if (path / SQLITE).exists() else DUMP)
    held = bytearray(found.read_bytes())
    held[len(held) // 2] ^= 0xFF
    found.write_bytes(held)


def the_manifest(path):
    (path / MANIFEST).write_text("{")


@pytest.mark.parametrize("harm", [a_journal, a_missing_file, an_added_file, the_database, the_manifest])
def test_a_backup_that_was_harmed_is_not_restored(url, tmp_path, place, harm):
    store = open_store(url)
    said(store, 2)
    store.close()
    made = taken(url, tmp_path, place)
    harm(made.path)
    with pytest.raises(B25Error):
        restore_backup(made.path, url, {}, force=True, now_ns=BEGAN_NS)
    store = open_store(url)
    assert audit_length(store) == 2  # what was there is there
    store.close()


def test_a_broken_chain_is_told_and_no_backup_is_made_of_it(url, tmp_path, place):
    store = open_store(url)
    said(store, 3)
    with store.engine.begin() as connection:
        names = ["audit_no_update"] if store.is_sqlite else ["audit_kept ON audit"]
        for name in names:
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
        connection.execute(text("UPDATE audit SET actor = 'eve' WHERE seq = 2"))
    store.close()
    with pytest.raises(Halt, match="chain"):
        taken(url, tmp_path, place)
    assert backups(tmp_path / "backups") == []
    assert list((tmp_path / "backups").iterdir()) == []


@pytest.mark.spec("OB-14")
def test_the_last_backup_of_each_of_seven_days_is_kept(tmp_path):
    for day in range(2, 11):
        for hour in (2, 3):
            made = tmp_path / f"b25-202601{day:02}T{hour:02}0000Z"
            made.mkdir()
            (made / MANIFEST).write_text("{}")
    (tmp_path / "b25-20260101T020000Z").mkdir()  # none of ours: it has no manifest
    (tmp_path / "before-restore.dump").touch()
    gone = prune(tmp_path)
    names = [path.name for path in backups(tmp_path)]
    assert names[0] == "b25-20260104T030000Z"
    assert len(names) == 8  # both of today
    assert len(gone) == 10
    assert prune(tmp_path) == []
    assert len(list(tmp_path.iterdir())) == 10


def test_a_database_among_the_files_is_copied_as_one(tmp_path):
    url = f"sqlite:///{tmp_path / 'store.db'}"
    open_store(url).close()
    (tmp_path / "sessions").mkdir()
    inner = open_store(f"sqlite:///{tmp_path / 'sessions' / 'venue.db'}")
    said(inner, 2)  # still in its write-ahead log
    made = take_backup(url, tmp_path / "backups", {"journals": tmp_path / "sessions"}, left_out={}, now_ns=BEGAN_NS)
    inner.close()
    copy = made.path / FILES / "journals" / "venue.db"
    assert sqlite3.connect(copy).execute("SELECT count(*) FROM audit").fetchone() == (2,)
    assert {path.name for path in (made.path / FILES / "journals").iterdir()} == {"venue.db", "venue.db.schema"}


def test_the_backups_folder_is_not_backed_up_into_itself(tmp_path):
    url = f"sqlite:///{tmp_path / 'data' / 'store.db'}"
    open_store(url).close()
    for k in range(2):
        made = take_backup(
            url, tmp_path / "data" / "backups", {"run": tmp_path / "data"}, left_out={}, now_ns=BEGAN_NS + k * 10**9
        )
    files = orjson.loads((made.path / MANIFEST).read_bytes())["files"]
    assert set(files) == {"database.sqlite"}


def test_a_database_that_is_open_elsewhere_is_not_replaced(tmp_path):
    url = f"sqlite:///{tmp_path / 'store.db'}"
    store = open_store(url)
    said(store, 1)
    made = take_backup(url, tmp_path / "backups", {}, left_out={}, now_ns=BEGAN_NS)
    said(store, 1, begin=1)
    with pytest.raises(Misuse, match="in use"):
        restore_backup(made.path, url, {}, force=True, now_ns=BEGAN_NS)
    assert audit_length(store) == 2
    store.close()


def test_without_its_tools_there_is_no_backup_of_postgresql(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(Misuse, match="pg_dump is not on the PATH"):
        postgres_tools.dump("postgresql+pg8000://b25@127.0.0.1/b25", tmp_path / "dump")


def test_a_password_is_in_no_argument(monkeypatch):
    monkeypatch.setattr(
        postgres_tools.subprocess, "run", lambda words, **more: (_ for _ in ()).throw(AssertionError((words, more)))
    )
    with pytest.raises(AssertionError) as told:
        postgres_tools.dump("postgresql+pg8000://b25:hush-hush@127.0.0.1:5432/b25", "dump")
    words, more = told.value.args[0]
    assert not [word for word in words if "hush" in word]
    assert more["env"]["PGPASSWORD"] == "hush-hush"
