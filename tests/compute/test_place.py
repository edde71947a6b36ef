import pytest

from workbench.compute import LOCAL, Compute
from workbench.exceptions import SettingsError
from workbench.settings import load_settings


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Local",
        "processes",
        "processes:0",
        "processes:1025",
        "processes:two",
        "processes:-1",
        "tcp://",
        "tcp://host",
        "tcp://host:0",
        "tcp://host:65536",
        "tcp://host:8786/path",
        "tcp://user@host:8786",
        "http://host:8786",
    ],
)
def test_what_is_no_place_is_refused_by_the_name_of_the_setting(tmp_path, monkeypatch, text):
    monkeypatch.setenv("WORKBENCH_COMPUTE", text)
    with pytest.raises(SettingsError, match=r"compute: write local, processes:N .* tcp://HOST:PORT") as error:
        load_settings(tmp_path)
    assert repr(text) in str(error.value)


@pytest.mark.parametrize("text", ["local", "processes:3", "tcp://10.0.0.5:8786", "tcp://[::1]:8786", "tcp://head-1:1"])
def test_a_place_is_written_as_it_is_read(text):
    assert str(Compute.parse(text)) == text


def test_compute_wins_over_workers(tmp_path, monkeypatch):
    (tmp_path / "workbench.yaml").write_text("workers: 2\n", encoding="utf-8")
    assert load_settings(tmp_path).place == Compute(processes=2)
    monkeypatch.setenv("WORKBENCH_COMPUTE", "tcp://10.0.0.5:8786")
    assert load_settings(tmp_path).place == Compute(scheduler="tcp://10.0.0.5:8786")
    assert load_settings(tmp_path, compute="local").place == LOCAL
