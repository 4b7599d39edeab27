"""Rows to a documented training folder."""
