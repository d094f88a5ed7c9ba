"""Stops of a part of an account: what they cancel, whom they stop, and who takes them off; kills in the database."""

import asyncio
import time
from decimal import Decimal

import pytest
from sqlalchemy import select

from b25.model.errors import Misuse
from b25.runner.durable_file import write_plainly
from b25.runner.kill_latch import Trigger, pull
from b25.runner.kill_main import reach_of
from b25.runner.kill_process import KillProcess
from b25.runner.kill_record import StoreRecord
from b25.runner.kill_scopes import Level, pull_scoped, rearm_scoped, scoped_path, scoped_stops
from b25.runner.kill_watchers import DropCopy, Scopes, differences
from b25.runner.seat import Seat, session_folder
from b25.runner.session_watch import HOLD, STATUS
from b25.runner.structured_log import StructuredLog
from b25.store.audit import verify_audit
from b25.store.store import open_store
from b25.store.tables import kill
from tests.runner.stand import QUICK, SYMBOL, place, stand, with_session
from tests.store.conftest import url

__all__ = ["url"]
REASON = "it was looked at and is well"


def stop(folder, level, target="", account="demo", record=None):
    return pull_scoped(folder, account, level, target, by="ann", reason="odd", trigger=Trigger.COMMAND, record=record)


def test_a_stop_is_about_whom_it_names_and_stays_until_a_named_person_takes_it_off(tmp_path):
    first = stop(tmp_path, Level.SESSION, "mm")
    assert stop(tmp_path, Level.SESSION, "mm") == first
    assert first.stops("mm")
    assert not first.stops("other")
    stop(tmp_path, Level.SYMBOL, "BTC/USDT:USDT")
    stop(tmp_path, Level.REDUCE_ONLY, account="two")
    assert [one.level for one in scoped_stops(tmp_path, "demo")] == [Level.SESSION, Level.SYMBOL]
    assert len(scoped_stops(tmp_path)) == 3
    with pytest.raises(Misuse, match="a name and a reason"):
        rearm_scoped(tmp_path, first.kill_id, by="", reason=REASON)
    with pytest.raises(Misuse, match="no stop"):
        rearm_scoped(tmp_path, "nothing", by="ann", reason=REASON)
    rearm_scoped(tmp_path, first.kill_id, by="ann", reason=REASON)
    assert [one.level for one in scoped_stops(tmp_path, "demo")] == [Level.SYMBOL]
    audit = (tmp_path / "kill" / "audit.jsonl").read_text()
    assert audit.count('"latched"') == 3
    assert '"rearmed_by":"ann"' in audit


@pytest.mark.parametrize(("level", "target"), [(Level.SESSION, ""), (Level.SYMBOL, ""), (Level.REDUCE_ONLY, "x")])
def test_a_level_without_its_target_is_refused(tmp_path, level, target):
    with pytest.raises(Misuse, match="K1 needs --session"):
        stop(tmp_path, level, target)


def test_a_stop_that_cannot_be_read_lets_only_pass_what_reduces(tmp_path):
    stop(tmp_path, Level.SESSION, "mm")
    scoped_path(tmp_path, "demo", Level.SESSION, "mm").write_text("{")
    (found,) = scoped_stops(tmp_path, "demo")
    assert (found.level, found.trigger) == (Level.REDUCE_ONLY, Trigger.UNREADABLE)
    assert found.stops("anybody")


def watched(here, until, *watchers):
    """Turn a kill process by hand, with watchers of one's own, until something is so."""

    async def run():
        reach = reach_of(here.account)
        reach.port.api.timeout_on_exit = 0
        process = KillProcess(
            here.run_folder, {"demo": reach}, StructuredLog(here.folder / "log.jsonl"), pace=QUICK, watchers=watchers
        )
        began = time.monotonic()
        while not until():
            assert time.monotonic() - began < 60
            process.look()
            await asyncio.sleep(0.02)
        process.stop()
        await process._end()

    asyncio.run(run())


