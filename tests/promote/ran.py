"""Sessions of frozen versions for tests: fed with the sample market and with what the venue of a backtest answered."""

import orjson

from b25.promote.lives import Backtested, Lived, Setting
from b25.promote.version import load
from b25.risk.limits import Limits
from b25.store.journal import Journal, Reading
from tests.promote.makers import frozen, maker_notebook

WARM_UP_NS = 20_000_000_000
LASTS_NS = 40_000_000_000


def maker_version(folder, **more):
    """Freeze the maker in a folder; gives the version."""
    folder.mkdir(parents=True, exist_ok=True)
    return frozen(folder / "strategies" / "live", folder / "secrets", f"{maker_notebook(folder / 'makers.ipynb')}:Maker", **more)


def ran(folder, version, data, *, name="one", params=None, answered=lambda answers: answers, **how):
    """Run a session of a version; gives the path of its journal. `answered` changes what the venue answers."""
    cls = load(version, folder / "secrets")
    begin_ns = data.start_ns + WARM_UP_NS
    setting = Setting(
        cls=cls, params=version.manifest["parameters"] if params is None else params, tape=data.tape,
        limits=Limits(position_max=1.0), span=(begin_ns, begin_ns + LASTS_NS), **how,
    )  # fmt: skip
    _, answers = Backtested(setting, compiled=True).run()
    path = folder / "sessions" / f"{name}.journal"
    path.parent.mkdir(exist_ok=True)
    Lived(path, setting, answered(answers))
    return path


def rewritten(path, out, change):
    """Write a journal again with some records changed, each with a right checksum: as somebody would who means it.

    `change` is handed the kind and the payload, and gives the payload that is to be written; None leaves the record out.
    """
    records = iter(Reading(path))
    header = next(records)
    journal = Journal(out, orjson.loads(change(header.kind, header.body)))
    for record in records:
        body = change(record.kind, record.body)
        if body is not None:
            journal._put(bytes([record.kind]) + bytes(body))
    journal.flush()
    journal.close()
    return out
