"""The application: every route has a door, and faults have one form."""

import asyncio

import pytest
from fastapi import FastAPI

from b25.api.doors import check_doors
from b25.model.errors import Misuse


def ask(client, method, path, **more):
    async def asked():
        async with client as one:
            return await one.request(method, path, **more)

    return asyncio.run(asked())


def test_somebody_answers(client_as):
    assert ask(client_as(), "GET", "/api/v1/ping").json() == {"pong": True}


def test_what_is_not_there_is_a_problem(client_as):
    told = ask(client_as(), "GET", "/api/v1/nothing")
    assert told.status_code == 404
    assert told.headers["content-type"] == "application/problem+json"
    assert told.json()["code"] == "NOT_FOUND"


def test_a_route_without_a_door_is_refused():
    app = FastAPI()
    app.add_api_route("/open", lambda: None)
    with pytest.raises(Misuse, match="/open has 0 doors"):
        check_doors(app)
