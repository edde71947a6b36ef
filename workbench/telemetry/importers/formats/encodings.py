"""Finds the text encoding of a file: UTF-8 where all of it is, else the one in which its letters make sense.

Windows writes text in the code page of the country, and says nowhere which. Nearly every file is valid in several of
them, so the one is taken in which most signs beyond ASCII are such as people write: letters within words, units,
the frequent characters of Chinese, Japanese and Korean, or Cyrillic words.
"""

import codecs
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.exceptions import ImportDataError

__all__ = ["TextEncoding", "check_encoding", "find_encoding"]

_BLOCK_BYTES = 2**20
_BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_WESTERN = ("cp1252", "latin-1")
_MAX_SIGNS = 20_000  # of a file that are judged
_MIN_ZEROS = 0.8  # of every second byte, where nearly all signs are of ASCII
_MIN_SENSE = 0.8  # share of the signs that make sense
_CLEAR_LEAD = 0.1  # of that share, before the western reading
_MIN_KOREAN = 6  # different pairs of bytes; Chinese text of so many uses others, too
_PLAIN_UNITS = frozenset("°º²³µ±·\u00d7Øø§€‰\u2013—\u2019\u2018“”…äöüÄÖÜß\u00a0")
_WORDS = re.compile(
    r"时间|日期|温度|压力|流量|电流|电压|转速|振动|功率|频率|湿度|液位|状态|設備|时刻|設定|轴承|電流|電壓|時間|溫度|壓力|轉速|"
    r"振動|日時|日付|時刻|圧力|回転|電圧|電力|湿度|速度|시간|날짜|일시|온도|압력|전류|전압|유량|진동|속도|습도|전력|"
    r"[Вв]ремя|[Дд]ата|[Тт]емпература|[Дд]авление|[Тт]ок|[Нн]апряжение|[Чч]астота|[Вв]ибрация"
)


@dataclass(frozen=True)
class TextEncoding:
    """The encoding of a text file.

    Attributes
    ----------
    name : str
        Name of the encoding, as Python calls it.
    n_quotes : int
        How many quotation marks the file holds.
    notes : tuple of str
        What was assumed.
    """

    name: str
    n_quotes: int
    notes: tuple[str, ...] = ()


def check_encoding(name: str) -> None:
    """Raise an error where there is no such text encoding.

    Parameters
    ----------
    name : str
        Name as Python knows it, for example gb18030.

    Raises
    ------
    ImportDataError
        Python does not know it, or it is none of text.
    """
    try:
        is_text = codecs.lookup(name)._is_text_encoding
    except (LookupError, ValueError):
        is_text = False
    if not is_text:
        raise ImportDataError(
            f"There is no text encoding {name!r}.",
            "Some that exist: utf-8, cp1252, gb18030, big5, shift_jis, euc_kr, cp1251.",
        )


def find_encoding(path: Path, chosen: str | None = None) -> TextEncoding:
    """Find the encoding of a text file.

    Parameters
    ----------
    path : Path
        File, not compressed.
    chosen : str, optional
        Encoding that the user named.

    Returns
    -------
    TextEncoding

    Raises
    ------
    ImportDataError
        It cannot be read, is not text, or not in the chosen encoding.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4)
            marked = next((name for mark, name in _BYTE_ORDER_MARKS.items() if start.startswith(mark)), None)
            if chosen is not None and marked is None:
                return _in_chosen(path, file, chosen)
            n_quotes = _count_quotes(file, marked or "utf-8")
            if n_quotes is not None:
                return TextEncoding(marked or "utf-8", n_quotes)
            return _by_letters(path, file)
    except OSError as error:
        raise ImportDataError(f"{path} cannot be read: {error.strerror or error}.", "Give a file.") from None


def _in_chosen(path: Path, file: io.BufferedReader, chosen: str) -> TextEncoding:
    n_quotes = _count_quotes(file, chosen)
    if n_quotes is None:
        raise ImportDataError(
            f"{path} is not text in {chosen}.", "Name its encoding with --encoding, or leave the option out."
        )
    return TextEncoding("utf-8" if codecs.lookup(chosen).name == "utf-8" else chosen, n_quotes)


def _by_letters(path: Path, file: io.BufferedReader) -> TextEncoding:
    """Return the encoding in which the signs beyond ASCII make most sense."""
    file.seek(0)
    words = _words_beyond_ascii(file)
    senses = {name: _sense(words, name, sense) for name, sense in _SENSES.items()}
    western = _western_sense(words)
    best = max(senses, key=lambda name: senses[name])
    if senses[best] >= max(_MIN_SENSE, western + _CLEAR_LEAD):
        n_quotes = _count_quotes(file, best)
        if n_quotes is not None:
            return TextEncoding(best, n_quotes, (f"text read in the encoding {best}; otherwise: --encoding",))
    for name in _WESTERN:
        n_quotes = _count_quotes(file, name)
        if n_quotes is not None:
            return TextEncoding(name, n_quotes, (f"text read in the encoding {name}; otherwise: --encoding",))
    file.seek(0)
    start = np.frombuffer(file.read(_BLOCK_BYTES), np.uint8)
    for first, name in enumerate(("utf-16-be", "utf-16-le")):  # without their mark
        if len(start) > 1 and (start[first::2] == 0).mean() > _MIN_ZEROS and (start[1 - first :: 2] != 0).all():
            n_quotes = _count_quotes(file, name)
            if n_quotes is not None:
                return TextEncoding(name, n_quotes, (f"text read in the encoding {name}; otherwise: --encoding",))
    zeros = np.flatnonzero(start == 0)
    if len(zeros) and start[: zeros[0]].tobytes().isascii() and zeros[0]:
        raise ImportDataError(
            f"{path} is text up to byte {zeros[0]:,}, where zeros begin: what wrote it was cut off.",
            "Remove the zeros from a copy, and import that.",
        )
    raise ImportDataError(
        f"{path} is not text in UTF-8, UTF-16 or Latin-1.",
        "If it is packed, unpack it first. If it is text, name its encoding: --encoding gb18030",
    )


def _count_quotes(file: io.BufferedReader, encoding: str) -> int | None:
    """Count the quotation marks of a file; None where it is not text in an encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    is_extension = encoding in ("utf-8", *_WESTERN)  # of ASCII, byte by byte: a block of it need not be decoded
    n_quotes = 0
    file.seek(0)
    try:
        for block in iter(lambda: file.read(_BLOCK_BYTES), b""):
            is_plain = is_extension and block.isascii() and not decoder.getstate()[0]
            if "\0" in decoder.decode(block) if not is_plain else b"\0" in block:
                return None
            n_quotes += block.count(b'"') if b'"' in block else 0  # to look for one is faster than to count none
        decoder.decode(b"", final=True)
    except UnicodeError:  # also a mark of UTF-16 that is missing
        return None
    return n_quotes


