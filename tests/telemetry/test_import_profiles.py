"""Profiles of an import: what was saved is read back, and what is wrong in the file is named with its key."""

import pytest

from workbench.exceptions import ImportDataError
from workbench.telemetry.import_profiles import (
    profile_options,
    profiles_path,
    read_profiles,
    remove_profile,
    save_profile,
)

OPTIONS = {"decimal": ",", "header_row": 3, "missing": ("-9999", "-200"), "time_column": ("date", "clock")}


def test_a_profile_is_read_as_it_was_saved(tmp_path):
    assert read_profiles(tmp_path) == {}
    assert not save_profile(tmp_path, "historian", OPTIONS)
    assert not save_profile(tmp_path, "логгер 7", {"inputs": "flow, m³/h"})
    assert read_profiles(tmp_path) == {"historian": OPTIONS, "логгер 7": {"inputs": ("flow, m³/h",)}}
    assert save_profile(tmp_path, "historian", {"decimal": "."})
    assert profile_options(tmp_path, "historian") == {"decimal": "."}
    remove_profile(tmp_path, "historian")
    assert list(read_profiles(tmp_path)) == ["логгер 7"]
    assert [path.name for path in tmp_path.iterdir()] == ["import-profiles.yaml"]


def test_an_unknown_name_lists_those_that_there_are(tmp_path):
    with pytest.raises(ImportDataError, match=r"no profile 'x'\. None was saved yet"):
        profile_options(tmp_path, "x")
    save_profile(tmp_path, "a", OPTIONS)
    save_profile(tmp_path, "b", OPTIONS)
    for use in (profile_options, remove_profile):
        with pytest.raises(ImportDataError, match=r"no profile 'x'\. Known: a, b\."):
            use(tmp_path, "x")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "cannot be read"),
        ("- a", "holds no profiles by name"),
        ("a: 7", "profile 'a' holds no options by name"),
        ("a: {decimls: ','}", "profile 'a' has an unknown option 'decimls'. Known: encoding, separator, decimal"),
        ("a: {decimal: 7}", "profile 'a': decimal is 7. Write a text in quotes."),
        ("a: {separator: 7}", "profile 'a': separator is 7."),
        ("a: {header_row: two}", "profile 'a': header_row is 'two'. Write a whole number."),
        ("a: {header_row: true}", "profile 'a': header_row is True."),
        ("a: {missing: [[1]]}", "profile 'a': missing is [[1]]. Write a list of texts."),
        ("a: {decimal: x}", "profile 'a': decimal must be"),
        ("a: {decimal: ',', decimal: '.'}", "'decimal' is there twice"),
        ("a: {timezone: Nowhere/None}", "profile 'a': "),
    ],
)
def test_a_wrong_file_is_refused_with_the_profile_and_the_key(tmp_path, text, words):
    profiles_path(tmp_path).write_text(text)
    with pytest.raises(ImportDataError) as caught:
        read_profiles(tmp_path)
    assert words in str(caught.value) and "import-profiles.yaml" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        (" ", OPTIONS, "cannot be the name"),
        ("a\nb", OPTIONS, "cannot be the name"),
        ("x" * 65, OPTIONS, "cannot be the name"),
        ("a", {}, "would be empty"),
        ("a", {"decimal": "x"}, "decimal must be"),
        ("a", {"asset": "pump"}, "no option 'asset'"),
    ],
)
def test_what_cannot_be_saved_is_refused_and_writes_nothing(tmp_path, name, options, words):
    with pytest.raises(ImportDataError, match=words):
        save_profile(tmp_path / "home", name, options)
    assert not (tmp_path / "home").exists()
