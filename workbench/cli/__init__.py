"""The command line: `workbench COMMAND`, one module for each group of commands."""

from workbench.cli.app import app, main

__all__ = ["app", "main"]
