"""The acting edge of orders: what the order manager asks for is done here, in its order, durable before it is sent or told."""
