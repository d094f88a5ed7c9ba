"""Definitions of what trading cost: slippage and its parts, shortfall, fees by side of the book, and capacity."""

from typing import Final

from b25.analytics.metric import Formula

COSTS: Final[dict[str, Formula]] = {
    "profit_arrival": Formula(
        "Gross P&L at arrival", "money", "sum of side * (worth(last mid) - worth(arrival mid)) * filled quantity, no cost at all"
    ),
    "slippage": Formula(
        "Slippage", "money", "sum of side * (worth(price) - worth(arrival mid)) * quantity; arrival = mid when the order was sent"
    ),
    "slippage_bps": Formula("Slippage on volume", "bps", "slippage / value at the arrival mid * 10 000"),
    "slippage_delay": Formula(
        "of it delay", "money", "sum of side * (worth(mid just before the fill) - worth(arrival mid)) * quantity"
    ),
    "slippage_latency": Formula(
        "of the delay, under way",
        "money",
        "sum of side * (worth(mid at the first chance to trade) - worth(arrival mid)) * quantity",
    ),
    "slippage_spread": Formula(
        "of it spread",
        "money",
        "taker: sum of side * (worth(touch) - worth(mid)) * quantity; maker: the same with our price, negative is earned",
    ),
    "slippage_impact": Formula(
        "of it impact", "money", "taker: sum of side * (worth(price) - worth(touch)) * quantity: what lay beyond the touch"
    ),
    "opportunity": Formula(
        "Opportunity cost",
        "money",
        "sum of side * (worth(mid when the order ended) - worth(arrival mid)) * unfilled quantity; negative: better unfilled",
    ),
    "shortfall": Formula(
        "Implementation shortfall",
        "money",
        "paper P&L of whole orders at the arrival mid - real P&L = slippage + fees + opportunity cost",
        "Perold 1988",
    ),
    "shortfall_bps": Formula("Shortfall on what was ordered", "bps", "shortfall / ordered value at the arrival mid * 10 000"),
    "fees_maker": Formula("Fees as maker", "money", "sum of fees of maker fills; negative is a rebate"),
    "fees_taker": Formula("Fees as taker", "money", "sum of fees of taker fills"),
    "borrow": Formula("Borrow cost", "money", "sum of interest paid on what was borrowed"),
    "insurance": Formula(
        "Borne by the venue", "money", "what a liquidation lost beyond its margin, which the insurance fund bore"
    ),
    "costs": Formula("All costs", "money", "slippage + fees - funding + borrow cost - insurance"),
    "costs_share": Formula("Costs on gross P&L", "ratio", "all costs / gross P&L at arrival"),
    "unexplained": Formula("Unexplained", "money", "net profit - (gross P&L at arrival - all costs): rounding, or a fault"),
    "markout_1bar": Formula(
        "Mark-out after 1 bar", "bps", "sum of side * (price 1 bar later - price) * quantity / notional * 10 000; before fees"
    ),
    "markout_5bar": Formula(
        "Mark-out after 5 bars", "bps", "sum of side * (price 5 bars later - price) * quantity / notional * 10 000; before fees"
    ),
    "markout_15bar": Formula(
        "Mark-out after 15 bars", "bps", "sum of side * (price 15 bars later - price) * quantity / notional * 10 000; before fees"
    ),
    "participation": Formula("Participation", "ratio", "our traded quantity / the market's over the same span, value-weighted"),
    "participation_max": Formula("Largest order on a day's volume", "ratio", "max over orders of filled quantity / daily volume"),
    "impact_estimate": Formula(
        "Impact, estimated",
        "money",
        "I = sum over orders of value * sigma_day * sqrt(quantity / V_day); not in the result, comes on top",
        "square-root law, factor 1; Almgren et al. 2005, Toth et al. 2011",
    ),
    "capacity": Formula(
        "Capacity",
        "money",
        "account size E_0 * (P / I)^2 at which the impact estimate I, growing with size^1.5, eats the net profit P",
        "square-root law",
    ),
    "capacity_best": Formula(
        "Most profitable size", "money", "account size E_0 * (2 P / (3 I))^2 at which P * size - I * size^1.5 is largest"
    ),
}
