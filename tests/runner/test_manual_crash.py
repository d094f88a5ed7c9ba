"""`kill -9` in the middle of an order by hand: asked again under the same id it is there once, or it never was."""

import os
import signal
import threading
import time
from collections import Counter
from contextlib import suppress
from decimal import Decimal

from sqlalchemy import text

from b25.model.errors import B25Error
from b25.model.order import MANUAL
from b25.runner.control import ask_session
from b25.store.store import open_store
from tests.runner.crashes import PATIENCE_S, Crashes, broken

DEATHS = 5
LONGEST_S = 0.025  # from the request to the death: about as long as it takes


def asked(run, order_id, price, wait_s=5.0):
    return ask_session(
        run, "one", "order", wait_s=wait_s, id=order_id, by="ann", reason="a test of deaths", symbol="BTC/USDT:USDT",
        side="buy", quantity="0.001", price=price, post_only=True,
    )  # fmt: skip


def until_answered(run, ask):
    """Ask until the session, which begins anew, answers."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        with suppress(B25Error):
            return ask()
        time.sleep(0.05)
    return ask()


def test_an_order_by_hand_is_neither_lost_nor_doubled(tmp_path, warm):
    run, answers = tmp_path / "run", {}
    with Crashes(tmp_path, run=run) as stand:
        pid = stand.born()
        for k in range(DEATHS):
            size = stand.size()
            stand.wait_trading(pid, size, more=20_000)
            bid = Decimal(until_answered(run, lambda: ask_session(run, "one", "status"))["picture"]["instruments"][0]["bid"])
            price = str((bid * Decimal("0.97")).quantize(Decimal("1")) - k)

            def ask(request=f"r{k}", at=price):
                with suppress(B25Error):
                    asked(run, request, at)

            asking = threading.Thread(target=ask)
            asking.start()
            time.sleep(stand.dice.uniform(0.0, LONGEST_S))
            os.kill(pid, signal.SIGKILL)
            assert stand.end_of(pid) == -signal.SIGKILL, stand.said()
            asking.join()
            stand.venue.call(lambda inside: inside.limits._addresses.clear())
            pid = stand.born()
            answers[f"r{k}"] = until_answered(run, lambda r=f"r{k}", p=price: asked(run, r, p))
            again = asked(run, f"r{k}", price)
            assert (again["again"], again["order_id"]) == (True, answers[f"r{k}"]["order_id"])
        os.kill(pid, signal.SIGTERM)
        assert stand.end_of(pid) == 0, stand.said()
        found = stand.check()
        assert not broken(found), (found, stand.said())
        store = open_store(stand.store)
        try:
            rows = store.rows(text("SELECT coid, flags FROM intent WHERE kind = 'NEW'"))
        finally:
            store.close()
        ids = Counter(order.client_id for order in stand.truth()[0])
    by_hand = [row.coid for row in rows if row.flags & MANUAL]
    sent = [one["client_id"] for one in answers.values() if one["is_sent"]]
    assert sorted(by_hand) == sorted(sent), answers
    assert all(ids[one] <= 1 for one in by_hand)
    assert sent, answers
