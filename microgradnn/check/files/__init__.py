"""Checking files: the command line, the child process, discovery, arguments, the pytest plugin."""
