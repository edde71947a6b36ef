"""Tokens of the look: every colour, size and symbol that charts, widgets and pages share.

After ISA-101: normal is grey, one accent marks what is selected or can be clicked, and only what is abnormal takes a
severity colour, which always comes with a symbol and a word. The severity hues are those of Okabe and Ito, shifted in
lightness until each has 3:1 against its background and any two stay apart for the three kinds of colour blindness.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from bokeh.models import Plot

__all__ = [
    "DARK",
    "FONT",
    "LIGHT",
    "NORMAL",
    "SEVERITIES",
    "THEMES",
    "Severity",
    "Tokens",
    "apply_tokens",
    "axis_style",
    "severity",
]

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Helvetica Neue', Arial, sans-serif"
"""Fonts that every reader has; none is fetched."""


@dataclass(frozen=True)
class Severity:
    """Colour, symbol and word of one severity level.

    Attributes
    ----------
    word : str
        The level, as in settings.
    symbol : str
        One character, for text.
    marker : str
        Bokeh marker of the same shape, for charts.
    filled : bool
        Whether the marker is filled; only `info` is a ring.
    """

    word: str
    symbol: str
    marker: str
    filled: bool = True


SEVERITIES: Mapping[str, Severity] = MappingProxyType(
    {
        "critical": Severity("critical", "◆", "diamond"),
        "high": Severity("high", "▲", "triangle"),
        "medium": Severity("medium", "●", "circle"),
        "low": Severity("low", "▼", "inverted_triangle"),
        "info": Severity("info", "○", "circle", filled=False),
    }
)
"""Levels from worst to least."""

NORMAL = Severity("normal", "·", "dot")
"""A scored channel without anomalies."""


def severity(level: str) -> Severity:
    """Return the colour, symbol and word of a level; `NORMAL` for anything that is not a level.

    Examples
    --------
    >>> severity("high").symbol, severity("").word
    ('▲', 'normal')
    """
    return SEVERITIES.get(level, NORMAL)


@dataclass(frozen=True)
class Tokens:
    """One set of values.

    Attributes
    ----------
    name : str
        `light` or `dark`.
    page, surface, raised : str
        Backgrounds, hex: page, panels on it, hovered or headed rows.
    text, muted : str
        Text, hex; both have 4.5:1 on every background.
    border, grid : str
        Lines that only separate.
    telemetry : str
        The measured signal and other marks that are normal.
    accent : str
        What is selected or can be clicked, and the prediction.
    levels : mapping of str to str
        Severity colours by level.
    """

    name: str
    page: str
    surface: str
    raised: str
    text: str
    muted: str
    border: str
    grid: str
    telemetry: str
    accent: str
    levels: Mapping[str, str]

    def level(self, name: str) -> str:
        """Return the colour of a level, the muted text's for anything else."""
        return self.levels.get(name, self.muted)


LIGHT = Tokens(
    name="light",
    page="#f3f4f6",
    surface="#ffffff",
    raised="#eceef1",
    text="#1d2328",
    muted="#565f69",
    border="#d3d7dc",
    grid="#e9ebee",
    telemetry="#3f464d",
    accent="#0065b3",
    levels=MappingProxyType(
        {"critical": "#b32d00", "high": "#c07600", "medium": "#8d3a7c", "low": "#00936a", "info": "#79828b"}
    ),
)
"""Dark on light."""

DARK = Tokens(
    name="dark",
    page="#14171a",
    surface="#1c2024",
    raised="#272c32",
    text="#e6e9ec",
    muted="#a4adb6",
    border="#3a4149",
    grid="#292f35",
    telemetry="#c3c9cf",
    accent="#45b7ed",
    levels=MappingProxyType(
        {"critical": "#f86a16", "high": "#f9c666", "medium": "#c65aa6", "low": "#1f9b70", "info": "#a9b1b9"}
    ),
)
"""Light on dark."""

THEMES: Mapping[str, Tokens] = MappingProxyType({"light": LIGHT, "dark": DARK})
"""Tokens by name."""


def axis_style(tokens: Tokens) -> dict[str, Any]:
    """Return the colours and type of an axis.

    Parameters
    ----------
    tokens : Tokens
        Colours of the theme in use.

    Returns
    -------
    dict of str to object
        Properties of a Bokeh axis.
    """
    return {
        "axis_line_color": tokens.border,
        "major_tick_line_color": tokens.border,
        "minor_tick_line_color": None,
        "major_tick_in": 0,
        "major_tick_out": 4,
        "major_label_text_color": tokens.muted,
        "major_label_text_font": FONT,
        "major_label_text_font_size": "11px",
        "axis_label_text_color": tokens.muted,
        "axis_label_text_font": FONT,
        "axis_label_text_font_size": "11px",
        "axis_label_text_font_style": "normal",
    }


def apply_tokens(plot: Plot, tokens: Tokens) -> None:
    """Apply the colours and type of a set of tokens to a figure.

    Set on the figure itself, so that it looks the same in JupyterLab, Voila and an exported report, whatever theme
    the document has. Glyphs take their colours where they are made.

    Parameters
    ----------
    plot : bokeh.models.Plot
        Changed in place.
    tokens : Tokens
        Colours and type of the theme.
    """
    plot.background_fill_color = tokens.surface
    plot.border_fill_color = tokens.surface
    plot.outline_line_color = None
    plot.toolbar.logo = None
    plot.toolbar.autohide = True
    for grid in plot.grid:
        grid.grid_line_color = tokens.grid
    for axis in plot.axis:
        axis.update(**axis_style(tokens))
    plot.title.text_color = tokens.text
    plot.title.text_font = FONT
    plot.title.text_font_size = "12px"
    plot.title.text_font_style = "bold"
