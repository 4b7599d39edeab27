"""One MLX thread that loads, swaps adapters and streams."""
