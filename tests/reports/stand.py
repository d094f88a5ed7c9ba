"""A project folder with reports of small notebooks, and their runs in processes of their own."""

import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from b25.config.settings import Settings
from b25.reports.desk import ReportDesk
from b25.reports.scheduler import start_run
from b25.store.store import Store, open_store

PATIENCE_S = 60.0
METRIC = "from IPython.display import display\ndisplay({{'application/vnd.b25.metric+json': {payload}}}, raw=True)"


def metric(name, value, unit="", headline=False):
    return METRIC.format(payload={"name": name, "value": value, "unit": unit, "headline": headline})


def book(path, *cells, params="days: int = 3  # 1..30: how far back\nmode: str = 'paper'  # paper | live"):
    """Write a notebook: texts that begin with # are headings, others are code."""
    made = nbformat.v4.new_notebook()
    made.cells = [nbformat.v4.new_code_cell(params, metadata={"tags": ["parameters"]})]
    made.cells += [nbformat.v4.new_markdown_cell(one) if one.startswith("#") else nbformat.v4.new_code_cell(one) for one in cells]
    made.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(made, path)


@dataclass
class Stand:
    """A folder that is the current one, with settings and a store."""

    folder: Path
    settings: Settings
    store: Store
    toml: list[str] = field(default_factory=list)

    @property
    def desk(self):
        return ReportDesk(self.settings, self.store, time.time_ns)

    def define(self, name, /, *cells, more="", **told):
        book(self.folder / f"{name}.ipynb", *cells, **told)
        self.toml.append(f'[{name}]\nnotebook = "{name}.ipynb"\nnice = 0\n{more}\n')
        self.settings.reports_file.write_text("\n".join(self.toml))

    def start(self, name, /, **params):
        row = self.desk.ask(name, params, by="test", origin="cli")
        return row["id"], start_run(row["id"], self.settings)

    def run(self, name, /, **params):
        run_id, process = self.start(name, **params)
        code = process.wait(PATIENCE_S)
        return self.desk.run(run_id), code

    def files(self, row):
        return self.settings.reports_folder / row["folder"]

    def half_made(self):
        return [*self.settings.reports_folder.rglob(".building-*")]


def stand_in(folder, url=""):
    """Return a stand; the caller has made its folder the current one."""
    settings = Settings(
        database_url=url or f"sqlite:///{folder}/b25.db", run_folder=folder / "run", catalog=folder / "catalog",
        secrets_folder=folder / "secrets", reports_folder=folder / "reports", reports_file=folder / "reports.toml",
        strategies_folder=folder / "strategies",
    )  # fmt: skip
    settings.secrets_folder.mkdir(mode=0o700)
    return Stand(folder, settings, open_store(settings.database_url))


def until(holds, patience_s=PATIENCE_S):
    """Wait until something holds, and give it."""
    end_s = time.monotonic() + patience_s
    while not (found := holds()):
        assert time.monotonic() < end_s, "it never came"
        time.sleep(0.05)
    return found


PYTHON = sys.executable
