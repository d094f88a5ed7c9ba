"""What holds now, in memory: fed by the bus, the store and the run folder, read by routes and pushed to sockets."""
