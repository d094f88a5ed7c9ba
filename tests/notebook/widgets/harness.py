"""A page that shows a widget of ours as JupyterLab would: the real module, the real state, and what the page does told back."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from b25.notebook.widgets.assets import stylesheet
from b25.notebook.widgets.slot import PERIOD_S
from b25.notebook.widgets.widget import Widget

# The model that anywidget hands to a module, over plain values; bytes are DataViews, as Jupyter's are.
MODEL = """
window.models = {};
window.modelOf = (name, state) => {
  const calls = {}, told = [];
  const model = {
    told, calls, state,
    get: (key) => state[key],
    set: (key, value) => {
      const was = state[key];
      state[key] = value;
      if (was !== value) { model.changed(key); told.push({ set: key, value }); }
    },
    save_changes: () => {},
    send: (message) => { told.push({ send: message }); },
    on: (event, call) => { (calls[event] ??= []).push(call); },
    off: (event, call) => { calls[event] = (calls[event] ?? []).filter((one) => one !== call); },
    changed: (key) => { for (const call of [...(calls[`change:${key}`] ?? [])]) call(); },
    put: (values) => { for (const [key, value] of Object.entries(decoded(values))) { state[key] = value; model.changed(key); } },
    listening: () => Object.values(calls).reduce((sum, all) => sum + all.length, 0),
  };
  return (window.models[name] = model);
};
window.decoded = (values) => Object.fromEntries(Object.entries(values).map(([key, value]) =>
  [key, value && value.b64 !== undefined
    ? new DataView(Uint8Array.from(atob(value.b64), (c) => c.charCodeAt(0)).buffer) : value]));
window.begin = async (name, script, state) => {
  const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  const { default: widget } = await import(address);
  const host = document.createElement("div");
  host.id = name;
  document.body.append(host);
  const model = window.modelOf(name, decoded(state));
  model.end = await widget.render({ model, el: host });
};
"""
PAGE = """<!doctype html><meta charset="utf-8"><title>widget</title>
<style>body {{ margin: 0; padding: 12px; background: {paper}; color: {ink}; }} {css}</style><body {theme}>"""


class Shown:
    """One widget in a page."""

    def __init__(self, page: Any, widget: Widget, name: str) -> None:
        self.page, self.widget, self.name = page, widget, name

    def told(self) -> list[dict[str, Any]]:
        """What the page sent since the last call."""
        found: list[dict[str, Any]] = self.page.evaluate(f"window.models.{self.name}.told.splice(0)")
        return found

    def answer(self) -> list[dict[str, Any]]:
        """Hand what the page sent to the widget, as a kernel would, and the widget's state back to the page."""
        told = self.told()
        for one in told:
            if "send" in one:
                self.widget._heard(self.widget, one["send"], [])
            else:
                self.widget.set_trait(one["set"], one["value"])
        self.refresh()
        return told

    def refresh(self) -> None:
        """Give the page the state that the widget has now.

        Playwright runs a loop here, as a kernel does; what waits in it is shown first.
        """
        self.page.wait_for_timeout(PERIOD_S * 1e3 + 50)
        self.page.evaluate(f"(state) => window.models.{self.name}.put(state)", state_of(self.widget))
        self.settle()

    def settle(self) -> None:
        """Wait for what is drawn with the next frames."""
        self.page.evaluate(
            "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(done))))"
        )

    @property
    def box(self) -> Any:
        return self.page.locator(f"#{self.name} .b25-widget")

    def end(self) -> None:
        """Let the module clean up."""
        self.page.evaluate(f"window.models.{self.name}.end()")


def state_of(widget: Widget) -> dict[str, Any]:
    """What of a widget travels, as JSON with bytes in base64."""
    return {
        name: _plain(value) for name, value in widget.get_state().items() if not re.match(r"_|layout|tabbable|tooltip|comm", name)
    }


def _plain(value: Any) -> Any:
    return (
        {"b64": base64.b64encode(bytes(value)).decode()}
        if isinstance(value, bytes | memoryview)
        else json.loads(json.dumps(value))
    )


def open_page(page: Any, theme: str = "light") -> None:
    """Load an empty notebook page in a theme of JupyterLab's."""
    dark = theme == "dark"
    told = f'data-jp-theme-light="{str(not dark).lower()}"'
    paper, ink = ("#111111", "#e0e0e0") if dark else ("#ffffff", "#222222")
    page.set_content(PAGE.format(css=stylesheet(), paper=paper, ink=ink, theme=told))
    page.evaluate(f"() => {{ {MODEL} }}")


def show(page: Any, widget: Widget, name: str = "one") -> Shown:
    """Show a widget in a page that `open_page` loaded."""
    page.evaluate("([name, script, state]) => window.begin(name, script, state)", [name, str(widget._esm), state_of(widget)])
    shown = Shown(page, widget, name)
    shown.settle()
    return shown
