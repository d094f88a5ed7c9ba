"""A session's control socket: asked once it acts once, whoever asks again; private, audited, and clear when nobody is there."""

import asyncio
import json
import stat
import threading

import pytest

from b25.cli import main
from b25.model.errors import Misuse, Retry
from b25.runner.control import AUDIT, SOCKET, Control, ask_session
from b25.runner.seat import Seat, session_folder


@pytest.fixture
def seat(tmp_path):
    made = Seat.take(tmp_path, "mm")
    yield made
    made.leave()


class Served:
    """A control in a loop of its own, in a thread."""

    def __init__(self, folder):
        self.done, self.folder = [], folder
        self.control = Control(folder, "mm", self.act, lambda: 5)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def act(self, request):
        if request["command"] == "refuse":
            raise Misuse("not now", remedy="later")
        self.done.append(request)
        brief = {"state": "active", "gate": "active", "why": "", "positions": {"BTC/USDT:USDT": "0.5"}, "orders_open": 1}
        return brief | {"profit": 0.25, "events": 7}

    def __enter__(self):
        self.thread.start()
        asyncio.run_coroutine_threadsafe(self.control.start(), self.loop).result(10)
        return self

    def __exit__(self, *fault):
        asyncio.run_coroutine_threadsafe(self.control.close(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()


@pytest.fixture
def served(seat, tmp_path):
    with Served(tmp_path) as made:
        yield made


def audit(folder):
    return [json.loads(line) for line in (session_folder(folder, "mm") / AUDIT).read_text().splitlines()]


def test_a_command_is_done_once_audited_and_answered(served, tmp_path):
    told = ask_session(tmp_path, "mm", "pause", by="ann", id="one")
    assert (told["ok"], told["state"], told["id"]) == (True, "active", "one")
    again = ask_session(tmp_path, "mm", "pause", by="ann", id="one")
    assert again["again"]
    assert len(served.done) == 1
    asked, answered = audit(tmp_path)
    assert (asked["action"], asked["request"]["by"]) == ("asked", "ann")
    assert (answered["action"], answered["answer"]["ok"]) == ("answered", True)


def test_the_socket_is_its_owners_alone(served, tmp_path):
    assert stat.S_IMODE((session_folder(tmp_path, "mm") / SOCKET).stat().st_mode) == 0o600


def test_a_deep_run_folder_is_no_obstacle(tmp_path):
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    seat = Seat.take(deep, "mm")
    with Served(deep):
        assert ask_session(deep, "mm", "status")["ok"]
    seat.leave()


def test_what_is_refused_is_told_with_its_remedy(served, tmp_path):
    with pytest.raises(Misuse, match="not now") as caught:
        ask_session(tmp_path, "mm", "refuse")
    assert caught.value.remedy == "later"


def test_a_life_remembers_what_the_one_before_answered(seat, tmp_path):
    with Served(tmp_path) as first:
        ask_session(tmp_path, "mm", "flatten", id="one")
        assert len(first.done) == 1
    with Served(tmp_path) as second:
        assert ask_session(tmp_path, "mm", "flatten", id="one")["again"]
        assert second.done == []


def test_what_was_asked_and_never_answered_is_not_done_again(seat, tmp_path):
    row = {"time_ns": 1, "action": "asked", "id": "one", "request": {"command": "flatten"}}
    own = session_folder(tmp_path, "mm")
    own.mkdir(parents=True, exist_ok=True)
    (own / AUDIT).write_text(json.dumps(row) + "\n")
    with Served(tmp_path) as served, pytest.raises(Retry, match="ended while it did this"):
        ask_session(tmp_path, "mm", "flatten", id="one")
    assert served.done == []


def test_a_line_that_is_no_request_is_refused(served):
    assert not served.control.handle({"command": "pause"})["ok"]
    assert not served.control.handle({"id": "x" * 101, "command": "pause"})["ok"]
    assert served.done == []


def test_what_cannot_be_written_down_is_not_done(served, monkeypatch):
    def full(path, row):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("b25.runner.control.append_durably", full)
    told = served.control.handle({"id": "one", "command": "pause"})
    assert (told["ok"], told["error"]["code"]) == (False, "retry")
    assert served.done == []
    assert served.control.handle({"id": "two", "command": "status"})["ok"]


def test_a_session_that_is_not_there(tmp_path):
    with pytest.raises(Misuse, match="no session mm runs") as caught:
        ask_session(tmp_path, "mm", "pause")
    assert caught.value.exit_code == 3


def test_a_session_that_does_not_listen(seat, tmp_path):
    with pytest.raises(Misuse, match="takes no commands"):
        ask_session(tmp_path, "mm", "pause")


def test_a_session_that_hangs_is_told_as_such(seat, tmp_path):
    with Served(tmp_path) as served:
        held = threading.Event()
        served.loop.call_soon_threadsafe(held.wait)
        with pytest.raises(Retry, match="did not answer request"):
            ask_session(tmp_path, "mm", "pause", wait_s=0.2)
        held.set()
        ask_session(tmp_path, "mm", "status")  # it is back: whoever gave up is let go of


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (["pause", "mm"], {"command": "pause"}),
        (["resume", "mm"], {"command": "resume"}),
        (["flatten", "mm"], {"command": "flatten"}),
        (["set", "mm", "skew=0.5"], {"command": "set", "parameter": "skew", "value": "0.5"}),
        (["re-arm", "mm", "--reason", "it was looked at"], {"command": "re-arm", "reason": "it was looked at", "controls": []}),
        (
            ["override", "mm", "sell", "0.5", "--reason", "close the hedge", "--price", "60000"],
            {"command": "override", "side": "sell", "quantity": "0.5", "price": "60000", "expires_s": 60.0},
        ),
    ],
)
def test_the_commands_of_the_terminal_reach_the_session(served, tmp_path, capsys, words, asked):
    assert main(["session", *words, "--folder", str(tmp_path)]) == 0
    (request,) = served.done
    assert {name: request[name] for name in asked} == asked
    assert request["by"]
    assert "mm is active; position 0.5 BTC/USDT:USDT, 1 orders open" in capsys.readouterr().out


def test_a_terminal_asking_nobody_is_told_what_runs(tmp_path, capsys):
    assert main(["session", "pause", "mm", "--folder", str(tmp_path)]) == 3
    assert "no session mm runs" in capsys.readouterr().err
