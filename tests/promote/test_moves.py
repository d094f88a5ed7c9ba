"""A version's way from draft to live, on both databases: each step is refused before, written after, and never half done."""

import os
import signal
import subprocess
import sys
import textwrap
import threading

import orjson
import pytest
from sqlalchemy import text

from b25.promote.moves import Unmet
from b25.promote.starting import may_start, pointed
from b25.promote.states import LADDER, NotAllowed, Refused
from b25.store.audit import audit_entries, verify_audit
from b25.store.promotion_log import moves_of
from b25.store.promotion_pointers import pointers, requests
from tests.conftest import ROOT
from tests.promote.frozen import AUTHOR, OWNER, ROSE, TEXT, TIM, Bench, enrol, to
from tests.store.conftest import store, url  # noqa: F401


@pytest.fixture
def bench(store, tmp_path):  # noqa: F811
    return Bench(store, tmp_path)


@pytest.fixture
def desk(bench):
    """Of an installation with three people."""
    enrol(bench.store, "ann", "tim", "rose")
    return bench


def test_the_whole_way_each_step_refused_before_and_written_after(desk):
    version, promotions = desk.freeze(), desk.promotions
    assert promotions.standing(version)[0].state == "draft"
    promotions.move("mine@1", to("validated"), AUTHOR)
    for state, by, fulfil, named in [
        ("observe", TIM, desk.limit, "limits"),
        ("paper", TIM, lambda: desk.ran(version, "observe", hours=2), "observe_hours"),
        ("canary", ROSE, lambda: desk.ran(version, "paper", hours=24, fills=30), "paper_hours"),
        ("canary", ROSE, lambda: desk.drifted(version), "drift"),
        ("canary", ROSE, desk.tested, "kill_drill"),
        ("live", ROSE, lambda: desk.ran(version, "live", hours=24, fills=30, fee_e8=10**7), "canary_hours"),
    ]:
        with pytest.raises(Unmet, match=named) as told:
            promotions.move("mine@1", to(state), by)
        assert told.value.remedy
        fulfil()
        if named not in ("paper_hours", "drift"):
            came = promotions.move("mine@1", to(state), by)
            assert came.standing.state == state
    standing, moves = promotions.standing(version)
    assert standing.state == "live"
    assert [one.to_state for one in moves] == list(LADDER[1:])
    assert [one.size_factor for one in moves] == [1, 1, 1, 0.25, 1]
    assert {one.stage: one.version for one in pointers(desk.store)} == dict.fromkeys(LADDER[2:], 1)
    told = [one for one in audit_entries(desk.store) if one.action.startswith("strategy.")]
    assert [one.action for one in told] == [f"strategy.{state}" for state in LADDER[1:]]
    assert orjson.loads(told[3].body) | {
        "before": "paper",
        "after": "canary",
        "alone": False,
        "size_factor": 0.25,
    } == orjson.loads(told[3].body)
    assert orjson.loads(moves[3].evidence)["needs"][0]["name"] == "proof"
    assert verify_audit(desk.store) == ""


def test_who_works_alone_thinks_a_minute_and_types_what_is_to_happen(bench):
    version = bench.freeze()
    bench.climb(version, "paper", OWNER)
    bench.ran(version, "paper", hours=24, fills=30)
    bench.drifted(version)
    bench.tested()
    move = lambda **more: bench.promotions.move("mine@1", to("canary", **more), OWNER)  # noqa: E731
    asked = move(typed="mine@1 to canary")
    assert asked.move is None
    assert [one.to_state for one in requests(bench.store)] == ["canary"]
    bench.now += 59 * 10**9
    with pytest.raises(NotAllowed, match="in 1 s"):
        move(typed="mine@1 to canary")
    bench.now += 2 * 10**9
    with pytest.raises(NotAllowed, match="typed") as told:
        move(typed="yes")
    assert "mine@1 to canary" in told.value.remedy
    assert move(typed="mine@1 to canary").move.alone == 1
    assert requests(bench.store) == []
    entries = {one.action: orjson.loads(one.body) for one in audit_entries(bench.store)}
    assert entries["strategy.canary"]["alone"] is True
    assert "strategy.request" in entries


