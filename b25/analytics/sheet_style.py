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
.chart .accent.line{stroke:var(--accent)}.chart .dashed{stroke-dasharray:5 3}.chart .edge{stroke:var(--ink);stroke-dasharray:4 3}
.chart .fan{fill:var(--equity);fill-opacity:.16}.chart .span.fall{fill:var(--drawdown);fill-opacity:.1}
.chart .span.test{fill:var(--muted);fill-opacity:.12}.chart .column{fill-opacity:.55;stroke:var(--paper);stroke-width:.7}
.chart .wick{fill:none;stroke:var(--mid);stroke-width:.9}.chart .candle{stroke:var(--mid);stroke-width:.8}
.chart .rising{fill:var(--paper)}.chart .falling{fill:var(--mid)}.chart .entry{fill:var(--muted)}
.chart .tie{fill:none;stroke-width:1.1;stroke-opacity:.65}.chart .tie.gain{stroke:var(--equity)}
.chart .tie.loss,.chart .cross.loss{stroke:var(--drawdown)}.chart .cross{fill:none;stroke-width:1.6}
.chart .cross.none{stroke:var(--ink);stroke-width:.8}.chart .cell.none{fill:var(--mid);fill-opacity:.4}
.chart .train{fill:var(--mid)}.chart .window.train{fill-opacity:.55}
.chart .best{fill:none;stroke:var(--ink);stroke-width:2.2}
.chart .around{fill:none;stroke:var(--ink);stroke-dasharray:4 3}
.chart text.figure{font-size:10.5px}.chart text.strong{fill:var(--paper)}
.chart .key.equity{fill:var(--equity)}.chart .key.accent{fill:var(--accent)}.chart .key.drawdown{fill:var(--drawdown)}
.chart .halo{paint-order:stroke;stroke:var(--paper);stroke-width:3px}
.chart .key.mid{fill:var(--mid)}.narrow{display:none}
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
.calendar{font-size:12px;margin:4px 0 18px;border-collapse:separate;border-spacing:2px;min-width:640px}
.calendar.days{width:auto;min-width:0;font-size:10px;border-spacing:1px}.calendar.days td{padding:5px 1px;min-width:25px}
.calendar.days th{padding:5px 2px;font-size:10px}
.calendar caption{text-align:left;white-space:nowrap;color:var(--ink);font-weight:600;font-size:12.5px;padding-bottom:4px}
.calendar caption span{color:var(--muted);font-weight:400;margin-left:12px}
.calendar th,.calendar td{border:0;padding:5px 4px;text-align:center;white-space:nowrap}
.calendar .gain{background:color-mix(in srgb,var(--equity) var(--s),var(--paper))}
.calendar .loss{background:color-mix(in srgb,var(--drawdown) var(--s),var(--paper))}
.calendar td:last-child{font-weight:600}.calendar.days td:last-child{padding:5px 7px}
.legend{display:flex;flex-wrap:wrap;gap:2px 18px;color:var(--muted);font-size:12px;margin:0 0 0 74px}
.legend i{font-style:normal}.legend .b{color:var(--buy)}.legend .s{color:var(--sell)}.legend .m{color:var(--mid)}
.legend .g{color:var(--equity)}.legend .l{color:var(--drawdown)}
footer{margin-top:40px;color:var(--muted);font-size:12px}
@media screen and (max-width:640px){main{padding:22px 14px 48px}.wide{display:none}.narrow{display:block}
.cards{grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:8px}.card .figure{font-size:16px;white-space:normal}
.legend{margin-left:0}h1{font-size:22px}.pairs td:first-child{white-space:normal}}
@page{margin:14mm}
@media print{.calendar.days{font-size:6.5px}.calendar.days td{min-width:0}.calendar{min-width:0}
main{padding:0;max-width:none}h2{break-after:avoid}.card,.chart,tr{break-inside:avoid}body{font-size:11px}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
"""
)
