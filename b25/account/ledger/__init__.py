"""The books of one account: entries, positions with attribution, statement, drift and alerts."""
