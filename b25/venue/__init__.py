"""Where orders go: the models of a venue's fees, latency and queues, and the simulated venue."""
