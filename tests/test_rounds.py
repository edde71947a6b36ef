"""Rounds that were stopped go on, and what a kill cut off is done again."""

from tests.rounds import Rounds


def test_rounds_go_on_where_they_stopped(tmp_path):
    first = Rounds("some", range(4), tmp_path)
    assert list(first.left()) == [0, 1, 2, 3]
    first.note(0, ["a", "named"])
    first.note(2, ["b", "harmless"])
    (file,) = tmp_path.iterdir()
    file.write_text(file.read_text() + '\n[3, ["c", "na')
    again = Rounds("some", range(4), tmp_path)
    assert list(again.left()) == [1, 3]
    assert again.outcomes() == {0: ["a", "named"], 2: ["b", "harmless"]}
