"""Annotations over the API: who may, what is refused, what is told to those who look, and that no text becomes HTML."""

import asyncio
from html.parser import HTMLParser

import hypothesis.strategies as st
import pytest
from hypothesis import given

from b25.api.announcer import Announcer
from b25.api.routes.annotations import Kind
from b25.api.safe_markdown import render
from b25.bus.publisher import Publisher
from b25.store.annotations import KINDS

BODY = {"kind": "session", "object": "live-1", "text": "spread too **narrow**, @bob"}
ALLOWED = {"p", "br", "strong", "em", "code", "pre", "ul", "li", "a"}


def ask(client, method, path="", **more):
    async def run():
        async with client as held:
            return await held.request(method, f"/api/v1/annotations{path}", **more)

    return asyncio.run(run())


class Elements(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_comment(self, data):
        self.found.append(("comment", {}))

    def handle_decl(self, decl):
        self.found.append(("declaration", {}))


def harmless(text):
    for tag, attributes in Elements(render(text)).found:
        assert tag in ALLOWED, tag
        assert set(attributes) <= {"href", "rel", "target"}
        assert attributes.get("href", "https://").startswith(("https://", "http://"))


@pytest.mark.spec("CO-01", "CO-04", "CO-05")
def test_it_is_written_answered_edited_and_taken_away_and_who_looks_is_told(client_as, gateway):
    put, publisher = [], Publisher("gateway", "test")
    gateway.join(Announcer(lambda channel, key, value: put.append((channel, key, value["version"])), publisher))
    made = ask(client_as("viewer"), "POST", json=BODY)
    assert made.status_code == 201
    one = made.json()
    assert (one["author"], one["mentions"], one["html"]) == ("viewer", ["bob"], "<p>spread too <strong>narrow</strong>, @bob</p>")
    path = f"/{one['annotation_id']}"
    answer = ask(client_as("trader"), "POST", json=BODY | {"text": "yes", "parent_id": one["annotation_id"]}).json()
    assert answer["parent_id"] == one["annotation_id"]
    assert ask(client_as("trader"), "PUT", path, json={"text": "mine", "version": 1}).status_code == 403
    assert ask(client_as("viewer"), "PUT", path, json={"text": "better", "version": 1}).json()["version"] == 2
    late = ask(client_as("viewer"), "PUT", path, json={"text": "late", "version": 1})
    assert (late.status_code, late.json()["code"]) == (409, "CONFLICT")
    assert ask(client_as("trader"), "DELETE", f"{path}?version=2").status_code == 403
    assert ask(client_as("admin"), "DELETE", f"{path}?version=2").json()["text"] == ""
    assert [version for _, key, version in put if key == one["annotation_id"]] == [1, 2, 3]
    assert {channel for channel, _, _ in put} == {"annotations"}
    assert publisher.waiting == 4
    hidden = ask(client_as("viewer"), "GET", f"{path}/history").json()["versions"]
    shown = ask(client_as("admin"), "GET", f"{path}/history").json()["versions"]
    assert ({row["text"] for row in hidden}, shown[1]["text"]) == ({None}, "better")


def test_nobody_reads_or_writes(client_as):
    for method, path in (("GET", ""), ("POST", ""), ("GET", "/a1"), ("PUT", "/a1"), ("DELETE", "/a1?version=1")):
        assert ask(client_as(), method, path, json=BODY).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "wish"}, {"object": ""}, {"object": "x" * 201}, {"object": "a\x00"}, {"text": ""}, {"text": "x" * 4_001},
        {"text": "a\x00b"}, {"text": "\ud800"}, {"tags": ["<b>"]}, {"tags": ["x"] * 21}, {"tags": ["a\x00"]}, {"until_ns": -1},
        {"at_ns": 2**63}, {"at_ns": 5, "until_ns": 4}, {"parent_id": "gone"}, {"author": "admin"},
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_and_never_a_fault_of_ours(client_as, body):
    import json

    text = json.dumps(BODY | body)
    told = ask(client_as("viewer"), "POST", content=text, headers={"Content-Type": "application/json"})
    assert told.status_code in (400, 404, 422)
    assert ask(client_as("viewer"), "GET").json()["annotations"] == []


@pytest.mark.parametrize("query", ["?text=%00", "?after=9:%00", "?limit=501", "?tag=%00", "?since_ns=-1", f"?until_ns={2**70}"])
def test_a_wrong_search_is_refused(client_as, query):
    assert ask(client_as("viewer"), "GET", query).status_code in (400, 422)


def test_the_kinds_of_the_api_are_those_of_the_store():
    assert Kind.__args__ == KINDS


@pytest.mark.spec("CO-N2", "CO-01")
@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[x](javascript:alert(1))", "[x](JaVaScRiPt:alert(1))",
        '[x](https://a" onmouseover="alert(1))', "[<b>x</b>](https://a)", "`<script>`", "```\n</code></pre><script>\n```",
        "**<i>x</i>**", "<!-- x -->", "&lt;script&gt;", "[x](data:text/html;base64,PHNj)", "![x](https://a/b.png)",
        "\ue0000\ue001", "- <b>x\n- y", "[a](https://x/`b`)", "<<script>script>", "\u202e<script>",
    ],
)  # fmt: skip
def test_hostile_text_stays_text(text):
    harmless(text)
    assert "<script" not in render(text)


@given(st.text(alphabet=st.sampled_from(list("<>/\"'`*[]()- \nahtps:.&;!=\ue000\ue0010")), max_size=120))
def test_no_text_makes_an_element_that_is_not_allowed(text):
    harmless(text)


def test_what_marks_mean():
    told = render("a **b** *c* `d<`\n\n- x\n- y\n\n[z](https://e.org/?a=1&b=2)\n\n```py\n1 < 2\n```")
    assert told == (
        "<p>a <strong>b</strong> <em>c</em> <code>d&lt;</code></p><ul><li>x</li><li>y</li></ul>"
        '<p><a href="https://e.org/?a=1&amp;b=2" rel="noopener noreferrer nofollow" target="_blank">z</a></p>'
        "<pre><code>1 &lt; 2\n</code></pre>"
    )
