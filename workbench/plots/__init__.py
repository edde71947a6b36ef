"""Figures: datasets and tables in, named Bokeh figures out. Nothing here reads a file or computes a result."""

from workbench.plots.channel import channel_figure, commands_figure, update_channel_figure, update_commands_figure
from workbench.plots.decimate import decimate
from workbench.plots.errors import errors_figure, update_errors_figure
from workbench.plots.fleet import fleet_figure
from workbench.plots.theme import DARK, LIGHT, SEVERITIES, THEMES, Tokens

__all__ = [
    "DARK",
    "LIGHT",
    "SEVERITIES",
    "THEMES",
    "Tokens",
    "channel_figure",
    "commands_figure",
    "decimate",
    "errors_figure",
    "fleet_figure",
    "update_channel_figure",
    "update_commands_figure",
    "update_errors_figure",
]
