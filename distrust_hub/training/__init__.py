"""The MLX training loop, its losses and checkpoints."""