def test_rollback_is_one_call_and_the_name_stands_for_the_one_before(desk):
    first = desk.climb(desk.freeze())
    second = desk.climb(desk.freeze(TEXT + b"# better\n"))
    assert pointed(desk.promotions, "mine", "live") == "mine@2"
    with pytest.raises(Refused, match="without a reason"):
        desk.promotions.rollback("mine", TIM)
    takes, left = desk.promotions.rollback("mine", TIM, reason="it loses")
    assert (takes.reference, left) == ("mine@1", 2)
    assert pointed(desk.promotions, "mine", "live") == "mine@1"
    assert desk.promotions.standing(second)[0].before == "live"
    assert may_start(desk.promotions, first, "live").size_factor == 1
    (entry,) = (one for one in audit_entries(desk.store) if one.action == "strategy.rollback")
    assert orjson.loads(entry.body) | {"before": "mine@2", "after": "mine@1"} == orjson.loads(entry.body)
    with pytest.raises(Refused, match=r"nothing to go back to from mine@1.*it is paused"):
        desk.promotions.rollback("mine", TIM, reason="again")
    desk.promotions.move("mine@2", to("live"), ROSE)
    assert desk.promotions.rollback("mine", TIM, to=2, reason="it was the venue")[0].reference == "mine@2"


def test_rows_that_somebody_else_wrote_are_not_believed(desk):
    version = desk.climb(desk.freeze(), "observe")
    (first, second) = moves_of(desk.store, "mine", 1)
    names = [one for one in type(first).__dataclass_fields__]
    engine, columns = desk.store.engine, ", ".join(names)
    added = text(f"INSERT INTO promotion_move ({columns}) VALUES ({', '.join(f':{one}' for one in names)})")  # noqa: S608
    forged = {one: getattr(second, one) for one in names} | {"number": 3, "from_state": "observe", "to_state": "live"}
    with engine.connect() as connection, pytest.raises(Exception, match="append-only"):
        connection.execute(text("UPDATE promotion_move SET to_state = 'live'"))
    with engine.begin() as connection:
        connection.execute(added, forged)
    with pytest.raises(Refused, match=r"move 3 \(observe to live\) is not what this installation signed"):
        may_start(desk.promotions, version, "live")
    with pytest.raises(Refused, match="not what this installation signed"):
        desk.promotions.move("mine@1", to("paper"), TIM)


def test_of_two_who_move_it_at_once_one_is_told(desk):
    desk.freeze()
    came, barrier = [], threading.Barrier(2)

    def move():
        barrier.wait()
        try:
            came.append(desk.promotions.move("mine@1", to("validated"), AUTHOR))
        except Refused as fault:
            came.append(fault)

    threads = [threading.Thread(target=move) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    assert len(moves_of(desk.store, "mine", 1)) == 1
    assert sum(isinstance(one, Refused) for one in came) == 1
    assert verify_audit(desk.store) == ""


def test_kill_9_between_any_two_writes_leaves_row_pointer_and_audit_together_or_none(bench, url):  # noqa: F811
    bench.climb(bench.freeze(), "validated", OWNER)
    bench.limit()
    bench.store.checkpoint()
    code = textwrap.dedent("""
        import os, sys
        from pathlib import Path
        from b25.promote import moves
        from b25.promote.states import State
        from b25.store.audit import audit_entries
        from b25.store.promotion_log import moves_of
        from b25.store.promotion_pointers import pointers
        from b25.store.store import Store, open_store
        from tests.promote.frozen import OWNER, Bench
        url, folder, real = sys.argv[1], Path(sys.argv[2]), Store.execute
        def moved(steps):
            def execute(self, statement, row):
                nonlocal steps
                steps -= 1
                if steps == 0:
                    os.kill(os.getpid(), 9)
                return real(self, statement, row)
            Store.execute = execute
            Bench(open_store(url), folder).promotions.move("mine@1", moves.Wanted(to=State.OBSERVE), OWNER)
        for steps in range(1, 12):
            child = os.fork()
            if child == 0:
                moved(steps)
                os._exit(0)
            ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            store = open_store(url)
            audited = sum(one.action == "strategy.observe" for one in audit_entries(store))
            print(ended, len(moves_of(store, "mine", 1)) - 1, audited, len(pointers(store, "mine")))
            store.close()
            if ended == 0:
                break
    """)
    words = [sys.executable, "-c", code, url, str(bench.folder)]
    run = subprocess.run(words, cwd=ROOT, check=True, env=dict(os.environ), capture_output=True, text=True)
    seen = [tuple(map(int, line.split())) for line in run.stdout.splitlines()]
    assert len(seen) > 4
    assert set(seen[:-1]) == {(-signal.SIGKILL, 0, 0, 0)}
    assert seen[-1] == (0, 1, 1, 1)
    assert verify_audit(bench.store) == ""
