"""One value for every limit, none of which stands in the way of a small order of ETH."""

import b25

ALL = b25.Limits(
    position_max=2.0, order_value_max=4_000.0, collar=0.05, open_orders_max=20, orders_per_s_max=5, orders_burst_max=20,
    order_qty_max=1.0, adv_share_max=0.01, adv=90_000.0, spread_max=0.01, divergence_max=0.02, slippage_max=0.005,
    through_max=0.01, data_age_max_s=5.0, clock_skew_max_s=2.0, no_self_cross=True, duplicates_max=3, gross_max=9_000.0,
    net_max=8_000.0,
    concentration_max=0.8, leverage_max=3.0, daily_loss_max=300.0, drawdown_max=0.1, executions_max=50, turnover_max=50_000.0,
    reject_ratio_max=0.9, orders_per_fill_max=200.0, messages_per_s_max=10, messages_burst_max=40,
)  # fmt: skip
# The limits that the gate has always had; it needs to watch nothing for them.
FIRST = {"position_lots_max", "order_value_max", "collar_e6", "open_orders_max", "orders_per_s_max"}
