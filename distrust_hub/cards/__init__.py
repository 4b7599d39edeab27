"""Artifacts to README.md: offline and deterministic."""
