"""Adapter formats on disk: mlx-lm and PEFT."""
