"""The tear sheet's look inside a notebook: the same rules, bound to one class, for light and dark screens and for paper."""

from __future__ import annotations

from typing import Final

from b25.analytics.palette import DARK, LIGHT
from b25.analytics.sheet_style import SHEET_CSS, variables

CLASS: Final = "b25-report"
SCOPE: Final = f".{CLASS}"
# What the sheet says of its own page; a notebook's page is somebody else's.
OF_THE_PAGE: Final = ("body", "main", ":root", "@page", "h1")
OWN: Final = """
.b25-report{color:var(--ink);font:14px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;margin:0 0 14px}
.b25-report .cards{margin-top:10px}
.b25-report td,.b25-report th{text-align:left;padding:4px 10px 4px 0;border-bottom:1px solid var(--grid);background:none}
.b25-report tr{background:none!important}
.b25-report .right,.b25-report .metrics td:last-child{text-align:right}
.b25-report table{margin:4px 0}
.b25-report .first{display:flex;flex-wrap:wrap;gap:4px 10px;align-items:baseline;margin:0 0 6px;color:var(--muted)}
.b25-report .mode{font-weight:700;letter-spacing:.04em;text-transform:uppercase;font-size:12px;border:1px solid currentColor;
border-radius:999px;padding:1px 10px;color:var(--muted)}
.b25-report .mode.live{color:var(--drawdown)}.b25-report .mode.paper{color:var(--equity)}
.b25-report .who{color:var(--ink);font-weight:600}
.b25-report .nothing{background:var(--panel);border:1px solid var(--grid);border-radius:8px;padding:14px 16px;
margin:10px 0;font-size:15px}
.b25-report .ok{color:var(--equity);font-weight:600}.b25-report .bad{color:var(--drawdown);font-weight:600}
.b25-report .total td{font-weight:600;border-top:2px solid var(--grid)}
.b25-report .chart .track{fill:var(--grid)}.b25-report .chart .near{fill:var(--accent)}
.b25-report .chart.half{max-width:520px}
@media print{.b25-report table{font-size:9px}.b25-report td,.b25-report th{padding:2px 6px 2px 0;font-size:9px}
.b25-report .scroll{overflow:visible}.b25-report .chart.half{max-width:360px}.b25-report .right{white-space:nowrap}}
@media screen{.b25-report .scroll>table:not([class]) td{white-space:nowrap}.b25-report td .why{white-space:normal;min-width:14em}}
"""


def report_css() -> str:
    """Style sheet of all sections; it touches nothing outside of them."""
    dark = f"{SCOPE}{{{variables(DARK)}}}"
    light = f"{SCOPE}{{color-scheme:light dark;{variables(LIGHT)}}}"
    # JupyterLab has a theme of its own, whatever the machine prefers.
    themed = (
        f'[data-jp-theme-light="false"] {SCOPE}{{{variables(DARK)}}}[data-jp-theme-light="true"] {SCOPE}{{{variables(LIGHT)}}}'
    )
    paper = f"@media print{{{SCOPE}{{color-scheme:light;font-size:11px;{variables(LIGHT)}}}}}"
    return f"{light}@media (prefers-color-scheme:dark){{{dark}}}{themed}{scoped(SHEET_CSS)}{OWN}{paper}"


def scoped(css: str, scope: str = SCOPE) -> str:
    """Rules that hold inside one class only; those of the page itself are left out.

    Parameters
    ----------
    css : str
        Plain rules, and media queries one level deep.
    scope : str
        Selector.
    """
    made, rest = [], css
    while rest.strip():
        head, _, rest = rest.partition("{")
        head = head.strip()
        if head.startswith("@media"):
            body, rest = _block(rest)
            if inner := scoped(body, scope):
                made.append(f"{head}{{{inner}}}")
            continue
        body, _, rest = rest.partition("}")
        names = [name.strip() for name in head.split(",") if name.strip() not in OF_THE_PAGE]
        if names and not head.startswith("@"):
            made.append(f"{','.join(f'{scope} {name}' for name in names)}{{{body}}}")
    return "".join(made)


def _block(text: str) -> tuple[str, str]:
    """What stands up to the brace that closes the one before, and the rest."""
    depth = 1
    for place, letter in enumerate(text):
        depth += (letter == "{") - (letter == "}")
        if not depth:
            return text[:place], text[place + 1 :]
    return text, ""
