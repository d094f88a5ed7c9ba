"""The notebook's door: datasets, backtests and their results."""
