"""What changed between two values, as paths: put these, remove those, and the old value is the new one.

A path is names with a dot between; in a name ``~`` is written ``~0`` and a dot ``~1``. A list that changed is told whole.
"""

from __future__ import annotations

from typing import Any


def escaped(name: str) -> str:
    """Return a name as it stands in a path."""
    return name.replace("~", "~0").replace(".", "~1") if "." in name or "~" in name else name


def is_same(old: Any, new: Any) -> bool:
    """Whether two plain values are equal on the wire: 1, 1.0 and true are not."""
    if old is new:
        return True
    if type(old) is not type(new):
        return False
    if isinstance(old, dict):
        return old.keys() == new.keys() and all(is_same(value, new[name]) for name, value in old.items())
    if isinstance(old, list):
        return len(old) == len(new) and all(is_same(a, b) for a, b in zip(old, new, strict=True))
    return bool(old == new)


def differences(old: Any, new: Any, path: str, changes: dict[str, Any], removed: list[str]) -> None:
    """Add what leads from one plain value to the other.

    Parameters
    ----------
    old, new : None, bool, int, float, str, list or dict
        Plain values; nothing in them is changed.
    path : str
        Where they stand.
    changes : dict
        Is given the new values by path.
    removed : list of str
        Is given the paths that are there no more.
    """
    if old is new:
        return
    if not isinstance(old, dict) or not isinstance(new, dict):
        if not is_same(old, new):
            changes[path] = new
        return
    for name, value in new.items():
        below = f"{path}.{escaped(name)}"
        if name in old:
            differences(old[name], value, below, changes, removed)
        else:
            changes[below] = value
    removed.extend(f"{path}.{escaped(name)}" for name in old if name not in new)
