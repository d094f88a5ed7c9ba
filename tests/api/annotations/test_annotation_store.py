"""Annotations in both databases: versions, conflicts, tombstones, answers, search, mentions, and hostile text."""

import string
import threading

import hypothesis.strategies as st
import pytest
from hypothesis import given
from sqlalchemy import select

from b25.model.errors import Misuse
from b25.store.annotation_tables import annotation_metadata
from b25.store.annotations import TEXT_MAX, About, Annotations, Changed, NotYours, checked_text, mentioned
from b25.store.audit import verify_audit
from b25.store.store import open_store
from b25.store.tables import audit, metadata
from tests.store.conftest import store, url

__all__ = ["store", "url"]
RUN = About(kind="run", object="r-1")


@pytest.mark.spec("CO-01", "CO-04", "SYS-20")
def test_an_edit_keeps_what_was_and_a_deletion_leaves_a_mark(store):
    held = Annotations(store)
    one = held.add(RUN, text="too **wide**", author="ann", tags=["spread", "q3"], now_ns=10)
    two = held.edit(one["annotation_id"], text="fine", tags=["q3"], version=1, by="ann", now_ns=20)
    gone = held.delete(one["annotation_id"], version=2, by="ann", now_ns=30)
    assert (two["version"], gone["version"], gone["text"], gone["is_deleted"]) == (2, 3, "", True)
    assert [(row["act"], row["text"]) for row in held.history(one["annotation_id"])] == [
        ("created", "too **wide**"), ("edited", "fine"), ("deleted", ""),
    ]  # fmt: skip
    assert held.find() == []
    assert [row["is_deleted"] for row in held.find(with_deleted=True)] == [True]
    actions = [row.action for row in store.rows(select(audit).order_by(audit.c.seq))]
    assert actions == ["annotation.create", "annotation.update", "annotation.delete"]
    assert verify_audit(store) == ""
    with pytest.raises(Changed, match="deleted"):
        held.edit(one["annotation_id"], text="back", tags=[], version=3, by="ann", now_ns=40)


@pytest.mark.spec("CO-04")
def test_the_second_writer_gets_a_conflict_in_threads_and_processes_alike(url):
    stores = [open_store(url) for _ in range(2)]
    held = [Annotations(one) for one in stores]
    name = held[0].add(RUN, text="first", author="ann", now_ns=1)["annotation_id"]
    found = []

    def write(i):
        for text in range(5):
            try:
                version = held[i].get(name)["version"]
                found.append(held[i].edit(name, text=f"{i} {text}", tags=[], version=version, by="ann", now_ns=2)["version"])
            except Changed:
                found.append(None)

    threads = [threading.Thread(target=write, args=(i,)) for i in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    done = sorted(one for one in found if one)
    assert done == list(range(2, len(done) + 2))
    assert len(held[0].history(name)) == len(done) + 1
    with pytest.raises(Changed):
        held[1].edit(name, text="late", tags=[], version=1, by="ann", now_ns=3)
    for one in stores:
        one.close()


def test_somebody_else_may_answer_and_not_change(store):
    held = Annotations(store)
    one = held.add(RUN, text="first", author="ann", now_ns=1)
    answer = held.add(About(kind="order", object="ignored"), text="yes", author="bob", now_ns=2, parent_id=one["annotation_id"])
    assert (answer["kind"], answer["object"]) == ("run", "r-1")
    with pytest.raises(NotYours):
        held.edit(one["annotation_id"], text="mine", tags=[], version=1, by="bob", now_ns=3)
    with pytest.raises(Misuse, match="cannot be answered"):
        held.add(RUN, text="again", author="ann", now_ns=4, parent_id=answer["annotation_id"])
    with pytest.raises(LookupError):
        held.add(RUN, text="again", author="ann", now_ns=4, parent_id="gone")
    assert held.delete(one["annotation_id"], version=1, by="root", now_ns=5, may_any=True)["is_deleted"]


@pytest.mark.spec("CO-02")
def test_search_is_the_same_in_both_databases(store):
    held = Annotations(store)
    texts = ["Spread zu WEIT für mich", "50% off_peak", "naïve \\ café", "日本語の注釈", "nothing"]
    for i, text in enumerate(texts):
        held.add(About(kind="session", object=f"s{i}"), text=text, author=f"u{i}", now_ns=i, tags=[f"t{i}", "all"])

    def found(**more):
        return [int(one["object"][1:]) for one in held.find(**more)]

    assert found(text="weit FUR") == [0]
    assert found(text="0% off_p") == [1]
    assert found(text="%") == [1]
    assert found(text="cafe \\") == [2]
    assert found(text="本語") == [3]
    assert found(text="s4") == [4]
    assert found(tag="t3") == [3]
    assert found(tag="all") == [4, 3, 2, 1, 0]
    assert found(tag="t") == []
    assert found(author="u2", since_ns=1, until_ns=3) == [2]
    last = held.find(limit=2)[-1]
    assert found(before=(last["created_ns"], last["annotation_id"])) == [2, 1, 0]


@pytest.mark.spec("CO-05")
def test_a_mention_is_told_once_however_often_it_is_edited(store):
    held = Annotations(store)
    one = held.add(RUN, text="@bob and @ann and bob@example.com", author="ann", now_ns=1)
    assert [(row["user"], row["author"]) for row in held.mentions_untold()] == [("bob", "ann")]
    with store.writing():
        held.mention_told(one["annotation_id"], "bob", now_ns=2)
    held.edit(one["annotation_id"], text="@bob, and @eve.", tags=[], version=1, by="ann", now_ns=3)
    assert [row["user"] for row in held.mentions_untold()] == ["eve"]


@pytest.mark.spec("CO-N1")
def test_annotations_write_no_table_of_trading(store):
    held = Annotations(store)
    tables = [one for one in metadata.sorted_tables if one.name != "audit"]
    before = {one.name: store.rows(select(one)) for one in tables}
    one = held.add(About(kind="order", object="o1"), text="cancel this! b25 kill", author="ann", now_ns=1)
    held.edit(one["annotation_id"], text="stop all", tags=["kill"], version=1, by="ann", now_ns=2)
    held.delete(one["annotation_id"], version=2, by="ann", now_ns=3)
    assert {one.name: store.rows(select(one)) for one in tables} == before
    assert {one.name for one in annotation_metadata.sorted_tables} == {"annotation", "annotation_version", "annotation_mention"}


@pytest.mark.parametrize("text", ["", "  \n", "x" * (TEXT_MAX + 1), "a\x00b", "bell\x07", "esc\x1b[31m", "lone \ud800"])
def test_what_is_no_text_is_refused(store, text):
    with pytest.raises(Misuse):
        Annotations(store).add(RUN, text=text, author="ann", now_ns=1)
    assert Annotations(store).find() == []


def test_text_that_turns_around_is_straightened_and_that_of_other_scripts_stays(store):
    told = Annotations(store).add(RUN, text="good\u202e.exe \u0634\u0643\u0631\u0627", author="ann", now_ns=1)["text"]
    assert told == "good.exe \u0634\u0643\u0631\u0627"


@given(st.text(max_size=200))
def test_whatever_is_typed_is_kept_clean_or_refused(text):
    try:
        told = checked_text(text)
    except Misuse:
        return
    assert checked_text(told) == told
    told.encode()
    assert not set(told) & set(map(chr, [*range(9), *range(11, 32), 0x202E]))


@given(st.lists(st.text(string.ascii_letters, min_size=1, max_size=5), max_size=5))
def test_mentions_are_found_once_in_order(names):
    assert mentioned(" ".join(f"(@{name})" for name in names)) == list(dict.fromkeys(names))
