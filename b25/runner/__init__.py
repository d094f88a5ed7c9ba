"""What runs a session: the clock, the loop, the signals, and whoever watches them."""