def _words_beyond_ascii(file: io.BufferedReader) -> list[bytes]:
    """Return the different cells of a file that hold bytes beyond ASCII, as many as are judged."""
    cells: dict[bytes, None] = {}
    n_signs = 0
    for block in iter(lambda: file.read(_BLOCK_BYTES) + file.readline(), b""):
        if block.isascii():
            continue
        for line in block.splitlines():
            if line.isascii():
                continue
            for cell in re.split(rb"[,;\t\"]", line):
                if not cell.isascii() and cell not in cells:
                    cells[cell] = None
                    n_signs += len(cell)
        if n_signs > _MAX_SIGNS:
            break
    return list(cells)


def _sense(cells: list[bytes], encoding: str, makes_sense: Callable[[str], bool]) -> float:
    """Return the share of the signs beyond ASCII that people write in an encoding, more where usual words occur."""
    n_signs = n_sensible = 0
    has_words = False
    for cell in cells:
        try:
            text = cell.decode(encoding)
        except UnicodeDecodeError:
            return 0.0
        signs = [sign for sign in text if not sign.isascii()]
        n_signs += len(signs)
        n_sensible += sum(map(makes_sense, signs))
        has_words |= bool(_WORDS.search(text))
    share = n_sensible / n_signs if n_signs else 0.0
    if encoding == "cp949" and not has_words and len(set(b"".join(cells))) < _MIN_KOREAN:
        share -= _CLEAR_LEAD
    return share + has_words


def _western_sense(cells: list[bytes]) -> float:
    """Return the share of the signs beyond ASCII that make sense in the code page of western Europe."""
    n_signs = n_sensible = 0
    for cell in cells:
        text = cell.decode("cp1252", "replace")
        for place, sign in enumerate(text):
            if sign.isascii():
                continue
            n_signs += 1
            around = text[max(0, place - 1) : place] + text[place + 1 : place + 2]
            in_word = sign.isalpha() and any(one.isascii() and one.isalpha() for one in around)
            is_alone = sign in _PLAIN_UNITS and all(one.isascii() for one in around)
            n_sensible += in_word or is_alone
    return n_sensible / n_signs if n_signs else 1.0


def _is_frequent(encoding: str, first: int, last: int) -> Callable[[str], bool]:
    """Return whether a sign is one of those that an encoding puts first, as the frequent ones."""

    def makes_sense(sign: str) -> bool:
        try:
            code = sign.encode(encoding)
        except UnicodeEncodeError:
            return False
        return sign in _PLAIN_UNITS or "℃" <= sign <= "℉" or (len(code) == 2 and first <= code[0] <= last)

    return makes_sense


def _is_japanese(sign: str) -> bool:
    return "ぁ" <= sign <= "ヿ" or _FREQUENT_KANJI(sign)


_FREQUENT_KANJI = _is_frequent("cp932", 0x88, 0x97)
_SENSES: dict[str, Callable[[str], bool]] = {
    "gb18030": _is_frequent("gb18030", 0xB0, 0xD7),
    "big5": _is_frequent("big5", 0xA4, 0xC6),
    "cp932": _is_japanese,
    "cp949": _is_frequent("cp949", 0xB0, 0xC8),
    "cp1251": lambda sign: "\u0410" <= sign <= "я" or sign in "Ёё№°",
}
"""Code pages beside the western one, and which of their signs people write, those first that win a tie."""
