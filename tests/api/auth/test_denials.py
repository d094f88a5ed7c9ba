"""Refusals at a door stand in the audit, and its head is kept elsewhere while the gateway runs."""

import asyncio

import pytest

from b25.api.auth.anchoring import AuditAnchoring
from b25.api.auth.denials import Denials
from b25.store.audit import append_audit, audit_entries
from b25.store.audit_anchor import verify_against
from b25.store.audit_query import AuditQuery, find_audit
from tests.api.auth.conftest import NOW_NS
from tests.store.test_audit_record import tamper


@pytest.mark.spec("SYS-20")
def test_who_was_refused_is_written_down_once_a_minute(people, clock):
    gateway = people.app.state.gateway
    inner = people.app
    inner.user_middleware.append(type(inner.user_middleware[0])(Denials, gateway=gateway))  # the last one is the innermost
    token, store = people.token("viewer"), people.access.means.store
    for _ in range(3):
        assert people("GET", "/users/eve", token=token).status_code == 403
    people("GET", "/audit", token=token)
    people("GET", "/audit")  # nobody in particular
    denied, _ = find_audit(store, AuditQuery(action="auth.denied"), limit=10)
    assert [(one.actor, one.body["object"], one.body["ip"]) for one in denied] == [
        ("viewer", "GET /audit", "127.0.0.1"),
        ("viewer", "GET /users/{name}", "127.0.0.1"),
    ]
    clock.pass_s(60)
    people("GET", "/users/bob", token=token)
    assert len(find_audit(store, AuditQuery(action="auth.denied"), limit=10)[0]) == 3


@pytest.mark.spec("AL-01")
def test_the_head_is_anchored_at_start_and_stop_and_a_broken_chain_raises_an_alarm(access, tmp_path_factory, tmp_path):
    store, said = access.means.store, []
    path = tmp_path_factory.mktemp("elsewhere") / "anchors.jsonl"
    part = AuditAnchoring(store, path, lambda: NOW_NS, lambda kind, what, **_: said.append(kind))

    async def a_day():
        append_audit(store, actor="a", action="b", body={}, now_ns=1)
        part.start()
        while not path.exists():  # noqa: ASYNC110 - a thread writes it
            await asyncio.sleep(0.01)
        append_audit(store, actor="a", action="b", body={}, now_ns=2)
        await part.stop()

    asyncio.run(a_day())
    assert len(path.read_text().splitlines()) == 2
    assert (verify_against(store, path), said) == ("", [])
    tamper(f"sqlite:///{tmp_path}/b25.db", "UPDATE audit SET actor = 'eve' WHERE seq = 1")
    assert not part.once()
    assert said == ["audit anchor"]
    assert len(list(audit_entries(store))) == 2
