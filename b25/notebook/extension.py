"""What ``%load_ext b25`` adds to a kernel, and ``%unload_ext b25`` takes away again without a rest."""

from __future__ import annotations

from typing import Any

from b25.notebook.cell_watch import CellWatch
from b25.notebook.displays import forget_displays, register_displays
from b25.notebook.faults import show_briefly, show_in_full
from b25.notebook.magics import MAGICS, Magics
from b25.notebook.run_magics import RUN_MAGICS, RunMagics

_loaded: dict[int, CellWatch] = {}


def load(shell: Any) -> None:
    """Register magics, displays of results, brief faults, and the look at each cell before it runs. Twice is once."""
    if id(shell) in _loaded:
        return
    shell.register_magics(Magics(shell), RunMagics(shell))
    register_displays(shell)
    show_briefly()
    watch = CellWatch(shell)
    shell.events.register("pre_run_cell", watch.before_cell)
    _loaded[id(shell)] = watch


def unload(shell: Any) -> None:
    """Take all of it away; clients of a gateway that magics opened are closed."""
    watch = _loaded.pop(id(shell), None)
    if watch is None:
        return
    shell.events.unregister("pre_run_cell", watch.before_cell)
    show_in_full()
    forget_displays(shell)
    manager = shell.magics_manager
    for kind, names in (*MAGICS.items(), *RUN_MAGICS.items()):
        for name in names:
            manager.magics[kind].pop(name, None)
    for cls in (Magics, RunMagics):
        held = manager.registry.pop(cls.__name__, None)
        if held is not None:
            held.close()
