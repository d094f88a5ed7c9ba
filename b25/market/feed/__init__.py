"""Live market data: sockets, true books, a watchdog over both, and rows that a replay would give as well."""
