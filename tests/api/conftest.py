"""A gateway on a store of its own; who asks is told by a header that only tests know."""

import time

import httpx
import pytest

from b25.api.app import make_app
from b25.api.gateway import Gateway
from b25.api.principal import Principal
from b25.api.roles import Role
from b25.config.settings import Settings
from b25.store.store import open_store

AS = "x-test-roles"


class TestAuthenticator:
    __test__ = False

    async def principal(self, headers, ip, method, path):
        told = headers.get(AS)
        if not told:
            return None
        roles = frozenset(Role(word) for word in told.split(","))
        return Principal(name="-".join(sorted(roles)), roles=roles, is_stepped_up=True)

    async def of_ticket(self, ticket):
        return await self.principal({AS: ticket}, "", "", "") if ticket else None


@pytest.fixture
def gateway(tmp_path):
    settings = Settings(
        database_url=f"sqlite:///{tmp_path}/b25.db", run_folder=tmp_path / "run", catalog=tmp_path / "catalog",
        secrets_folder=tmp_path / "secrets", reports_folder=tmp_path / "reports",
    )  # fmt: skip
    store = open_store(settings.database_url, readers=4)
    yield Gateway(settings=settings, store=store, now_ns=time.time_ns, authenticator=TestAuthenticator())
    store.close()


@pytest.fixture
def client_as(gateway):
    """A function that gives a client for a role, or for nobody: `await client_as("trader").get(…)`."""
    app = make_app(gateway)

    def client(*roles):
        headers = {AS: ",".join(roles)} if roles else {}
        return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1", headers=headers)

    return client
