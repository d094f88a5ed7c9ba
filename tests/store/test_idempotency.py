"""Keys of requests, on both databases: each does its request once."""

import threading

import pytest

from b25.store.idempotency import DAY_NS, RUNNING_NS, Standing, begin_request, forget_request, keep_answer
from b25.store.store import open_store

ONE, OTHER = b"1" * 32, b"2" * 32


@pytest.mark.spec("GW-15")
def test_a_key_is_taken_once_and_its_answer_is_kept_for_a_day(store):
    assert begin_request(store, "ann", "key-0001", ONE, now_ns=10**18).standing is Standing.NEW
    assert begin_request(store, "ann", "key-0001", ONE, now_ns=10**18).standing is Standing.RUNNING
    assert begin_request(store, "bob", "key-0001", OTHER, now_ns=10**18).standing is Standing.NEW, "keys are each one's own"
    keep_answer(store, "ann", "key-0001", status=201, kind="application/json", answer=b"{}")
    known = begin_request(store, "ann", "key-0001", ONE, now_ns=10**18 + 5)
    assert (known.standing, known.status, known.kind, known.answer) == (Standing.ANSWERED, 201, "application/json", b"{}")
    assert begin_request(store, "ann", "key-0001", OTHER, now_ns=10**18 + 5).standing is Standing.OTHER
    assert begin_request(store, "ann", "key-0001", OTHER, now_ns=10**18 + DAY_NS + 1).standing is Standing.NEW


def test_what_was_begun_and_never_answered_is_not_done_again_unseen(store):
    begin_request(store, "ann", "key-0001", ONE, now_ns=10**18)
    assert begin_request(store, "ann", "key-0001", ONE, now_ns=10**18 + RUNNING_NS + 1).standing is Standing.LOST
    forget_request(store, "ann", "key-0001")
    assert begin_request(store, "ann", "key-0001", OTHER, now_ns=10**18).standing is Standing.NEW


def test_of_many_at_one_moment_one_is_new(store, url):
    other = open_store(url)
    told = []

    def take(through):
        for _ in range(5):
            try:
                told.append(begin_request(through, "ann", "key-0001", ONE, now_ns=10**18).standing)
            except Exception as fault:  # a lock that took too long: refused, not done twice
                told.append(str(fault))

    threads = [threading.Thread(target=take, args=(one,)) for one in (store, other)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    other.close()
    assert told.count(Standing.NEW) == 1
