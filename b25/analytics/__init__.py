"""What a result means: metrics from one equity curve, trades and fills, honest statistics, pictures and the tear sheet."""
