"""Health: what is not known is not healthy, what needs something that is away is not well, and each check fails alone."""

import asyncio
import socket
import time
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b25.cli import main
from b25.observe.health import WORST_FIRST, Check, State, aged, is_ready, overall, weighed
from b25.runner import health_checks
from b25.runner.health_checks import check_all, check_bus, check_database, check_processes
from b25.runner.heartbeat import Heartbeat, Life
from b25.runner.seat import Seat
from b25.store.store import open_store

NAMES = ("a", "b", "c", "d")
CHECKS = st.lists(
    st.builds(
        Check, name=st.sampled_from(NAMES), state=st.sampled_from(State), age_s=st.none() | st.floats(0, 100),
        is_required=st.booleans(),
        depends_on=st.lists(st.sampled_from(NAMES), max_size=2).map(tuple),
    ),
    unique_by=lambda one: one.name, max_size=4,
)  # fmt: skip


@given(CHECKS)
def test_weighing_makes_nothing_better_and_what_is_healthy_needs_nothing_that_is_not(checks):
    told = {one.name: one for one in weighed(checks)}
    bad = {one.name for one in checks if one.state in (State.UNHEALTHY, State.UNKNOWN)}
    for one in checks:
        now = told[one.name]
        assert now.state == one.state or (one.state, now.state) == (State.HEALTHY, State.DEGRADED)
        if now.state is State.HEALTHY:
            assert not (set(one.depends_on) - {one.name}) & bad
            assert set(one.depends_on) - {one.name} <= set(told)


@given(CHECKS)
def test_all_together_is_the_worst_of_what_is_required(checks):
    told = overall(checks)
    required = [one.state for one in checks if one.is_required and one.state is not State.DISABLED]
    if required:
        worst = min(required, key=WORST_FIRST.index)
        assert told == worst or (worst, told) == (State.HEALTHY, State.DEGRADED)
    assert is_ready(checks) == (told in (State.HEALTHY, State.DEGRADED))


@pytest.mark.spec("SYS-12")
def test_what_is_too_old_or_was_never_heard_is_unknown():
    assert overall([]) is State.UNKNOWN
    well = Check(name="a", state=State.HEALTHY, age_s=2.0)
    assert aged(well, age_s_max=3).state is State.HEALTHY
    assert aged(well, age_s_max=1).state is State.UNKNOWN
    assert aged(Check(name="a", state=State.HEALTHY), age_s_max=1).state is State.UNKNOWN
    assert aged(Check(name="a", state=State.DISABLED), age_s_max=1).state is State.DISABLED


def gateway_of(tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/b25.db", readers=2)
    return SimpleNamespace(settings=SimpleNamespace(run_folder=tmp_path / "run"), store=store)


@pytest.mark.spec("SYS-12")
def test_everything_is_asked_and_a_check_that_breaks_breaks_no_other(tmp_path, monkeypatch):
    gateway = gateway_of(tmp_path)
    told = {one.name: one for one in asyncio.run(check_all(gateway, {}))}
    assert set(told) == {"database", "bus", "supervisor", "kill", "disk", "clock"}
    assert told["database"].state is State.HEALTHY
    assert told["bus"].state is State.DISABLED

    def broken(folder):
        raise RuntimeError("no")

    monkeypatch.setattr(health_checks, "check_disk", broken)
    monkeypatch.setattr(health_checks, "CHECK_S", 0.3)
    monkeypatch.setattr(health_checks, "check_clock", lambda: time.sleep(1))
    told = {one.name: one for one in asyncio.run(check_all(gateway, {}))}
    assert (told["disk"].state, told["clock"].state, told["database"].state) == (State.UNKNOWN, State.UNKNOWN, State.HEALTHY)
    gateway.store.close()


def test_a_database_that_is_gone_is_unhealthy(tmp_path):
    gateway = gateway_of(tmp_path)
    gateway.store.close()
    path = tmp_path / "b25.db"
    path.unlink()
    path.mkdir()
    (check,) = check_database(gateway.store)
    assert check.state is State.UNHEALTHY


def test_a_bus_that_is_configured_and_away_is_unhealthy_and_so_is_another_server(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        (check,) = asyncio.run(check_bus(tmp_path, {"B25_NATS_URL": f"nats://127.0.0.1:{port}"}))
    assert check.state is State.UNHEALTHY

    async def other():
        async def answer(reader, writer):
            writer.write(b"HTTP/1.1 400 no\r\n")
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        at = server.sockets[0].getsockname()[1]
        (told,) = await check_bus(tmp_path, {"B25_NATS_URL": f"nats://127.0.0.1:{at}"})
        server.close()
        return told

    assert "no NATS server" in asyncio.run(other()).detail


def test_a_session_is_as_well_as_its_heartbeat(tmp_path):
    def state():
        return {one.name: one.state for one in check_processes(tmp_path)}["session mm"]

    seat = Seat.take(tmp_path, "mm")
    beat = Heartbeat(tmp_path, "mm", epoch=seat.epoch)
    assert state() is State.DEGRADED  # starting
    beat.beat(Life.RUNNING)
    assert state() is State.HEALTHY
    beat.beat(Life.FAILED)
    assert state() is State.UNHEALTHY
    beat.beat(Life.RUNNING)
    seat.leave()
    assert state() is State.UNHEALTHY  # gone without a word
    beat.beat(Life.STOPPED)
    assert state() is State.DISABLED


def test_the_command_ends_with_what_a_probe_asks_for(tmp_path, capsys):
    store = f"sqlite:///{tmp_path}/b25.db"
    at = ["--folder", str(tmp_path / "run"), "--store", store, "--json"]
    assert main(["health", *at]) == 1  # no database
    open_store(store).close()
    assert main(["health", "--part", "database", *at]) == 0
    assert main(["health", "--part", "kill", *at]) == 1
    capsys.readouterr()
    assert main(["health", "--part", "nothing", *at]) == 1
