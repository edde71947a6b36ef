from pathlib import Path

from workbench.maintenance.notifications.delivery import deliver


def test_messages_are_written_one_behind_the_other_into_a_file(tmp_path: Path) -> None:
    url = f"file://{tmp_path}/my%20alerts.txt"
    assert deliver(url, "Alert 1, critical", "It is hot.") == ""
    assert deliver(url, "Alert 2, high", "It is loud.") == ""
    lines = (tmp_path / "my alerts.txt").read_text().splitlines()
    assert [line.partition("UTC  ")[2] for line in lines if "UTC" in line] == ["Alert 1, critical", "Alert 2, high"]
    assert [line for line in lines if line.startswith("It is")] == ["It is hot.", "It is loud."]


def test_a_file_that_cannot_be_written_is_a_reason(tmp_path: Path) -> None:
    assert "No such file" in deliver(f"file://{tmp_path}/missing/alerts.txt", "Alert", "It is hot.")
