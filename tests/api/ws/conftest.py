"""A real server with the state and the sockets, in a thread of its own; whoever has the ticket of a role has it."""

import asyncio
import threading

import pytest
import uvicorn

from b25.api.app import make_app
from b25.api.principal import Principal
from b25.api.state.state import State
from b25.api.ws.hub import Hub
from b25.api.ws.serving import SOCKETS
from b25.model.errors import Misuse, Retry


class OnlyOnce:
    """Tickets `ROLES:NUMBER[:ACCOUNTS]`, each worth one connection."""

    def __init__(self, before):
        self.before, self.used, self.revoked = before, set(), set()

    async def principal(self, headers, ip, method, path):
        return await self.before.principal(headers, ip, method, path)

    async def of_ticket(self, ticket):
        if ticket in self.used or ":" not in ticket:
            return None
        self.used.add(ticket)
        roles, number, *accounts = ticket.split(":")
        by = await self.before.of_ticket(roles)
        return Principal(
            name=by.name, roles=by.roles, login=number, accounts=frozenset(accounts) if accounts else None, is_stepped_up=True
        )

    def holds(self, by):
        return by.login not in self.revoked


class Session:
    """Answers commands as a session would; the ones called `hang` when it is let go."""

    def __init__(self):
        self.asked, self.go = [], asyncio.Event()

    async def command(self, by, asked):
        self.asked.append((by, asked))
        match asked.args.get("how"):
            case "refuse":
                raise Misuse("off the grid", remedy="use 100.5")
            case "silence":
                raise Retry("no answer", remedy="look")
            case "fail":
                raise ValueError("secret inside")
            case "hang":
                await self.go.wait()
        return {"order_id": 7, "verdict": "ok"}


class Served:
    """The server."""

    def __init__(self, gateway, check_s=30.0):
        gateway.authenticator = OnlyOnce(gateway.authenticator)
        self.gateway, self.tickets = gateway, gateway.authenticator
        self.state, self.session = State(), Session()
        self.hub = Hub(self.state, holds=self.tickets.holds, commander=self.session, check_s=check_s)
        gateway.join(self.state)
        gateway.join(self.hub)
        config = uvicorn.Config(make_app(gateway), port=0, log_config=None, **SOCKETS)
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self._numbers = iter(range(10_000))

    def start(self):
        self.thread.start()
        while not self.server.started:
            assert self.thread.is_alive()
        self.port = self.server.servers[0].sockets[0].getsockname()[1]

    def stop(self):
        self.server.should_exit = True
        self.thread.join(30.0)
        assert not self.thread.is_alive()

    def ticket(self, roles="viewer", accounts=""):
        return f"{roles}:{next(self._numbers)}" + (f":{accounts}" if accounts else "")

    def url(self, roles="viewer", accounts="", **more):
        told = "&".join(f"{name}={value}" for name, value in ({"ticket": self.ticket(roles, accounts)} | more).items())
        return f"ws://127.0.0.1:{self.port}/ws?{told}"


@pytest.fixture
def served(gateway):
    made = Served(gateway)
    made.start()
    yield made
    made.stop()