@pytest.mark.usefixtures("warm")
def test_one_sessions_orders_are_cancelled_and_the_others_rest(tmp_path):
    with stand(tmp_path, "linear") as here:
        seats = [Seat.take(here.run_folder, name, account="demo", client_id_prefix=f"b25-{name}-") for name in ("aa", "bb")]
        with_session(here, lambda port: place(port, "linear", 3, prefix="b25-aa-"))
        with_session(here, lambda port: place(port, "linear", 2, prefix="b25-bb-"))
        stop(here.run_folder, Level.SESSION, "aa")
        watched(here, lambda: here.open_count() == 2, Scopes())
        stop(here.run_folder, Level.SYMBOL, SYMBOL["linear"])
        watched(here, lambda: here.open_count() == 0, Scopes())
        with_session(here, lambda port: place(port, "linear", 2, prefix="by-hand-"))
        stop(here.run_folder, Level.REDUCE_ONLY)
        watched(here, lambda: here.open_count() == 0, Scopes())
        for seat in seats:
            seat.leave()


def test_what_the_venue_holds_more_than_the_sessions_believe():
    sessions = {"a": {"BTC/USDT:USDT": "0.5"}, "b": {"BTC/USDT:USDT": "-0.2", "ETH/USDT:USDT": "0"}}
    assert differences(sessions, {"BTC/USDT:USDT": Decimal("0.3"), "XRP/USDT:USDT": Decimal(9)}) == {}
    assert differences(sessions, {"BTC/USDT:USDT": Decimal("0.4")}) == {"BTC/USDT:USDT": Decimal("0.1")}
    assert differences(sessions, {"BTC/USDT:USDT": Decimal("0.3"), "ETH/USDT:USDT": Decimal(1)}) == {"ETH/USDT:USDT": Decimal(1)}


@pytest.mark.usefixtures("warm")
def test_a_session_that_believes_in_another_position_is_held(tmp_path):
    import orjson

    from b25.runner.alarms import FILE, Alarms

    with stand(tmp_path, "linear") as here:
        seat = Seat.take(here.run_folder, "mm", account="demo")
        own = session_folder(here.run_folder, "mm")

        def tell(position):
            row = {"epoch": seat.epoch, "time_ns": time.time_ns(), "positions": {SYMBOL["linear"]: position}}
            write_plainly(own / STATUS, orjson.dumps(row))

        copy = DropCopy(Alarms(here.run_folder, "kill", print), every_s=0.1)

        def compared(times, position):
            def so():
                tell(position)
                return copy.compared >= times

            return so

        watched(here, compared(3, "0"), copy)
        assert not (own / HOLD).exists()
        with_session(here, lambda port: place(port, "linear", 1, price="0", qty="0.5"))

        def held():
            tell("0.2")
            return (own / HOLD).exists()

        watched(here, held, copy)
        assert "differ from the sessions' : BTC".replace("' :", "':") in (own / HOLD).read_text()
        assert "+0.3" in (here.run_folder / FILE).read_text()
        seat.leave()


@pytest.mark.spec("SYS-20")
def test_kills_stand_in_the_database_with_who_and_why(url, tmp_path):
    record = StoreRecord(url, tmp_path)
    latch = pull(tmp_path, "demo", by="ann", reason="quotes look wrong", trigger=Trigger.COMMAND, record=record)
    part = stop(tmp_path, Level.SYMBOL, "BTC/USDT:USDT", record=record)
    rearm_scoped(tmp_path, part.kill_id, by="bob", reason=REASON, record=record)
    assert record.close(30.0)
    store = open_store(url)
    rows = store.rows(select(kill).order_by(kill.c.id))
    assert [(row.scope, row.action, row.actor) for row in rows] == [
        ("K4 demo", "latched", "ann"),
        ("K2 demo BTC/USDT:USDT", "latched", "ann"),
        ("K2 demo BTC/USDT:USDT", "re-armed", "bob"),
    ]
    assert latch.kill_id in rows[0].body
    assert verify_audit(store) == ""
    store.close()


def test_a_database_that_is_away_delays_no_kill_and_is_told(tmp_path):
    record = StoreRecord("postgresql+pg8000://postgres@127.0.0.1:1/nothing", tmp_path)
    pull(tmp_path, "demo", by="ann", reason="quotes look wrong", trigger=Trigger.COMMAND, record=record)
    assert record.written == 0
    record.close(30.0)
    assert '"not recorded"' in (tmp_path / "kill" / "audit.jsonl").read_text()
