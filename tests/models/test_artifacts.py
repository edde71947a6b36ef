import errno
import hashlib
import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.models.fakes import fitted, window
from workbench.detection.persistence import PersistenceForecaster
from workbench.exceptions import ArtifactError
from workbench.models.artifacts import MANIFEST, read, verify, write


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    write(fitted(), folder, "flavors: {}\n")
    return folder


def one_file(folder: Path) -> Path:
    return folder / "forecaster.json"


def test_the_manifest_tells_size_and_sha256_of_each_file(model: Path) -> None:
    manifest = verify(model)
    assert manifest.forecaster == "persistence"
    assert set(manifest.files) == {path.name for path in model.iterdir()} - {MANIFEST}
    data = one_file(model).read_bytes()
    assert manifest.files["forecaster.json"] == (len(data), hashlib.sha256(data).hexdigest())
    assert manifest.size == sum(path.stat().st_size for path in model.iterdir() if path.name != MANIFEST)
    assert manifest.digest == hashlib.sha256((model / MANIFEST).read_bytes()).hexdigest()


def test_a_model_reads_back_as_it_was(model: Path) -> None:
    loaded, size = read(model, "persistence")
    assert (loaded.predict_window(window()) == fitted().predict_window(window())).all()
    assert size == verify(model).size


def test_a_changed_byte_names_file_expected_and_received(model: Path) -> None:
    data = bytearray(one_file(model).read_bytes())
    expected = hashlib.sha256(data).hexdigest()
    data[len(data) // 2] ^= 1
    one_file(model).write_bytes(data)
    received = hashlib.sha256(data).hexdigest()
    with pytest.raises(ArtifactError, match=rf"forecaster\.json has SHA-256 {received}, expected {expected}"):
        verify(model)


def test_a_truncated_file_is_told_by_its_size(model: Path) -> None:
    size = one_file(model).stat().st_size
    os.truncate(one_file(model), 3)
    with pytest.raises(ArtifactError, match=rf"forecaster\.json has 3 bytes, expected {size}"):
        verify(model)


@pytest.mark.parametrize("name", ["forecaster.json", "MLmodel", MANIFEST])
def test_a_missing_file_is_named(model: Path, name: str) -> None:
    (model / name).unlink()
    with pytest.raises(ArtifactError, match=rf"{name} is missing"):
        verify(model)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="nowhere is missing"):
        verify(tmp_path / "nowhere")


def test_a_pickled_file_is_refused_even_when_it_is_listed(model: Path) -> None:
    (model / "weights.pkl").write_bytes(b"x")
    manifest = json.loads((model / MANIFEST).read_text())
    manifest["files"]["weights.pkl"] = {"size": 1, "sha256": hashlib.sha256(b"x").hexdigest()}
    (model / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(ArtifactError, match=r"weights\.pkl has a suffix that is not allowed: '\.pkl'"):
        verify(model)


def test_an_unlisted_file_is_refused(model: Path) -> None:
    (model / "more.json").write_text("{}")
    with pytest.raises(ArtifactError, match=r"more\.json is not listed"):
        verify(model)


def test_links_and_folders_are_refused(model: Path) -> None:
    (model / "link.json").symlink_to(one_file(model))
    with pytest.raises(ArtifactError, match=r"link\.json is not a plain file"):
        verify(model)
    (model / "link.json").unlink()
    (model / "folder.json").mkdir()
    with pytest.raises(ArtifactError, match=r"folder\.json is not a plain file"):
        verify(model)


def test_a_manifest_cannot_name_a_file_outside_the_folder(model: Path) -> None:
    outside = model.parent / "outside.json"
    outside.write_text("{}")
    manifest = json.loads((model / MANIFEST).read_text())
    manifest["files"]["../outside.json"] = {"size": 2, "sha256": hashlib.sha256(b"{}").hexdigest()}
    (model / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(ArtifactError, match=r"outside\.json is missing"):
        verify(model)


def test_another_format_version_is_refused(model: Path) -> None:
    manifest = json.loads((model / MANIFEST).read_text())
    (model / MANIFEST).write_text(json.dumps(manifest | {"format_version": 99}))
    with pytest.raises(ArtifactError, match="format version 99, expected 1"):
        verify(model)


def test_a_manifest_that_is_not_the_registered_one_is_refused(model: Path) -> None:
    assert verify(model, verify(model).digest).forecaster == "persistence"
    with pytest.raises(ArtifactError, match=rf"{MANIFEST} has SHA-256 [0-9a-f]+, expected {'0' * 64}"):
        verify(model, "0" * 64)


MANIFEST_KEYS = st.sampled_from(["format_version", "forecaster", "files"])


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(MANIFEST_KEYS, inner),
    ).map(lambda value: json.dumps(value).encode())
)
def test_any_other_manifest_gives_one_clear_error(model: Path, content: bytes) -> None:
    (model / MANIFEST).write_bytes(content)
    with pytest.raises(ArtifactError):
        verify(model)


def test_a_model_of_another_forecaster_is_refused(model: Path) -> None:
    with pytest.raises(ArtifactError, match="'persistence', expected 'ridge'"):
        read(model, "ridge")


def test_an_unknown_forecaster_is_refused(tmp_path: Path) -> None:
    write(fitted(name="oracle"), tmp_path / "model")
    with pytest.raises(ArtifactError, match="'oracle', which this installation does not have"):
        read(tmp_path / "model", "oracle")


def test_a_model_is_never_overwritten(model: Path) -> None:
    before = {path.name: path.read_bytes() for path in model.iterdir()}
    with pytest.raises(ArtifactError, match="exists already"):
        write(fitted(0.9), model)
    assert {path.name: path.read_bytes() for path in model.iterdir()} == before


class Pickler(PersistenceForecaster):
    def save(self, folder: Path) -> None:
        super().save(folder)
        (folder / "weights.pkl").write_bytes(b"\x80\x04N.")


class Interrupted(PersistenceForecaster):
    def save(self, folder: Path) -> None:
        super().save(folder)
        raise KeyboardInterrupt


@pytest.mark.parametrize(("kind", "error"), [(Pickler, ArtifactError), (Interrupted, KeyboardInterrupt)])
def test_a_write_that_fails_leaves_nothing(
    tmp_path: Path, kind: type[PersistenceForecaster], error: type[BaseException]
) -> None:
    forecaster = fitted()
    forecaster.__class__ = kind
    with pytest.raises(error):
        write(forecaster, tmp_path / "models" / "model")
    assert not list((tmp_path / "models").iterdir())


def test_a_full_disk_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(ArtifactError, match="cannot be written: No space left on device"):
        write(fitted(), tmp_path / "models" / "model")
    assert not list((tmp_path / "models").iterdir())


def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtifactError, match="cannot be written: Not a directory"):
        write(fitted(), tmp_path / "file" / "model")
