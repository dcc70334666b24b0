"""The command line: every command of `tieline`, its output for people and as JSON, and its exit code."""

from sync.cli.app import main

__all__ = ["main"]
