"""Every route of the OpenAPI document, with what schemathesis makes up, as every role and as nobody.

No answer says that something broke here, none has a status that the document does not have, and nobody succeeds who may not.
"""

import asyncio
import threading
import zlib
from unittest import SkipTest

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable

from b25.api.app import make_app
from b25.api.compose import compose
from b25.api.doors import PUBLIC, every_route, permission_of
from b25.api.roles import MATRIX, Permission, Role
from b25.config.settings import GatewaySettings, Settings
from b25.runner.structured_log import StructuredLog
from tests.api.conftest import AS, TestAuthenticator

EVERYTHING = tuple(role for role in Role if role is not Role.SERVICE)
WHO = {"nobody": (), **{role.value: (role,) for role in Role}, "all roles": EVERYTHING}
POSITIVE, NEGATIVE = schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE
EXAMPLES = {"all roles": ((POSITIVE, 6), (NEGATIVE, 4))}
FEW = ((POSITIVE, 1),)


class Client:
    """Asks an application whose parts have started, in a loop of its own."""

    def __init__(self, app):
        self.app, self.loop = app, asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.lifespan = app.router.lifespan_context(app)
        self.run(self.lifespan.__aenter__())
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=60)

    def run(self, made):
        return asyncio.run_coroutine_threadsafe(made, self.loop).result(60)

    def request(self, **words):
        return self.run(self.http.request(**words))

    def close(self):
        self.run(self.http.aclose())
        self.run(self.lifespan.__aexit__(None, None, None))
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gateway")
    made = Settings(
        database_url=f"sqlite:///{folder}/b25.db", run_folder=folder / "run", catalog=folder / "catalog",
        secrets_folder=folder / "secrets", reports_folder=folder / "reports", gateway=GatewaySettings(rate_scale=1e6),
    )  # fmt: skip
    (folder / "run").mkdir()
    gateway = compose(made)
    gateway.authenticator = TestAuthenticator()
    gateway.join(StructuredLog(folder / "gateway.jsonl", process="gateway"))
    app = make_app(gateway)
    client = Client(app)
    yield app, client
    client.close()
    gateway.store.close()


@pytest.fixture(scope="module")
def operations(served):
    app, _ = served
    schema = schemathesis.openapi.from_dict(app.openapi())
    return [one.ok() for one in schema.get_all_operations()]


def permissions(app):
    """What each operation asks for, by method and path as the document has it."""
    return {
        (method, path.replace(":path}", "}")): permission_of(route)
        for path, route in every_route(app)
        for method in route.methods
    }


def sent(client, case, roles):
    kwargs = case.as_transport_kwargs(base_url="http://127.0.0.1")
    kwargs.pop("cookies", None)
    headers = {name: value for name, value in dict(kwargs.pop("headers", {})).items() if name.lower() != "host"}
    if roles:
        headers[AS] = ",".join(roles)
    if "data" in kwargs and not isinstance(kwargs["data"], dict):
        kwargs["content"] = kwargs.pop("data")
    return client.request(**kwargs, headers=headers)


def faults(operation, answer, allowed):
    """What is wrong with an answer, one sentence each."""
    at = f"{operation.method.upper()} {operation.path} -> {answer.status_code} {answer.text[:300]}"
    responses = operation.definition.raw["responses"]
    if answer.status_code == 500:
        return [f"{at}: it broke"]
    if str(answer.status_code) not in responses:
        return [f"{at}: the status is not in the document"]
    found = []
    if answer.status_code < 400 and not allowed:
        found.append(f"{at}: an unauthorised success")
    if not allowed and answer.status_code not in (400, 401, 403, 405, 408, 413, 415, 421, 422):
        found.append(f"{at}: more is told than that he may not")
    if answer.status_code >= 400 and answer.headers["content-type"] != "application/problem+json" and answer.status_code != 503:
        found.append(f"{at}: no problem")
    return found


def try_out(operation, mode, examples, send):
    """Send some examples of an operation, the same in every run; what was answered."""
    told = []

    @seed(zlib.crc32(operation.label.encode()))
    @settings(
        max_examples=examples, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def tried(case):
        told.append(send(case))

    try:
        tried()
    except (SkipTest, Unsatisfiable):  # nothing about this operation can be wrong
        assert mode is NEGATIVE
    return told


@pytest.mark.parametrize(
    ("status", "allowed", "says"),
    [(500, True, "broke"), (418, True, "not in the document"), (200, False, "unauthorised"), (404, False, "more is told")],
)
def test_a_fault_is_found(operations, status, allowed, says):
    listing = next(one for one in operations if one.label == "GET /api/v1/strategies/{name}")
    answer = httpx.Response(status, headers={"content-type": "application/problem+json"}, text="{}")
    assert says in faults(listing, answer, allowed)[0]


@pytest.mark.parametrize("who", WHO)
@pytest.mark.spec("GW-15")
def test_every_route_keeps_to_its_document_whatever_it_is_sent(served, operations, who):
    app, client = served
    asked, roles, found, good = permissions(app), WHO[who], [], set()
    for operation in operations:
        permission = asked[(operation.method.upper(), operation.path)]
        allowed = permission == PUBLIC or bool(set(roles) & MATRIX[Permission(permission)])
        for mode, examples in EXAMPLES.get(who, FEW):
            told = try_out(operation, mode, examples, lambda case: sent(client, case, roles))
            found += [fault for answer in told for fault in faults(operation, answer, allowed)]
            good |= {operation.label for answer in told if answer.status_code < 300}
    assert found == []
    assert len(good) >= (20 if who == "all roles" else 1), "nothing was really asked"
