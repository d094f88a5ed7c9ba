"""Imports a promoted file in an interpreter of its own: empty folder, no environment, no network, nothing opened for writing."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import orjson

from b25.model.errors import Misuse

TIMEOUT_S: Final = 120.0
KEPT: Final = ("PATH", "LANG", "LC_ALL", "B25_CACHE_DIR", "HOME", "TMPDIR")
# Runs with the file as its first argument, and the class's name as its second.
CODE: Final = """
import json, os, sys
import b25, numpy, numba                      # what it may use is loaded before anything is watched
from b25.strategy.strategy import Strategy
from importlib.util import module_from_spec, spec_from_file_location
path, wanted = sys.argv[1:3]
seen = []
def watch(event, args):
    if event in ("socket.connect", "socket.bind", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork"):
        seen.append(event)
        raise PermissionError(f"{event} while it was imported")
    if event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+") and not str(args[0]).endswith(".pyc"):
        seen.append(event)
        raise PermissionError(f"{args[0]} opened for writing while it was imported")
sys.dont_write_bytecode = True
sys.addaudithook(watch)
spec = spec_from_file_location("promoted", path)
module = module_from_spec(spec)
sys.modules["promoted"] = module
try:
    spec.loader.exec_module(module)
    cls = getattr(module, wanted)
    assert isinstance(cls, type) and issubclass(cls, Strategy), f"{wanted} is no strategy"
    told = {"ok": True, "parameters": {name: one.default for name, one in cls.params.items()}, "callbacks": list(cls.callbacks())}
except BaseException as fault:
    told = {"ok": False, "what": f"{type(fault).__name__}: {fault}"}
print(json.dumps(told | {"seen": seen}), flush=True)
os._exit(0)
"""


def isolate(text: str, name: str) -> dict[str, Any]:
    """Import the text of a module where there is nothing else.

    Returns
    -------
    dict
        Parameters with their defaults, and callbacks, of the class.

    Raises
    ------
    Misuse
        When it cannot be imported alone, or does more than that.
    """
    with tempfile.TemporaryDirectory(prefix="b25-isolate-") as folder:
        path = Path(folder) / "strategy.py"
        path.write_text(text, encoding="utf-8")
        environment = {name: os.environ[name] for name in KEPT if name in os.environ} | {"PYTHONHASHSEED": "0", "TZ": "UTC"}
        try:
            run = subprocess.run(  # noqa: S603 - our own interpreter, on a file that was just written
                [sys.executable, "-I", "-c", CODE, str(path), name], cwd=folder, env=environment, capture_output=True,
                text=True, timeout=TIMEOUT_S, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise Misuse(
                f"{name} took more than {TIMEOUT_S:g} s to be imported", remedy="compute nothing at the top level"
            ) from None
        left = sorted(one.name for one in Path(folder).iterdir() if one.name != "strategy.py")
    try:
        told: dict[str, Any] = orjson.loads(run.stdout.splitlines()[-1])
    except (orjson.JSONDecodeError, IndexError):
        raise Misuse(f"{name} ended the interpreter while it was imported: {run.stderr[-300:]}", remedy="mend it") from None
    if not told["ok"] or told["seen"] or left:
        what = told.get("what") or f"it left {', '.join(left) or ', '.join(told['seen'])}"
        raise Misuse(f"{name} cannot be imported alone: {what}", remedy="a strategy's file defines, and does nothing else")
    return told
