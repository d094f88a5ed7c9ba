"""Every route of the application with every role and none: found by walking the application, so that no new one is left out."""

import asyncio
import inspect
import re
import time

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import WebSocketRoute

from b25.api.app import make_app
from b25.api.auth.access import open_access
from b25.api.doors import PUBLIC, permission_of
from b25.api.gateway import Gateway
from b25.api.principal import Principal
from b25.api.roles import MATRIX, Permission, Role
from tests.api.conftest import AS, TestAuthenticator

# What lets everybody in is named here one by one: a new one must be added by hand.
OPEN = {
    "/api/v1/ping", "/api/v1/auth/setup", "/api/v1/auth/login", "/api/v1/auth/refresh", "/api/v1/auth/reset",
    "/health", "/health/live", "/health/ready", "/health/startup", "/version",
}  # fmt: skip


class Missing:
    """In place of a part that this application was made without: doors are passed before it is asked anything."""

    def __getattr__(self, name):
        raise AssertionError(f"a handler was reached: it asked for {name}")


class Bare(Gateway):
    def part(self, kind):
        return self.parts.get(kind, Missing())


@pytest.fixture
def app(gateway):
    bare = Bare(settings=gateway.settings, store=gateway.store, now_ns=time.time_ns, authenticator=TestAuthenticator())
    access = open_access(gateway.settings, gateway.store, time.time_ns, alarm=lambda *_, **__: None, say=lambda _: None)
    bare.join(access)
    yield make_app(bare)
    access.stop()


def found_in(app: FastAPI, kind):
    """Full path and route; `app.routes` itself has those of an included router only inside of it."""
    return [(one.path, one.original_route) for one in iter_route_contexts(app.routes) if isinstance(one.original_route, kind)]


def routes_of(app):
    return found_in(app, APIRoute)


def filled(path):
    return re.sub(r"\{[^}]*\}", "abcdef012345", path)


def may(role, permission):
    return role in MATRIX[permission]


async def answers(app, cases):
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        found = []
        for method, path, role in cases:
            headers = {AS: str(role)} if role else {}
            found.append(await client.request(method, path, headers=headers))
        return found


def test_there_are_routes(app):
    assert len(routes_of(app)) > 20


@pytest.mark.spec("RB-02")
def test_whoever_may_not_is_refused_before_anything_of_the_request_is_looked_at(app):
    cases, expected = [], []
    for path, route in routes_of(app):
        permission = permission_of(route)
        if permission == PUBLIC:
            continue
        for method in sorted(route.methods):
            for role in (None, *Role):
                if role is None or not may(role, permission):
                    cases.append((method, filled(path), role))
                    expected.append(401 if role is None else 403)
    assert len(cases) > 50
    told = asyncio.run(answers(app, cases))
    wrong = [
        f"{method} {path} as {role}: {answer.status_code}, not {status}"
        for (method, path, role), answer, status in zip(cases, told, expected, strict=True)
        if answer.status_code != status or answer.json()["code"] not in ("INVALID_TOKEN", "FORBIDDEN")
    ]
    assert wrong == []


@pytest.mark.spec("RB-02")
def test_whoever_may_passes_the_door(app):
    """The door alone is asked: the probe must not stop, trade or wait for anything."""
    for _, route in routes_of(app):
        permission = permission_of(route)
        if permission == PUBLIC:
            continue
        door = door_of(route)
        for role in Role:
            if may(role, permission):
                principal = Principal(name=str(role), roles=frozenset({role}))
                let_in = door(Asked(principal))
                assert (asyncio.run(let_in) if inspect.isawaitable(let_in) else let_in) is principal


@pytest.mark.spec("RB-02")
def test_what_lets_everybody_in_is_on_the_list(app):
    assert {path for path, route in routes_of(app) if permission_of(route) == PUBLIC} <= OPEN


@pytest.mark.spec("RB-02")
def test_every_socket_is_closed_to_who_has_no_ticket(app):
    for path, _ in found_in(app, WebSocketRoute):
        for query in ("", "ticket=", "token=x"):
            assert "websocket.send" not in asyncio.run(connect(app, filled(path), query))


@pytest.mark.spec("RB-01")
def test_duties_are_separated():
    admin = {one for one in Permission if may(Role.ADMIN, one)}
    assert not admin & {Permission.TRADE, Permission.OPERATE, Permission.RISK, Permission.REARM}
    assert {one for one in Permission if may(Role.TRADER, one)}.isdisjoint({Permission.RISK, Permission.USERS, Permission.REARM})
    assert set(MATRIX) == set(Permission)


@pytest.mark.spec("RB-03")
def test_stopping_is_for_trader_risk_and_admin_and_letting_on_again_for_risk_only():
    assert MATRIX[Permission.KILL] == {Role.TRADER, Role.RISK, Role.ADMIN}
    assert MATRIX[Permission.REARM] == {Role.RISK}


async def connect(app, path, query):
    """What the application sends to a socket that asks to come in and goes away again."""
    sent, told = [], [{"type": "websocket.connect"}]
    scope = {
        "type": "websocket", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "ws", "path": path,
        "raw_path": path.encode(), "query_string": query.encode(), "root_path": "", "headers": [(b"host", b"127.0.0.1")],
        "subprotocols": [], "state": {}, "client": ("127.0.0.1", 5000), "server": ("127.0.0.1", 80),
    }  # fmt: skip

    async def receive():
        return told.pop() if told else {"type": "websocket.disconnect", "code": 1001}

    async def send(message):
        sent.append(message["type"])

    await asyncio.wait_for(app(scope, receive, send), 10)
    return sent


class Asked:
    """As much of a request as a door looks at."""

    def __init__(self, principal):
        self.state = type("State", (), {"principal": principal})()


def door_of(route):
    def calls(dependant):
        yield from ([dependant.call] if dependant.call else [])
        for one in dependant.dependencies:
            yield from calls(one)

    (door,) = [call for call in calls(route.dependant) if getattr(call, "__b25_permission__", None) is not None]
    return door
