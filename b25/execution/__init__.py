"""What happens to an order between the gate and the venue: its life, its proof, its parents. No clock, no I/O, no dice."""
