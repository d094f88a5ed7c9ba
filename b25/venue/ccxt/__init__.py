"""The venue port on any exchange that ccxt knows."""
