"""Every implementation has the port's methods with its parameters, and the live side knows nothing of the simulated one."""

import ast
import inspect
from pathlib import Path

import pytest

from b25.venue.ccxt.gateway import CcxtVenue
from b25.venue.in_process.venue import InProcessVenue
from b25.venue.port.port import VenuePort

METHODS = [
    name
    for name, kind in vars(VenuePort).items()
    if not name.startswith("_") and (inspect.isfunction(kind) or isinstance(kind, property))
]


@pytest.mark.parametrize("venue", [CcxtVenue, InProcessVenue])
@pytest.mark.parametrize("method", METHODS)
def test_an_implementation_has_the_ports_method(venue, method):
    asked, told = getattr(VenuePort, method), getattr(venue, method)
    if isinstance(asked, property):
        assert isinstance(told, property)
        return
    wanted = [(one.name, one.kind, one.default) for one in inspect.signature(asked).parameters.values()]
    assert [(one.name, one.kind, one.default) for one in inspect.signature(told).parameters.values()] == wanted
    assert inspect.iscoroutinefunction(told) == inspect.iscoroutinefunction(asked)


def test_nothing_that_a_live_venue_imports_can_simulate_one(root):
    paths = [path for folder in ("ccxt", "port") for path in (Path(root) / "b25" / "venue" / folder).rglob("*.py")]
    assert paths
    for path in paths:
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        names = [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
        simulated = ("exchange", "wire", "crowd", "simulated")
        assert not [name for name in names if name.startswith(tuple(f"b25.venue.{part}" for part in simulated))], path.name
