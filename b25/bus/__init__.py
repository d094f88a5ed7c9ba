"""Messages between processes over NATS; no order and no decision waits for it."""
