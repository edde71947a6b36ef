"""Say how a damaged channel is imported again, from what its description still says."""

import shlex
from collections.abc import Mapping
from typing import Any

__all__ = ["import_again"]

_DEMO = "demo fleet"  # as the source of its channels begins


def import_again(attributes: Mapping[str, Any]) -> str:
    """Return the sentence that says how a channel is imported again.

    Parameters
    ----------
    attributes : mapping of str to Any
        Attributes of the channel, as far as they can still be read.

    Returns
    -------
    str
        With the command, in which PATH stands for all files of the channel. A channel whose training span can be read
        keeps it; where it cannot, the command names one.

    Examples
    --------
    >>> import_again({"asset": "pump", "command_names": ["mode=on", "mode=off"], "training_span": {}})
    'Import it again: workbench import PATH --asset pump --inputs mode --replace (PATH: all its files)'
    >>> import_again({})
    'Import it again: workbench import PATH --asset ASSET --train-until TIME --replace (PATH: all its files)'
    """
    if str(attributes.get("source", "")).startswith(_DEMO):
        return "Generate it again: workbench run"
    words = ["workbench", "import", "PATH"]
    if "training_span" in attributes or "n_train" not in attributes:
        words += ["--asset", str(attributes.get("asset", "ASSET"))]
        names = attributes.get("command_names", [])
        inputs = dict.fromkeys(str(name).partition("=")[0] for name in names) if isinstance(names, list) else {}
        words += ["--inputs", ",".join(inputs)] if inputs else []
        words += [] if "training_span" in attributes else ["--train-until", "TIME"]
    return f"Import it again: {shlex.join([*words, '--replace'])} (PATH: all its files)"
