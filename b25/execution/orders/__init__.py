"""The life of our orders at a venue: identities, states, proof, fills. Pure: no clock, no I/O, no randomness."""
