"""The command `evaluate`: intervals and further metrics beside the overlap protocol."""

import json
from pathlib import Path

from typer.testing import CliRunner

from workbench.cli import app


def test_intervals_and_metrics_are_printed_where_they_are_asked_for(trained_home: Path) -> None:
    def evaluate(*options: str) -> str:
        done = CliRunner().invoke(app, ["--home", str(trained_home), "evaluate", *options])
        assert done.exit_code == 0, done.output
        return done.stdout

    plain = evaluate()
    assert "f1_95_%" in plain
    assert "esa_f0_5" in plain
    assert "vus_pr" not in plain
    both = evaluate("--metrics", "range, vus", "--intervals")
    assert "vus_pr" in both
    assert "esa_f0_5" not in both
    assert "flagged_fraction" in both.split("Every figure with its 95 % interval:")[1].split("For comparison")[0]
    value = json.loads(evaluate("--metrics", "all", "--json"))
    figures = {row["figure"] for row in value["intervals"]}
    assert {"f1", "esa_f0_5", "affiliation_f1", "range_f1", "vus_pr", "nab_standard"} <= figures
    assert [row["channel"] for row in value["metrics"]] == ["X-1", "X-2"]


def test_an_unknown_metric_is_an_error_in_one_line(trained_home: Path) -> None:
    done = CliRunner().invoke(app, ["--home", str(trained_home), "evaluate", "--metrics", "f1"])
    assert done.exit_code == 2
    assert "There is no metric 'f1'" in done.output


def test_a_file_without_a_label_is_named(trained_home: Path, tmp_path: Path) -> None:
    file = tmp_path / "none.csv"
    file.write_text("channel,start,end\n")
    done = CliRunner().invoke(app, ["--home", str(trained_home), "evaluate", "--labels", str(file)])
    assert done.exit_code == 2
    assert "none.csv hold no label. Write a row for each: channel,start,end." in " ".join(done.output.split())
