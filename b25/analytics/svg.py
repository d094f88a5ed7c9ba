"""A small writer of SVG: escaped elements and compact paths, nothing that needs a script or a font from elsewhere."""

from collections.abc import Iterable
from html import escape

import numpy as np

from b25.analytics.metric import FloatArray


def tag(name: str, *children: str, **attributes: object) -> str:
    """Element with attributes; `children` are markup already, use `escape` for text. ``class_`` writes ``class``."""
    words = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_plain(value), quote=True)}"'
        for key, value in attributes.items()
        if value is not None
    )
    inner = "".join(children)
    return f"<{name}{words}>{inner}</{name}>" if inner else f"<{name}{words}/>"


def words(x: float, y: float, what: str, **attributes: object) -> str:
    """Text element; `what` is escaped."""
    return tag("text", escape(what), x=x, y=y, **attributes)


def _plain(value: object) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)


def _tenths(values: FloatArray) -> list[str]:
    return [text.removesuffix(".0") for text in np.char.mod("%.1f", values).tolist()]


def line_path(x: FloatArray, y: FloatArray) -> str:
    """Path data of a line through points, with a tenth of a unit's precision."""
    return "M" + "L".join(f"{a} {b}" for a, b in zip(_tenths(x), _tenths(y), strict=True)) if x.size else ""


def step_path(x: FloatArray, y: FloatArray) -> str:
    """Path data of a line that holds each value until the next one."""
    if not x.size:
        return ""
    across, down = _tenths(x), _tenths(y)
    parts = [f"M{across[0]} {down[0]}"]
    for i in range(1, len(across)):
        parts.append(f"H{across[i]}" if down[i] == down[i - 1] else f"H{across[i]}V{down[i]}")
    return "".join(parts)


def area_path(outline: str, first_x: float, last_x: float, base_y: float) -> str:
    """Close an outline down to a base line."""
    return f"{outline}L{last_x:.1f} {base_y:.1f}L{first_x:.1f} {base_y:.1f}Z" if outline else ""


def drawing(width: float, height: float, children: Iterable[str], *, label: str, **attributes: object) -> str:
    """SVG element that scales with its container; `label` is what a screen reader says."""
    return tag(
        "svg", tag("title", escape(label)), *children, viewBox=f"0 0 {_plain(width)} {_plain(height)}", role="img", **attributes
    )
