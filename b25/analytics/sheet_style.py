"""The look of the tear sheet: one style sheet, written from the palette, for light and dark screens and for paper."""

from typing import Final

from b25.analytics.palette import DARK, LIGHT, Palette

NAMES: Final = ("paper", "panel", "ink", "muted", "grid", "equity", "drawdown", "position", "mid", "buy", "sell", "accent")


def variables(palette: Palette) -> str:
    """CSS custom properties of a palette."""
    return "".join(f"--{name}:{getattr(palette, name)};" for name in NAMES)


CHART_CSS: Final = """
.chart{display:block;width:100%;height:auto;font:11px system-ui,sans-serif;font-variant-numeric:tabular-nums}
.chart text{fill:var(--muted)}.chart .chart-title{fill:var(--ink);font-weight:600;font-size:12.5px}
.chart .figure{fill:var(--ink)}.chart .none{font-style:italic}
.chart .grid{stroke:var(--grid);stroke-width:1}.chart .zero{stroke:var(--muted);stroke-width:1}.chart .axis{stroke:var(--muted)}
.chart .line{fill:none;stroke-width:1.4;stroke-linejoin:round}.chart .area{stroke:none;fill-opacity:.14}
.chart .equity.line{stroke:var(--equity)}.chart .equity.area{fill:var(--equity)}
.chart .drawdown.line{stroke:var(--drawdown)}.chart .drawdown.area{fill:var(--drawdown);fill-opacity:.2}
.chart .position.line{stroke:var(--position)}.chart .position.area{fill:var(--position)}
.chart .mid.line{stroke:var(--mid);stroke-width:1.1}
.chart .mark{stroke:var(--paper);stroke-width:.7}.chart .buy{fill:var(--buy)}.chart .sell{fill:var(--sell)}
.chart .gain{fill:var(--equity)}.chart .loss{fill:var(--drawdown)}
"""

SHEET_CSS: Final = (
    f":root{{color-scheme:light dark;{variables(LIGHT)}}}"
    f"@media (prefers-color-scheme:dark){{:root{{{variables(DARK)}}}}}"
    f"@media print{{:root{{color-scheme:light;{variables(LIGHT)}}}}}"
    + CHART_CSS
    + """
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:14px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1040px;margin:0 auto;padding:36px 28px 64px}
h1{font-size:26px;line-height:1.2;margin:0;letter-spacing:-.01em}
h2{font-size:16px;margin:40px 0 12px;padding-bottom:6px;border-bottom:1px solid var(--grid)}
h3{font-size:13px;margin:18px 0 6px;color:var(--muted);font-weight:600}
p{margin:6px 0}.subtitle{color:var(--muted);margin:4px 0 0}
code,.hash{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:12px;overflow-wrap:anywhere}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(215px,1fr));gap:12px;margin-top:24px}
.card{background:var(--panel);border:1px solid var(--grid);border-radius:8px;padding:11px 14px 12px}
.card .name{color:var(--muted);font-size:12px}
.card .figure{font-size:19px;font-weight:600;font-variant-numeric:tabular-nums;white-space:nowrap}
.card .why,.why{color:var(--muted);font-size:11.5px;line-height:1.35}
.card.none .figure{color:var(--muted);font-weight:500}
.warning{border-left:3px solid var(--sell);background:var(--panel);padding:8px 14px;margin:10px 0;border-radius:0 6px 6px 0}
.columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr));gap:4px 36px;align-items:start}
.columns>*{min-width:0}
.chart{margin:10px 0}
table{width:100%;border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:13px}
td,th{padding:4px 10px 4px 0;border-bottom:1px solid var(--grid);text-align:left;vertical-align:top}
td:last-child,th:last-child{padding-right:0}
th{color:var(--muted);font-weight:600;font-size:12px}
.metrics td:last-child{text-align:right;white-space:nowrap}
.pairs td:first-child{white-space:nowrap;color:var(--muted)}
.right{text-align:right;white-space:nowrap}.na{color:var(--muted)}
.scroll{overflow-x:auto}
.glossary{columns:2 360px;column-gap:36px;font-size:12px;line-height:1.45}
.glossary div{break-inside:avoid;margin:0 0 8px}.glossary dt{font-weight:600}.glossary dd{margin:0;color:var(--muted)}
.legend{display:flex;gap:18px;color:var(--muted);font-size:12px;margin:0 0 0 74px}
.legend i{font-style:normal}.legend .b{color:var(--buy)}.legend .s{color:var(--sell)}.legend .m{color:var(--mid)}
footer{margin-top:40px;color:var(--muted);font-size:12px}
@page{margin:14mm}
@media print{main{padding:0;max-width:none}h2{break-after:avoid}.card,.chart,tr{break-inside:avoid}body{font-size:11px}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
"""
)
