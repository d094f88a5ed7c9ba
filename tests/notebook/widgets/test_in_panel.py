"""The same modules in a dashboard: Panel serves them, and its state reaches them as a notebook's does."""

import socket
import threading
import time

import numpy as np
import pytest

from b25.notebook.widgets.assets import module, stylesheet
from b25.notebook.widgets.packed import packed_book
from tests.notebook.widgets import examples
from tests.notebook.widgets.harness import state_of

pn = pytest.importorskip("panel")
param = pytest.importorskip("param")


def component(name, widget):
    """A component of Panel over a widget's module and state."""
    traits = {key: getattr(widget, key) for key in state_of(widget)}
    kind = {bytes: param.Bytes, str: param.String, int: param.Integer, list: param.List, dict: param.Dict}
    body = {key: kind[type(value)](default=value) for key, value in traits.items()}
    body |= {"_esm": module(name), "_stylesheets": [stylesheet()]}
    return type(f"Panel{name}", (pn.custom.AnyWidgetComponent,), body)


@pytest.fixture
def serve():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    servers = []

    def begin(view):
        server = pn.serve(
            view, port=port, address="127.0.0.1", show=False, threaded=True, websocket_origin=[f"127.0.0.1:{port}"], verbose=False
        )
        servers.append(server)
        for _ in range(200):
            with socket.socket() as line:
                if line.connect_ex(("127.0.0.1", port)) == 0:
                    return f"http://127.0.0.1:{port}/"
            time.sleep(0.05)
        raise AssertionError("Panel does not listen")

    yield begin
    for server in servers:
        server.stop()


def test_the_ladder_and_the_gauges_run_in_panel_and_follow_what_changes(serve, page):
    ladder, gauges = component("ladder", examples.ladder()), component("risk_gauges", examples.gauges())
    made, ready = [], threading.Event()

    def view():
        made.append((ladder(width=600), gauges(width=600)))
        ready.set()
        return pn.Column(*made[-1])

    page.goto(serve(view))
    page.locator(".b25-ladder canvas").wait_for(timeout=30_000)
    assert "BREACHED" in page.locator(".b25-gauges").inner_text()
    assert ready.is_set()
    one, _ = made[-1]
    bids = np.array([[299_990, 100]])
    asks = np.array([[300_010, 100]])
    one.book = packed_book(bids, asks, levels=20)
    page.get_by_text("20 ticks", exact=True).wait_for(timeout=10_000)
    page.locator(".b25-ladder canvas").click(position={"x": 250, "y": 200})
    page.wait_for_timeout(500)
    assert one.asked["kind"] == "price"
    widget = examples.ladder()
    widget.asked = one.asked
    assert round(float(widget.selected) * 10) == one.asked["ticks"]


def test_all_eight_run_in_one_page(serve, page):
    made = {name: component(name, make()) for name, make in examples.ALL.items()}
    page.goto(serve(lambda: pn.Column(*(one(width=900) for one in made.values()))))
    for one in made.values():
        page.locator(".b25-widget").filter(has_text=one.param.title.default).first.wait_for(timeout=30_000)
    assert page.locator(".b25-widget").count() == 8
