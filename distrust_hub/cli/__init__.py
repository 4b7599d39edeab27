"""The command line: arguments to functions, no logic. One module a verb."""
