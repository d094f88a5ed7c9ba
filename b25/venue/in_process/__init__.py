"""The venue port straight onto the exchange, without a wire: for volume, and for what a wire cannot show."""
