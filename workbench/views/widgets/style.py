"""The stylesheet of all views, from the same tokens as the charts."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from workbench.plots.theme import FONT, LIGHT, SEVERITIES, Tokens

__all__ = ["DENSITIES", "stylesheet"]

DENSITIES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "compact": MappingProxyType({"row": "26px", "control": "28px", "gap": "8px", "text": "13px", "small": "12px"}),
        "roomy": MappingProxyType({"row": "34px", "control": "36px", "gap": "12px", "text": "15px", "small": "13px"}),
    }
)
"""Sizes by density: a table's row, a control, the space between, text, and lesser text."""


_WHITE = "#ffffff"
_WIDE = "2200px"
_LARGER = 1.2  # what a page of that width has room for
_TURN = "invert(1) hue-rotate(180deg) brightness(1.15)"  # a picture for a dark page becomes one for a light page


def stylesheet(tokens: Tokens, density: str = "compact", scope: str = ":root") -> str:
    """Return the tokens as CSS variables, the rules of `workbench.css`, and those of each view's own file.

    Parameters
    ----------
    tokens : Tokens
        Colours of the theme.
    density : str
        One of `DENSITIES`.
    scope : str
        Selector of the elements that have the variables; the whole page where omitted.

    Returns
    -------
    str
        CSS that touches nothing outside `.wb` but the page's background in Voila.
    """
    sizes = "".join(f"--wb-size-{name}:{size};" for name, size in DENSITIES[density].items())
    wide = "".join(f"--wb-size-{name}:{_larger(size)};" for name, size in DENSITIES[density].items())
    screen = f"{scope}{{{_colours(tokens)}{sizes}--wb-larger:1;--wb-font:{FONT};}}"
    paper = f"@media print{{{scope}{{{_colours(replace(LIGHT, page=_WHITE, surface=_WHITE))}}}}}"
    turned = f"@media print{{.wb .wb-drawn>*{{filter:{_TURN};}}}}" if tokens.name == "dark" else ""
    large = f"@media screen and (min-width:{_WIDE}){{{scope}{{{wide}--wb-larger:{_LARGER};}}}}"
    return f"{screen}\n{_rules()}\n{large}{paper}{turned}"


def _larger(size: str) -> str:
    return f"{round(int(size.removesuffix('px')) * _LARGER)}px"


def _colours(tokens: Tokens) -> str:
    names = ("page", "surface", "raised", "text", "muted", "border", "accent")
    values = {name: getattr(tokens, name) for name in names} | {level: tokens.level(level) for level in SEVERITIES}
    return "".join(f"--wb-{name}:{value};" for name, value in values.items()) + f"color-scheme:{tokens.name};"


@cache
def _rules() -> str:
    folders = (folder for folder in files("workbench.views").iterdir() if folder.is_dir())
    sheets = [sheet for folder in folders for sheet in folder.iterdir() if sheet.name.endswith(".css")]
    sheets.sort(key=lambda sheet: (sheet.name != "workbench.css", sheet.name))
    return "\n".join(sheet.read_text(encoding="utf-8") for sheet in sheets)
