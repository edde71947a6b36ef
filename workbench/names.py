"""Names of channels and assets as people write them, and what files, registries and shells ask of them.

A name is kept as it is, in any script. Whatever cannot hold every name gets a name derived from it here: a file
(`path_name`), a key of a registry or tree (`key_name`), a command line (`command_line`). Names of plain ASCII letters,
digits, dots, underscores and hyphens derive to themselves.
"""

import hashlib
import re
import shlex
import unicodedata

__all__ = [
    "LONGEST_NAME",
    "clean_name",
    "command_line",
    "cut_in_the_middle",
    "is_name",
    "key_name",
    "name_hint",
    "path_name",
]

LONGEST_NAME = 200
"""Characters of the longest name."""

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_RESERVED = re.compile(r"[%/:]|^\.")
_JOINERS = "\u200c\u200d"  # parts of words in Persian, in scripts of India and in emoji
_NO_LETTERS = ("Cc", "Cf", "Cn", "Cs")
_LONGEST_KEY = 230  # MLflow's column holds 256 characters, and the name of the forecaster follows
_READABLE_LETTERS = 48


def clean_name(text: str) -> str:
    r"""Return a text as a name: normalised, without what cannot be seen, and with single spaces.

    Parameters
    ----------
    text : str
        Text as a file or a person has it.

    Returns
    -------
    str
        In NFC. White space becomes one space, none at the ends; control, direction and unassigned characters are
        removed. Empty where nothing is left.

    Examples
    --------
    >>> clean_name(" 轴承温度 "), clean_name("Temp\n(2)"), clean_name("\u202eload\x07")
    ('轴承温度', 'Temp (2)', 'load')
    """
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    spaced = " ".join(unicodedata.normalize("NFC", text).split())
    seen = (one for one in spaced if one in _JOINERS or unicodedata.category(one) not in _NO_LETTERS)
    return " ".join("".join(seen).split())


def cut_in_the_middle(name: str, letters: int) -> str:
    """Return a name with at most so many letters, cut in the middle: its beginning and its end tell it from others.

    Examples
    --------
    >>> cut_in_the_middle("Hydraulics.Bearing 7 temperature", 14), cut_in_the_middle("Flow", 14)
    ('Hydraul…rature', 'Flow')
    """
    if len(name) <= letters:
        return name
    end = max(1, (letters - 1) // 2)
    return f"{name[: max(1, letters - 1 - end)]}…{name[-end:]}"


def is_name(text: str) -> bool:
    """Tell whether a text can name a channel as it is.

    Examples
    --------
    >>> is_name("ΔP/Δt"), is_name(""), is_name("a  b")
    (True, False, False)
    """
    return 0 < len(text) <= LONGEST_NAME and text == clean_name(text) and bool(text.strip(_JOINERS))


def name_hint(text: str) -> str:
    """Say what to do with a text that is no name.

    Examples
    --------
    >>> name_hint("a  b")
    "Call it 'a b'."
    """
    better = clean_name(text)
    if text != better and is_name(better):
        return f"Call it {better!r}."
    return f"A name has 1 to {LONGEST_NAME} characters that can be seen."


def path_name(name: str) -> str:
    """Return the name of a file or folder for a name: the same for the same name, another for every other.

    Parameters
    ----------
    name : str
        Name of a channel or an asset.

    Returns
    -------
    str
        The name itself where it is of at most 64 plain letters, digits, dots, underscores and hyphens; else its plain
        letters, `~` and a hash of the name, which also tells apart what differs only in case.

    Examples
    --------
    >>> path_name("P-1"), path_name("../etc"), path_name("轴承温度")
    ('P-1', 'etc~f7f9121fdb53d8de', 'name~855cc91fe30020ff')
    """
    if _PLAIN.fullmatch(name) and not name.endswith(".") and not _DEVICES.fullmatch(name):
        return name
    letters = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode()
    readable = re.sub(r"[^A-Za-z0-9._-]+", "-", letters).strip("._-")[:_READABLE_LETTERS].rstrip("._-")
    return f"{readable or 'name'}~{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def key_name(name: str) -> str:
    """Return the key for a name where `/`, `:` and a dot at the beginning have a meaning, as in MLflow's registry.

    Parameters
    ----------
    name : str
        Name of a channel.

    Returns
    -------
    str
        The name with those characters and `%` in percent encoding; `path_name` of it where that is too long.

    Examples
    --------
    >>> key_name("P-1"), key_name("P1:TEMP"), key_name("../etc"), key_name("50% load")
    ('P-1', 'P1%3ATEMP', '%2E.%2Fetc', '50%25 load')
    """
    key = _RESERVED.sub(lambda match: f"%{ord(match[0]):02X}", name)
    return key if len(key) <= _LONGEST_KEY else path_name(name)


def command_line(command: str, *names: str, options: str = "") -> str:
    """Return a command on names as a shell takes it.

    Parameters
    ----------
    command : str
        As `workbench train`.
    *names : str
        Names that it is about.
    options : str
        Options, as `--force`.

    Examples
    --------
    >>> command_line("workbench score", "P-1", "a b", options="--force")
    "workbench score P-1 'a b' --force"
    >>> command_line("workbench score", "-x", options="--force")
    'workbench score --force -- -x'
    """
    words = [shlex.join(names), options]
    if any(name.startswith("-") for name in names):  # not to be read as options
        words = [options, f"-- {words[0]}"]
    return " ".join(filter(None, [command, *words]))
