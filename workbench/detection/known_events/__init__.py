"""Known events: shapes of telemetry that a person has named, recognised when they come again."""

from workbench.detection.known_events.bounds import learnt_bound, normal_distance
from workbench.detection.known_events.commands import CommandUse, command_uses, same_commands
from workbench.detection.known_events.matching import Comparison, begins_like, compare
from workbench.detection.known_events.profile import Profile, shape_profile
from workbench.detection.known_events.shapes import Shape, take_shape

__all__ = [
    "CommandUse",
    "Comparison",
    "Profile",
    "Shape",
    "begins_like",
    "command_uses",
    "compare",
    "learnt_bound",
    "normal_distance",
    "same_commands",
    "shape_profile",
    "take_shape",
]
