"""The exchange behind the wire venue: symbols, accounts, orders, margin and funding. No clock, no I/O, no dice."""
