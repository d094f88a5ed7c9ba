"""One account at one venue: positions per strategy, netted, its cash, fees, funding and margin. Pure: no clock, no I/O."""
