"""The latch: what is on disk is what holds, whoever asks, whatever broke."""

import os

import pytest

from b25.model.errors import Misuse
from b25.runner.kill import refusal
from b25.runner.kill_latch import (
    Trigger,
    all_latches,
    confirmation,
    kill_folder,
    latch_path,
    latched,
    pull,
    read_report,
    rearm,
    write_report,
)
from b25.runner.seat import Seat, fence_of, raise_fence

REASON = "the feed was fixed and checked"


def latch(folder, account="all", **more):
    return pull(folder, account, by="ada", reason="quotes look wrong", trigger=Trigger.COMMAND, **more)


def test_what_is_not_latched_may_trade(tmp_path):
    assert latched(tmp_path) is None
    assert latched(tmp_path, "demo") is None
    assert refusal(tmp_path, "demo") == ""


def test_a_latch_holds_for_whoever_looks_and_pulling_twice_changes_nothing(tmp_path):
    first = latch(tmp_path, "demo")
    assert latch(tmp_path, "demo") == first
    assert latched(tmp_path, "demo") == first
    assert latched(tmp_path, "other") is None
    assert "quotes look wrong" in refusal(tmp_path, "demo")
    assert latch(tmp_path, "demo", flatten=True).flatten
    assert latched(tmp_path, "demo").kill_id == first.kill_id


def test_all_stops_every_account(tmp_path):
    latch(tmp_path)
    assert latched(tmp_path, "demo").account == "all"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"account": "demo"}', b"\xff\xfe"])
def test_a_latch_that_cannot_be_read_is_a_latch(tmp_path, content):
    path = latch_path(tmp_path, "demo")
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert latched(tmp_path, "demo").trigger is Trigger.UNREADABLE
    assert refusal(tmp_path, "demo")


def test_a_folder_that_cannot_be_looked_into_stops_everything(tmp_path, monkeypatch):
    def refused(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "stat", refused)
    assert latched(tmp_path, "demo").trigger is Trigger.UNREADABLE


def test_a_full_disk_that_still_takes_a_name_is_enough(tmp_path, monkeypatch):
    def full(handle, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    latch(tmp_path, "demo")
    monkeypatch.undo()
    assert latched(tmp_path, "demo") is not None
    assert latch_path(tmp_path, "demo").read_bytes() == b""


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"by": " "}, "a name and a reason"),
        ({"reason": "ok"}, "a name and a reason"),
        ({"typed": "yes"}, "not typed as asked"),
        ({"typed": "re-arm demo another"}, "not typed as asked"),
    ],
)
def test_re_arming_needs_a_name_a_reason_and_the_very_words(tmp_path, change, why):
    held = latch(tmp_path, "demo")
    write_report(tmp_path, {"kill_id": held.kill_id, "is_complete": True})
    given = {"by": "bob", "reason": REASON, "typed": confirmation(held)} | change
    with pytest.raises(Misuse, match=why):
        rearm(tmp_path, "demo", **given)
    assert latched(tmp_path, "demo") == held


def test_re_arming_before_the_kill_is_complete_needs_somebody_to_answer_for_the_rest(tmp_path):
    held = latch(tmp_path, "demo")
    given = {"by": "bob", "reason": REASON, "typed": confirmation(held)}
    with pytest.raises(Misuse, match="nobody has reported"):
        rearm(tmp_path, "demo", **given)
    write_report(tmp_path, {"kill_id": held.kill_id, "is_complete": False, "orders_left": ["BTC/USDT 17"]})
    with pytest.raises(Misuse, match="BTC/USDT 17"):
        rearm(tmp_path, "demo", **given)
    rearm(tmp_path, "demo", **given, signed_off=True)
    assert latched(tmp_path, "demo") is None
    audit = (kill_folder(tmp_path) / "audit.jsonl").read_text()
    assert '"rearmed_by":"bob"' in audit
    assert (kill_folder(tmp_path) / "past" / f"{held.kill_id}.json").exists()


class Database:
    def __init__(self, fails=False):
        self.fails, self.rows = fails, []

    def kill_recorded(self, action, row):
        if self.fails:
            raise TimeoutError("database is locked")
        self.rows.append((action, row["kill_id"]))


def test_the_database_is_told_after_the_file(tmp_path):
    database = Database()
    held = latch(tmp_path, record=database)
    write_report(tmp_path, {"kill_id": held.kill_id, "is_complete": True}, database)
    rearm(tmp_path, by="bob", reason=REASON, typed=confirmation(held), record=database)
    assert database.rows == [("latched", held.kill_id), ("reported", held.kill_id), ("re-armed", held.kill_id)]


def test_a_database_that_is_away_stops_nothing(tmp_path):
    held = latch(tmp_path, record=Database(fails=True))
    assert latched(tmp_path) == held
    assert "not recorded" in (kill_folder(tmp_path) / "audit.jsonl").read_text()


def test_an_account_that_is_no_name_is_refused(tmp_path):
    with pytest.raises(Misuse, match="names no account"):
        latch(tmp_path, "../x")


def test_a_fenced_epoch_may_not_send_and_the_next_may(tmp_path):
    seat = Seat.take(tmp_path, "mm", account="demo")
    assert refusal(tmp_path, "demo", "mm", seat.epoch) == ""
    assert raise_fence(tmp_path, "mm") == seat.epoch + 1
    assert "declared dead" in refusal(tmp_path, "demo", "mm", seat.epoch)
    with pytest.raises(Misuse, match="runs already"):
        Seat.take(tmp_path, "mm")
    seat.leave()
    after = Seat.take(tmp_path, "mm")
    assert after.epoch == seat.epoch + 1
    assert refusal(tmp_path, "demo", "mm", after.epoch) == ""
    after.leave()


def test_a_fence_that_cannot_be_read_lets_nobody_pass(tmp_path):
    seat = Seat.take(tmp_path, "mm")
    (tmp_path / "sessions" / "mm" / "fence").write_text("?")
    assert fence_of(tmp_path, "mm") > seat.epoch
    seat.leave()


def test_epochs_rise_even_when_their_file_is_lost(tmp_path):
    for epoch in (1, 2):
        seat = Seat.take(tmp_path, "mm")
        assert seat.epoch == epoch
        seat.leave()
    raise_fence(tmp_path, "mm")
    (tmp_path / "sessions" / "mm" / "epoch").unlink()
    seat = Seat.take(tmp_path, "mm")
    assert seat.epoch == 3
    seat.leave()


def test_every_latch_is_listed_and_reports_are_read_back(tmp_path):
    latch(tmp_path, "b")
    latch(tmp_path, "a")
    assert [one.account for one in all_latches(tmp_path)] == ["a", "b"]
    assert read_report(tmp_path, "none") == {}
