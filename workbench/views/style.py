"""The stylesheet of all views, from the same tokens as the charts."""

from importlib.resources import files

from workbench.plots.theme import FONT, SEVERITIES, Tokens

__all__ = ["stylesheet"]


def stylesheet(tokens: Tokens) -> str:
    """Give the rules of `workbench.css` after the tokens as CSS variables.

    Parameters
    ----------
    tokens : Tokens
        Colours.

    Returns
    -------
    str
        CSS that touches nothing outside `.wb` but the page's background in Voila.
    """
    names = ("page", "surface", "raised", "text", "muted", "border", "accent")
    values = {name: getattr(tokens, name) for name in names}
    values |= {level: tokens.level(level) for level in SEVERITIES}
    variables = "".join(f"--wb-{name}:{value};" for name, value in values.items())
    rules = files("workbench.views").joinpath("workbench.css").read_text(encoding="utf-8")
    return f":root{{{variables}--wb-font:{FONT};color-scheme:{tokens.name};}}\n{rules}"
