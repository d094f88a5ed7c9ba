"""Who else trades at the simulated venue: a seeded crowd, or a recording with our orders laid over it."""
