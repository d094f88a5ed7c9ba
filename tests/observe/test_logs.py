"""Lines of every process: JSON with the ids of who asked, as much as was asked for, changed while it runs."""

import asyncio
import json

import pytest

from b25.cli import main
from b25.model.errors import Misuse
from b25.runner import structured_log
from b25.runner.structured_log import LEVELS, StructuredLog, correlated, follow_level, level_of, set_level


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(structured_log, "LOOK_S", 0.0)
    monkeypatch.delenv("B25_RUN_FOLDER", raising=False)
    monkeypatch.delenv("B25_LOG_LEVEL", raising=False)
    follow_level(tmp_path)
    yield tmp_path
    structured_log._level.folder = None


@pytest.mark.spec("OB-05")
def test_the_level_is_changed_while_it_runs(folder, capsys):
    log = StructuredLog(folder / "log.jsonl", process="mm")
    assert level_of(folder) == "info"
    log.debug("not said")
    assert main(["log", "level", "debug", "--folder", str(folder)]) == 0
    log.debug("said")
    set_level(folder, "alarm")
    for level in LEVELS:
        getattr(log, level)(f"at {level}")
    assert [row["event"] for row in rows(folder / "log.jsonl")] == ["said", "at alarm"]
    assert main(["log", "level", "loud", "--folder", str(folder), "--json"]) == 1
    with pytest.raises(Misuse, match="loud"):
        set_level(folder, "loud")
    (folder / "log-level").write_text("nonsense")
    assert level_of(folder) == "info"


@pytest.mark.spec("OB-05", "TR-03")
def test_a_request_is_known_by_its_id_in_every_line_of_its_own_and_in_no_other(folder):
    log = StructuredLog(folder / "log.jsonl", component="gateway")

    async def answer(request_id):
        with correlated(request_id=request_id):
            await asyncio.sleep(0)
            log.info("begun")
            await asyncio.gather(asyncio.create_task(deeper()))

    async def deeper():
        await asyncio.sleep(0)
        log.info("deeper")

    async def both():
        await asyncio.gather(answer("one"), answer("two"))
        log.info("outside")

    asyncio.run(both())
    told = [(row["event"], row.get("request_id")) for row in rows(folder / "log.jsonl")]
    assert sorted(told[:4]) == [("begun", "one"), ("begun", "two"), ("deeper", "one"), ("deeper", "two")]
    assert told[4] == ("outside", None)


def test_what_orjson_does_not_know_is_written_as_text(folder):
    log = StructuredLog(folder / "log.jsonl")
    log.info("odd", path=folder, numbers={1: 2}, fault=ValueError("no"), many={3})
    (row,) = rows(folder / "log.jsonl")
    assert (row["path"], row["numbers"], row["fault"], row["many"]) == (str(folder), {"1": 2}, "ValueError: no", [3])
