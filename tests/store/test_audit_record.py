"""The audit on both databases: what was changed, left out, moved or cut shows; search finds what happened."""

import random

import pytest
from sqlalchemy import create_engine, text

from b25.model.errors import Misuse
from b25.store import audit as record
from b25.store.audit import append_audit, audit_entries, verify_audit
from b25.store.audit_anchor import anchor_audit, verify_against
from b25.store.audit_query import AuditQuery, find_audit

COUNT = 7


def tamper(url, *statements):
    """As somebody who owns the database would: the triggers first."""
    engine = create_engine(url)
    with engine.begin() as connection:
        if url.startswith("sqlite"):
            for act in ("update", "delete"):
                connection.execute(text(f"DROP TRIGGER IF EXISTS audit_no_{act}"))
        else:
            connection.execute(text("ALTER TABLE audit DISABLE TRIGGER ALL"))
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


@pytest.fixture
def written(store):
    for number in range(1, COUNT + 1):
        body = {"object": f"limits/{number % 2}", "before": {"object": "limits/9"}, "n": number}
        append_audit(
            store, actor=("ann", "bob")[number % 2], action=("config.update", "kill")[number % 2], body=body, now_ns=number * 10
        )
    return store


@pytest.fixture
def anchors(tmp_path_factory):
    return tmp_path_factory.mktemp("elsewhere") / "anchors" / "anchors.jsonl"


@pytest.mark.spec("AL-01")
@pytest.mark.parametrize("column", ["actor = 'eve'", "action = 'x'", "body = '{}'", "ts_ns = 1", "seq = 99"])
@pytest.mark.parametrize("seq", [1, 4, COUNT])
def test_any_change_of_any_entry_shows(written, url, seq, column):
    assert verify_audit(written) == ""
    tamper(url, f"UPDATE audit SET {column} WHERE seq = {seq}")  # noqa: S608 - of this test
    assert verify_audit(written) != ""


@pytest.mark.spec("AL-01")
@pytest.mark.parametrize("seq", [1, 4])
def test_an_entry_that_is_left_out_shows(written, url, seq):
    tamper(url, f"DELETE FROM audit WHERE seq = {seq}")  # noqa: S608 - of this test
    assert verify_audit(written) == f"entry {seq} is missing"


@pytest.mark.spec("AL-01")
def test_two_that_were_exchanged_show(written, url):
    moves = ((3, 100), (5, 3), (100, 5))
    tamper(url, *[f"UPDATE audit SET seq = {to} WHERE seq = {seq}" for seq, to in moves])  # noqa: S608 - of this test
    assert verify_audit(written) == "entry 3 was changed"


@pytest.mark.spec("AL-01")
def test_a_cut_end_shows_only_against_an_anchor(written, url, anchors):
    told = anchor_audit(written, anchors, now_ns=1)
    assert told["seq"] == COUNT
    append_audit(written, actor="ann", action="later", body={}, now_ns=100)
    assert verify_against(written, anchors) == ""
    tamper(url, f"DELETE FROM audit WHERE seq >= {COUNT}")  # noqa: S608 - of this test
    assert verify_audit(written) == ""
    assert "was cut off" in verify_against(written, anchors)


@pytest.mark.spec("AL-01")
def test_a_chain_that_was_written_anew_from_the_start_shows_against_an_anchor(written, url, anchors):
    anchor_audit(written, anchors, now_ns=1)
    tamper(url, "DELETE FROM audit")
    for number in range(COUNT + 2):
        append_audit(written, actor="eve", action="nothing happened", body={}, now_ns=number)
    assert verify_audit(written) == ""
    assert "written anew" in verify_against(written, anchors)


def test_a_broken_chain_is_not_anchored_and_anchors_lie_elsewhere(written, url, anchors, tmp_path):
    if url.startswith("sqlite"):
        with pytest.raises(Misuse, match="beside the database"):
            anchor_audit(written, tmp_path / "anchors.jsonl", now_ns=1)
        return
    tamper(url, "UPDATE audit SET actor = 'eve' WHERE seq = 2")
    with pytest.raises(Misuse, match="broken"):
        anchor_audit(written, anchors, now_ns=1)
    assert not anchors.exists()


@pytest.mark.parametrize("content", [None, b"no json\n", b'{"seq": 1}\n', b"[]\n"])
def test_anchors_that_cannot_be_read_are_told(written, anchors, content):
    if content is not None:
        anchors.parent.mkdir()
        anchors.write_bytes(content)
    with pytest.raises(Misuse):
        verify_against(written, anchors)


def test_it_is_read_a_page_at_a_time(written, monkeypatch):
    sizes = []
    plain = written.rows
    monkeypatch.setattr(record, "PAGE", 3)
    monkeypatch.setattr(written, "rows", lambda query: sizes.append(len(found := plain(query))) or found)
    assert [row.seq for row in audit_entries(written)] == list(range(1, COUNT + 1))
    assert verify_audit(written) == ""
    assert sizes == [3, 3, 1] * 2


@pytest.mark.spec("AL-04")
@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, [7, 6, 5, 4, 3, 2, 1]), ({"actor": "ann"}, [6, 4, 2]), ({"action": "kill"}, [7, 5, 3, 1]),
        ({"action": "config."}, [6, 4, 2]), ({"action": "config"}, []), ({"object": "limits/1"}, [7, 5, 3, 1]),
        ({"object": "limits/9"}, []), ({"object": "limits%"}, []), ({"since_ns": 30, "until_ns": 60}, [5, 4, 3]),
        ({"actor": "bob", "object": "limits/1", "since_ns": 40}, [7, 5]), ({"before_seq": 3}, [2, 1]),
        ({"actor": "' OR 1=1 --"}, []),
    ],
)  # fmt: skip
def test_search(written, asked, expected):
    found, cursor = find_audit(written, AuditQuery(**asked), limit=100)
    assert ([one.seq for one in found], cursor) == (expected, None)


@pytest.mark.spec("AL-04")
@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_together_are_everything_once(written, limit):
    for asked in ({}, {"object": "limits/0"}):
        whole = [one.seq for one in find_audit(written, AuditQuery(**asked), limit=100)[0]]
        got, cursor = [], None
        for _ in range(20):
            page, cursor = find_audit(written, AuditQuery(**asked, before_seq=cursor), limit=limit)
            got += [one.seq for one in page]
            if cursor is None:
                break
        assert got == whole


def test_many_writers_make_one_chain(url, store):
    import threading

    from b25.store.store import open_store

    others = [open_store(url) for _ in range(2)]

    def write(one, seed):
        for _ in range(10):
            append_audit(one, actor=f"a{seed}", action="x", body={"r": random.Random(seed).random()}, now_ns=1)

    threads = [threading.Thread(target=write, args=(one, number)) for number, one in enumerate([store, *others])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in others:
        one.close()
    assert verify_audit(store) == ""
    assert len(list(audit_entries(store))) == 30
