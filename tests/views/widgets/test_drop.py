"""The place on which a file is dropped: parts make the file, and what does not fit is left alone."""

import pytest

from workbench.views.widgets.drop import MAX_BYTES, Drop


@pytest.fixture
def dropped():
    """A place with what it has handed on: contents by name, and what was too large."""
    whole, too_large = [], []
    drop = Drop(
        "File",
        "Drop it",
        on_file=lambda path: whole.append((path.name, path.read_bytes())),
        on_too_large=lambda name, size: too_large.append((name, size)),
    )
    yield drop, whole, too_large
    drop.close()


def part(name: str, size: int, start: int) -> dict[str, object]:
    return {"kind": "part", "name": name, "size": size, "start": start}


def test_parts_in_order_make_the_file(dropped):
    drop, whole, _ = dropped
    drop.receive(part("a.csv", 6, 0), [memoryview(b"abcd")])
    assert whole == []
    drop.receive(part("a.csv", 6, 4), [b"ef"])
    drop.receive(part("empty.csv", 0, 0), [b""])
    assert whole == [("a.csv", b"abcdef"), ("empty.csv", b"")]


@pytest.mark.parametrize(
    ("content", "buffers"),
    [
        ("part", [b"x"]),
        ({"kind": "part"}, [b"x"]),
        (part("a.csv", 6, 4), [b"ef"]),
        (part("a.csv", 6, 0), []),
        (part("a.csv", MAX_BYTES + 1, 0), [b"x"]),
        (part("a.csv", 6, 0) | {"size": "6"}, [b"x"]),
        (part("a.csv", 6, 0) | {"start": None}, [b"x"]),
    ],
)
def test_what_is_malformed_or_out_of_order_is_left_alone(dropped, content, buffers):
    drop, whole, too_large = dropped
    drop.receive(content, buffers)
    assert (whole, too_large) == ([], [])


def test_a_second_file_takes_the_place_of_one_that_did_not_come_whole(dropped):
    drop, whole, _ = dropped
    drop.receive(part("a.csv", 6, 0), [b"abcd"])
    drop.receive(part("b.csv", 2, 0), [b"xy"])
    drop.receive(part("a.csv", 6, 4), [b"ef"])
    assert whole == [("b.csv", b"xy")]


def test_a_name_cannot_lead_out_of_the_folder(dropped):
    drop, whole, _ = dropped
    drop.receive(part("../../evil.csv", 1, 0), [b"x"])
    assert whole == [("evil.csv", b"x")]


def test_a_file_that_is_too_large_is_named(dropped):
    drop, _, too_large = dropped
    drop.receive({"kind": "too large", "name": "big.csv", "size": 300_000_000}, [])
    assert too_large == [("big.csv", 300_000_000)]
    assert MAX_BYTES < 300_000_000


def test_the_file_is_gone_when_the_place_is_closed():
    paths = []
    drop = Drop("File", "Drop it", on_file=paths.append, on_too_large=lambda name, size: None)
    drop.receive(part("a.csv", 1, 0), [b"x"])
    assert paths[0].exists()
    drop.close()
    assert not paths[0].exists() and not paths[0].parent.exists()
