"""A gateway with what reaches sessions, and a session of the tests' own that answers at a real control socket."""

import asyncio
import contextlib

import httpx
import pytest

from b25.api.app import make_app
from b25.api.compose import join_reach
from b25.api.health import Health
from b25.runner.structured_log import StructuredLog
from tests.api.gateway.stand import StandIn


@pytest.fixture
def home(gateway, tmp_path):
    log = StructuredLog(tmp_path / "gateway.jsonl", process="gateway")
    gateway.join(log)
    join_reach(gateway, log)
    gateway.join(Health(gateway))
    return gateway


@pytest.fixture
def run(home):
    """Run an async function with a function that gives clients: `run(lambda client: …)`, all parts started."""

    def running(act):
        async def main():
            app = make_app(home)

            def client(*roles, **headers):
                if roles:
                    headers["x-test-roles"] = ",".join(roles)
                transport = httpx.ASGITransport(app, raise_app_exceptions=False)
                return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers, timeout=30)

            async with app.router.lifespan_context(app):
                return await act(client)

        return asyncio.run(main())

    return running


@pytest.fixture
def session(home):
    """A session named mm, of account demo."""
    with contextlib.closing(StandIn(home.settings.run_folder, "mm", "demo")) as one:
        yield one
