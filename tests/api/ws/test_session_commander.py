"""A command over a socket takes the way of the routes, with nothing in it that is not the command's; a kill needs nobody."""

import asyncio

import orjson
import pytest
from sqlalchemy import select

from b25.api.principal import Principal
from b25.api.problems import Problem
from b25.api.roles import Role
from b25.api.ws.commands import PERMISSIONS, Asked
from b25.api.ws.session_commander import TAKES, SessionCommander
from b25.model.errors import Misuse
from b25.runner.kill_latch import latched
from b25.store.tables import audit


class Ways:
    """Keeps what would be asked of a session."""

    def __init__(self):
        self.asked = []

    async def __call__(self, by, session, command, reason, request, more):
        self.asked.append((by.name, session, command, reason, request.state.command_id, request.client.host, more))
        return {"ok": True}


def do(gateway, name, args, *, by="ann", command_id="1", accounts=None):
    ways = Ways()
    principal = Principal(name=by, roles=frozenset({Role.TRADER}), accounts=accounts)
    asked = Asked(command_id=command_id, name=name, args=args, ip="10.0.0.7", connection="3-x")
    told = asyncio.run(SessionCommander(gateway, ways).command(principal, asked))
    return told, ways.asked


def test_every_command_of_the_socket_is_known():
    assert set(TAKES) | {"kill"} == set(PERMISSIONS)


def test_a_command_goes_to_its_session_with_who_and_why(gateway):
    args = {"session": "live-1", "reason": "spread", "symbol": "BTC/USDT", "side": "buy", "quantity": "0.1"}
    told, ((name, session, command, reason, command_id, ip, more),) = do(gateway, "order", args)
    assert told == {"ok": True}
    assert (name, session, command, reason, ip) == ("ann", "live-1", "order", "spread", "10.0.0.7")
    assert more == {"symbol": "BTC/USDT", "side": "buy", "quantity": "0.1"}
    assert len(command_id) == 32


def test_an_id_is_its_owners(gateway):
    ids = [do(gateway, "pause", {"session": "a"}, by=by, command_id=one)[1][0][4] for by in ("ann", "bob") for one in ("1", "2")]
    assert len(set(ids)) == 4
    assert do(gateway, "pause", {"session": "a"})[1][0][4] == ids[0]


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("order", {"session": "a", "wait_s": 1}), ("order", {"session": "a", "by": "bob"}),
        ("pause", {"session": "a", "id": "x"}),
        ("order", {"session": "a", "command": "kill"}), ("order", {"session": ["a"]}), ("order", {"session": "a", "side": {}}),
        ("stop", {"session": "a", "reason": "x" * 501}), ("kill", {"account": "main"}), ("kill", {"reason": "now"}),
        ("kill", {"account": "main", "reason": "now", "session": "a"}),
    ],
)  # fmt: skip
def test_what_is_not_the_commands_is_refused(gateway, name, args):
    with pytest.raises(Misuse):
        do(gateway, name, args)


def test_a_kill_pulls_the_latch_and_says_who_did_it(gateway):
    told, asked = do(gateway, "kill", {"account": "main", "reason": "quotes look wrong"})
    assert asked == []  # no session was needed
    latch = latched(gateway.settings.run_folder, "main")
    assert (latch.kill_id, latch.by, latch.reason) == (told["kill_id"], "ann", "quotes look wrong")
    assert told["is_recorded"]
    (row,) = gateway.store.rows(select(audit))
    assert (row.actor, row.action, orjson.loads(row.body)["ip"]) == ("ann", "risk.emergency-stop", "10.0.0.7")


def test_a_kill_works_when_the_database_does_not(gateway):
    gateway.store.close()
    told, _ = do(gateway, "kill", {"account": "main", "reason": "quotes look wrong"})
    assert latched(gateway.settings.run_folder, "main") is not None
    assert not told["is_recorded"]


def test_a_kill_of_an_account_that_is_not_ones_own_is_refused(gateway):
    with pytest.raises(Problem):
        do(gateway, "kill", {"account": "other", "reason": "why not"}, accounts=frozenset({"main"}))
    assert latched(gateway.settings.run_folder, "other") is None
