"""People, sign-ins and keys on a database of their own, with a clock that is told, and passwords that cost little."""

import httpx
import pytest

from b25.api.app import make_app
from b25.api.auth import passwords
from b25.api.auth.access import open_access
from b25.api.auth.origin import Origin
from b25.api.gateway import Gateway
from b25.api.roles import Role
from b25.config.settings import Settings
from b25.store.store import open_store
from tests.store.conftest import url  # noqa: F401 - the fixture

NOW_NS = 1_800_000_000 * 10**9
GOOD = "correct horse battery"
HOME = Origin(ip="10.0.0.1", agent="test", request_id="r")
PEOPLE = [role for role in Role if role is not Role.SERVICE]


class Clock:
    def __init__(self):
        self.ns = NOW_NS

    def __call__(self):
        return self.ns

    def pass_s(self, seconds):
        self.ns += int(seconds * 10**9)


@pytest.fixture
def cheap(monkeypatch):
    monkeypatch.setattr(passwords, "MEMORY_KIB", 8)
    monkeypatch.setattr(passwords, "TIME_COST", 1)
    monkeypatch.setattr(passwords, "LANES", 1)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def alarms():
    return []


@pytest.fixture
def make_access(tmp_path, clock, alarms, cheap):
    made = []

    def make(address):
        settings = Settings(
            database_url=address, run_folder=tmp_path / "run", catalog=tmp_path / "catalog",
            secrets_folder=tmp_path / "secrets", reports_folder=tmp_path / "reports",
        )  # fmt: skip
        store = open_store(address, readers=4)
        said = []
        one = open_access(settings, store, clock, alarm=lambda kind, what, **facts: alarms.append(kind), say=said.append)
        made.append((one, store))
        return one, settings, store

    yield make
    for one, store in made:
        one.stop()
        store.close()


@pytest.fixture
def access(make_access, tmp_path):
    """On SQLite."""
    return make_access(f"sqlite:///{tmp_path}/b25.db")[0]


@pytest.fixture
def each_access(make_access, url):  # noqa: F811 - the fixture
    """On SQLite, and on PostgreSQL."""
    return make_access(url)[0]


@pytest.fixture
def people(make_access, tmp_path):
    """An application with a person of each role, named so."""
    one, settings, store = make_access(f"sqlite:///{tmp_path}/b25.db")
    for role in PEOPLE:
        add(one, str(role), role)
    gateway = Gateway(settings=settings, store=store, now_ns=one.means.now_ns, authenticator=one.authenticator)
    gateway.join(one)
    return Browser(make_app(gateway), one)


def add(access, name, *roles, **more):
    return access.membership.add("ann", name, GOOD, roles or (Role.VIEWER,), HOME, **more)


class Browser:
    """Asks the application; `ask` from within a loop, `get` and `post` from without."""

    def __init__(self, app, access):
        self.app, self.access = app, access

    async def ask(self, method, path, *, token=None, key=None, ip="127.0.0.1", headers=(), **more):
        sent = dict(headers)
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        if key is not None:
            sent["X-API-Key"] = key
        transport = httpx.ASGITransport(self.app, client=(ip, 5000))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.request(method, f"/api/v1{path}", headers=sent, **more)

    def __call__(self, method, path, **more):
        import asyncio

        return asyncio.run(self.ask(method, path, **more))

    def login(self, name, password=GOOD, **more):
        return self("POST", "/auth/login", json={"name": name, "password": password} | more)

    def token(self, name):
        return self.login(name).json()["access_token"]

    def stepped(self, name):
        told = self("POST", "/auth/step-up", token=self.token(name), json={"password": GOOD})
        return told.json()["access_token"]
