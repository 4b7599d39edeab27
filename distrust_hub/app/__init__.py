"""The browser app: handlers, layout and plots."""
