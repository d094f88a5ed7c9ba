"""Our own executions."""

import numpy as np

FILL = np.dtype(
    [
        ("venue_ns", "i8"),
        ("local_ns", "i8"),  # when the strategy learned of it
        ("order_id", "i8"),
        ("price_ticks", "i8"),
        ("qty_lots", "i8"),
        ("fee_e8", "i8"),  # in 1e-8 of the instrument's money unit, exact; negative is a rebate
        ("position_lots", "i8"),  # after the fill
        ("mid2_ticks", "i8"),  # best bid + best ask in ticks when we learned of it; 0 when a side was empty
        ("instrument", "u2"),
        ("side", "i1"),
        ("maker", "u1"),
        ("pad", "u1", (4,)),
    ],
    align=True,
)
assert FILL.itemsize == 72
