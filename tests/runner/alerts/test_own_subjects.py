"""What the process sees by itself: this machine, the supervisor's processes, the run folder's alarms; annotations by command."""

import time

import orjson
import pytest

from b25.cli import main
from b25.runner.alarms import FILE
from b25.runner.alerts.own_subjects import ALARM, MACHINE, OWN, PROCESS, AlarmFile, Machine, processes

S = 1_000_000_000
CHILD = {"name": "mm", "phase": "up", "why": "", "account": "demo", "restarts": 1, "silent_s": 0.1}


def write(folder, now_ns, *rows, stopping=""):
    told = {"time_ns": now_ns, "stopping": stopping, "processes": list(rows)}
    (folder / "supervisor.json").write_bytes(orjson.dumps(told))


@pytest.mark.spec("OB-10", "OB-11")
def test_the_machine_tells_shares(tmp_path):
    machine = Machine(tmp_path)
    machine.look()
    time.sleep(0.05)
    told = machine.look()
    assert set(told) == set(OWN[MACHINE])
    assert 0 < told["disk_free_share"] <= 1
    assert 0 < told["memory_share"] < 1
    assert told["cpu_share"] is None or 0 <= told["cpu_share"] <= 1


@pytest.mark.spec("OB-10")
def test_processes_are_up_or_down_and_a_silent_supervisor_is_down_itself(tmp_path):
    assert processes(tmp_path, S) == []
    write(tmp_path, 100 * S, CHILD, CHILD | {"name": "kill", "phase": "failed"})
    told = {one["name"]: one for one in processes(tmp_path, 101 * S)}
    assert {name: one["is_up"] for name, one in told.items()} == {"supervisor": 1, "mm": 1, "kill": 0}
    assert all(set(one) == set(OWN[PROCESS]) for one in told.values())
    assert [(one["name"], one["is_up"]) for one in processes(tmp_path, 111 * S)] == [("supervisor", 0)]
    write(tmp_path, 100 * S, CHILD, stopping="SIGTERM")
    assert [(one["name"], one["is_up"]) for one in processes(tmp_path, 999 * S)] == [("supervisor", 1)]


def test_alarms_are_read_once_whole_and_in_order(tmp_path):
    path = tmp_path / FILE
    path.write_bytes(b'{"time_ns": 1, "process": "old", "kind": "k", "what": "before"}\n')
    reading = AlarmFile(tmp_path)
    assert reading.look() == []
    with path.open("ab") as file:
        file.write(b'{"time_ns": 2, "process": "kill", "kind": "k", "what": "a"}\nno json\n{"time_ns": 3')
    assert [one["what"] for one in reading.look()] == ["a", "no json"]
    assert [one["what"] for one in reading.look()] == ["a", "no json"]  # nobody has said that they are kept
    reading.done()
    assert reading.look() == []
    assert set(AlarmFile(tmp_path, 0).look()[0]) == {*OWN[ALARM], "time_ns"}


@pytest.mark.spec("CO-01", "CO-04")
def test_annotations_on_the_command_line(tmp_path, capfd):
    store = ["--store", f"sqlite:///{tmp_path}/b25.db", "--json"]

    def run(*words):
        code = main(["annotate", *words, *store])
        return code, orjson.loads(capfd.readouterr().out)

    code, told = run("add", "run", "r1", "too wide, @bob", "--by", "ann", "--tag", "spread")
    name = told["annotation"]["annotation_id"]
    assert code == 0
    assert [one["annotation_id"] for one in run("list", "--text", "WIDE")[1]["annotations"]] == [name]
    assert run("edit", name, "fine", "--version", "1", "--by", "ann")[1]["annotation"]["version"] == 2
    code, told = run("edit", name, "late", "--version", "1", "--by", "ann")
    assert (code, "is of version 2 now" in told["error"]["what"]) == (1, True)
    assert run("delete", name, "--version", "2", "--by", "ann")[0] == 0
    assert [one["act"] for one in run("history", name)[1]["versions"]] == ["created", "edited", "deleted"]
    assert run("history", "gone")[0] == 2
