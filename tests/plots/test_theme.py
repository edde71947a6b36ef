from itertools import combinations

import numpy as np
import pytest

from workbench.parameters import LEVELS
from workbench.plots.theme import NORMAL, SEVERITIES, THEMES, severity

VISION = {
    "full": np.eye(3),
    # Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
themes = pytest.mark.parametrize("tokens", THEMES.values(), ids=list(THEMES))


def linear(colour):
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    """WCAG 2 contrast ratio."""
    lights = sorted(linear(colour) @ [0.2126, 0.7152, 0.0722] for colour in (one, other))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def lab(rgb):
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ np.clip(rgb, 0, 1)
    root = [np.cbrt(v) if v > 0.008856 else 7.787 * v + 16 / 116 for v in xyz / [0.9505, 1, 1.089]]
    return np.array([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])


def test_contrast_of_black_and_white_is_21():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@themes
def test_text_has_wcag_aa_contrast_on_every_background(tokens):
    for background in (tokens.page, tokens.surface, tokens.raised):
        assert contrast(tokens.text, background) >= 4.5
        assert contrast(tokens.muted, background) >= 4.5
    for background in (tokens.page, tokens.surface):
        assert contrast(tokens.accent, background) >= 4.5


@themes
def test_marks_have_three_to_one(tokens):
    for colour in (tokens.telemetry, tokens.accent, *tokens.levels.values()):
        for background in (tokens.page, tokens.surface, tokens.raised):
            assert contrast(colour, background) >= 3, (colour, background)


@themes
@pytest.mark.parametrize("vision", VISION)
def test_levels_and_accent_stay_apart_for_every_kind_of_vision(tokens, vision):
    colours = {**tokens.levels, "accent": tokens.accent}
    for one, other in combinations(colours, 2):
        seen = [lab(np.array(VISION[vision]) @ linear(colours[name])) for name in (one, other)]
        assert np.linalg.norm(seen[0] - seen[1]) >= 14, (one, other)


def test_every_level_of_the_settings_has_a_look_of_its_own():
    assert tuple(reversed(SEVERITIES)) == LEVELS
    shown = list(SEVERITIES.values())
    assert len({item.symbol for item in shown}) == len({(item.marker, item.filled) for item in shown}) == len(shown)
    assert severity("") is NORMAL
    for tokens in THEMES.values():
        assert set(tokens.levels) == set(LEVELS)
