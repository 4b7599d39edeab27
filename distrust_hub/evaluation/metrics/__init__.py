"""Metrics as local modules of the ``evaluate`` library, loadable by path."""
