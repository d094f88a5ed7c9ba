"""JupyterLab on this machine, and a person in front of it: a real server, a real browser, keys and clicks."""

import contextlib
import os
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from playwright.sync_api import sync_playwright

from tests.conftest import ROOT

CHROMIUM = "/usr/bin/chromium"
PATIENCE_S = 150.0
STATE = """() => {
    const panel = window.jupyterapp?.shell.currentWidget;
    const kernel = panel?.sessionContext?.session?.kernel;
    if (!kernel || !panel.context.isReady) return null;
    const cells = panel.content.widgets.map(cell => ({
        kind: cell.model.type, id: cell.model.id, source: cell.model.sharedModel.source,
        count: cell.model.executionCount ?? null, state: cell.model.executionState ?? '',
        said: cell.outputArea ? cell.outputArea.node.innerText : '',
        failed: cell.model.outputs ? cell.model.outputs.toJSON().some(one => one.output_type === 'error') : false,
    }));
    return {kernel: kernel.status, dirty: panel.context.model.dirty, path: panel.context.path, cells};
}"""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Lab:
    """A JupyterLab that sees one folder, and one page of it.

    Parameters
    ----------
    folder : Path
        Notebooks; the server's own settings lie beside it.
    environment : dict, optional
        What kernels find in theirs.
    """

    def __init__(self, folder: Path, environment=None):
        self.folder, self.port, self.token = folder, free_port(), secrets.token_hex(16)
        beside = folder.parent / "jupyter"
        own = {f"JUPYTER_{name}_DIR": str(beside / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
        own |= {f"JUPYTERLAB_{name}_DIR": str(beside / name.lower()) for name in ("SETTINGS", "WORKSPACES")}
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT), **own, **(environment or {})}
        quiet = beside / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
        quiet.parent.mkdir(parents=True)
        quiet.write_text('{"fetchNews": "false"}')  # else it asks whether it may ask elsewhere
        self.log = folder.parent / "lab.log"
        self.asked = []

    def __enter__(self):
        self.stack = contextlib.ExitStack()
        try:
            self._serve()
            self._browse()
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *fault):
        if fault[0] is not None:
            self.page.screenshot(path=str(self.folder.parent / "fault.png"))
        self.stack.close()

    def _serve(self):
        words = [
            "--no-browser", "--ip=127.0.0.1", f"--port={self.port}", "--ServerApp.port_retries=0", "--allow-root",
            f"--ServerApp.root_dir={self.folder}", f"--IdentityProvider.token={self.token}",
            "--LabApp.expose_app_in_browser=True", "--LabApp.extension_manager=readonly",
        ]  # fmt: skip
        said = self.stack.enter_context(self.log.open("w"))
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *words], cwd=self.folder, env=self.environment, stdout=said, stderr=said
        )
        self.stack.callback(server.wait, 30)
        self.stack.callback(server.terminate)  # kernels end with it
        until_s = time.monotonic() + 60
        while True:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.at}/api", timeout=5).status_code == 200:
                    return
            assert server.poll() is None, self.log.read_text()
            assert time.monotonic() < until_s, self.log.read_text()
            time.sleep(0.1)

    def _browse(self):
        play = self.stack.enter_context(sync_playwright())
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        self.stack.callback(browser.close)
        self.page = browser.new_page(viewport={"width": 1300, "height": 1000})
        self.page.set_default_timeout(PATIENCE_S * 1000)
        self.page.on("request", lambda request: self.asked.append(request.url))

    @property
    def at(self):
        return f"http://127.0.0.1:{self.port}"

    def open(self, name):
        """Open a notebook, and wait until its kernel listens."""
        self.page.goto(f"{self.at}/lab/tree/{name}?token={self.token}")
        self.page.wait_for_selector(".jp-NotebookPanel .jp-Cell")
        self.until(lambda now: now["kernel"] == "idle", f"the kernel of {name}")

    def look(self):
        """The notebook as the page has it; None while it loads."""
        return self.page.evaluate(STATE)

    def until(self, so, what):
        """Wait for a state of the notebook; returns it."""
        until_s = time.monotonic() + PATIENCE_S
        while True:
            now = self.look()
            if now is not None and so(now):
                return now
            assert time.monotonic() < until_s, f"{what}: not within {PATIENCE_S} s: {now}\n{self.log.read_text()[-2000:]}"
            self.page.wait_for_timeout(100)

    def command(self, name, **given):
        """What a menu's entry does."""
        self.page.evaluate("([name, given]) => window.jupyterapp.commands.execute(name, given)", [name, given])

    def change(self, old, new):
        """Click into the cell that holds a text, and write it anew by hand."""
        number, cell = next((i, cell) for i, cell in enumerate(self.look()["cells"]) if old in cell["source"])
        assert cell["source"].count(old) == 1
        editor = self._editor(number)
        editor.click()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(cell["source"].replace(old, new))
        self.until(lambda now: new in now["cells"][number]["source"], f"{new} in the cell")

    def _editor(self, number):
        self.page.evaluate("i => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = i }", number)
        self.page.evaluate("i => window.jupyterapp.shell.currentWidget.content.scrollToItem(i)", number)
        return self.page.locator(f'.jp-Cell[data-windowed-list-index="{number}"] .cm-content')

    def run_all(self):
        """Restart, and run every cell; returns the notebook when all is done, without a fault."""
        self.command("notebook:run-all-cells")
        self.until(lambda now: all(cell["count"] for cell in now["cells"] if _code(cell)), "all cells")
        now = self.until(lambda now: now["kernel"] == "idle", "the kernel")
        assert [cell for cell in now["cells"] if cell["failed"]] == []
        return now

    def cell(self, source):
        """Write a new cell below the last, run it, and return what it says."""
        number = len(self.look()["cells"])
        self._editor(number - 1)
        self.command("notebook:insert-cell-below")
        self.until(lambda now: len(now["cells"]) == number + 1, "a new cell")
        self._editor(number).click()
        self.page.keyboard.insert_text(source)
        self.until(lambda now: now["cells"][number]["source"] == source, "the cell's text")
        self.page.keyboard.press("Control+Enter")
        now = self.until(lambda now: now["cells"][number]["count"] and now["kernel"] == "idle", source)
        assert not now["cells"][number]["failed"], now["cells"][number]["said"]
        return now["cells"][number]["said"]

    def save(self):
        """Save by the keyboard, as one does."""
        self.page.keyboard.press("Control+s")
        self.until(lambda now: not now["dirty"], "saved")

    def outside(self):
        """What the page asked of other machines."""
        return [url for url in self.asked if urlsplit(url).scheme.startswith("http") and urlsplit(url).hostname != "127.0.0.1"]

    def picture(self, name):
        """A screenshot, for who wants to look."""
        self.page.screenshot(path=str(self.folder.parent / f"{name}.png"))


def _code(cell):
    return cell["kind"] == "code" and cell["source"].strip()
