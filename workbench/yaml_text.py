"""YAML that people write: read as PyYAML reads it, but a key that is there twice is an error."""

from collections.abc import Hashable
from typing import Any

import yaml

__all__ = ["read_yaml"]

_MERGE = "tag:yaml.org,2002:merge"


def read_yaml(text: str) -> Any:
    """Read a YAML document.

    PyYAML takes the last of two equal keys and says nothing, so that what was written first is lost.

    Parameters
    ----------
    text : str
        Document to read.

    Returns
    -------
    Any
        Plain values.

    Raises
    ------
    yaml.YAMLError
        The text is not YAML, or names a key twice.

    Examples
    --------
    >>> read_yaml("a: 1")
    {'a': 1}
    """
    return yaml.load(text, Loader=_OneOfEachKey)


class _OneOfEachKey(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys: set[Hashable] = set()
        for key_node, _ in node.value:
            key = None if key_node.tag == _MERGE else self.construct_object(key_node, deep=True)
            if key is None or not isinstance(key, Hashable):
                continue
            if key in keys:
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} is there twice", key_node.start_mark)
            keys.add(key)
        return super().construct_mapping(node, deep)
