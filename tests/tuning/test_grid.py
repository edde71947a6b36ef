"""The points of a grid: the present preset first, its neighbours, and others drawn from a seed."""

import pytest

from workbench.exceptions import SettingsError
from workbench.parameters import Preset
from workbench.tuning.grid import GRID, changes, grid_points, read_grid

PRESENT = Preset(smoothing_fraction=0.07, error_buffer=100)


def test_a_small_grid_is_tried_whole_and_the_present_preset_is_the_first():
    points = grid_points(PRESENT, {"z_min": (2.0, 2.5), "error_buffer": (50, 100, 150)})
    assert points[0] == PRESENT
    assert sorted((point.z_min, point.error_buffer) for point in points) == [
        (z_min, buffer) for z_min in (2.0, 2.5) for buffer in (50, 100, 150)
    ]


def test_a_large_grid_begins_with_the_neighbours_and_is_drawn_by_the_seed():
    points = grid_points(PRESENT, points=50, seed=3)
    assert len(points) == 50 == len({point.model_dump_json() for point in points})
    differing = [len(changes(point, PRESENT)) for point in points]
    neighbours = sum(number == 1 for number in differing)
    assert differing[: 1 + neighbours] == [0] + [1] * neighbours
    present_values = [
        value
        for name, some in GRID.items()
        if name in Preset.model_fields
        for value in some
        if value != getattr(PRESENT, name) and name != "envelope_width"
    ]
    assert neighbours >= len(present_values)
    assert points == grid_points(PRESENT, points=50, seed=3)
    assert points != grid_points(PRESENT, points=50, seed=4)


def test_parameters_that_presets_do_not_have_and_values_that_they_cannot_are_passed_over():
    points = grid_points(PRESENT, {"no_such_parameter": (1, 2), "z_min": (2.5, 12.0, 3.0)})
    assert [point.z_min for point in points] == [2.5, 3.0]  # z_max is 12


def test_an_envelope_that_is_off_has_no_width():
    points = grid_points(PRESENT, {"envelope": ("none", "fixed"), "envelope_width": (1.0, 2.0)})
    values = sorted((point.envelope, point.envelope_width) for point in points)
    assert values == [("fixed", 1.0), ("fixed", 2.0), ("none", 1.0)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("z_min", "does not name values of a threshold. Write NAME=VALUE,VALUE, with NAME one of: batch_size"),
        ("forecasters=ridge", "does not name values of a threshold"),
        ("sequence_length=10,20", "does not name values of a threshold"),
        ("z_min=2,banana", "Cannot try z_min with 'banana': "),
        ("error_buffer=50,,100", "Cannot try error_buffer with ''"),
        ("min_decrease=1.5", "Cannot try min_decrease with '1.5'"),
    ],
)
def test_a_grid_that_cannot_be_read_is_named(text, words):
    with pytest.raises(SettingsError, match="(?s).*".join(words.split(" ... "))):
        read_grid([text])


def test_a_parameter_that_is_named_twice_is_refused():
    with pytest.raises(
        SettingsError, match=r"z_min is named twice\. Name it once, with all values: z_min=VALUE,VALUE\."
    ):
        read_grid(["z_min=2", "z_min=3"])


def test_a_grid_is_read_with_the_types_of_a_preset():
    grid = read_grid(["error_buffer=50, 100", "lag_correction=true,false", "least_error_of=range", "z_max=2,3"])
    assert grid == {
        "error_buffer": (50, 100),
        "lag_correction": (True, False),
        "least_error_of": ("range",),
        "z_max": (2.0, 3.0),
    }
