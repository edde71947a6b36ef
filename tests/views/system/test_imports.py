"""The section of the System view on which a file is dropped, looked at and imported."""

import pytest

import workbench as wb
from tests.views.look import find_button, find_field, markup, press, texts
from workbench.views.state import State
from workbench.views.system.view import System


@pytest.fixture
def session(tmp_path):
    with wb.open(home=tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def view(session):
    opened = System(session, state=State({"part": "Import"}))
    opened.selection.who = "kim"
    yield opened
    opened.close()


def table(factor: float = 1.0) -> str:
    modes = ["on" if minute % 3 else "off" for minute in range(40)]
    rows = [f"2024-03-01 10:{minute:02},{minute * factor + 0.5},{mode}" for minute, mode in enumerate(modes)]
    return "\n".join(["time,load [kW],<b>mode</b>", *rows]) + "\n"


def drop(view, text: str, name: str = "pump.csv") -> None:
    """Drop a file as the page does, in one part."""
    content = text.encode()
    message = {"kind": "part", "name": name, "size": len(content), "start": 0}
    view.imports.drop.receive(message, [content])


def test_a_file_is_shown_changed_imported_and_leads_to_monitoring(view, session):
    assert "Up to 50 MB" in view.imports.drop.words and "workbench import PATH" in view.imports.drop.words
    drop(view, table())
    assert view.failure is None
    shown = texts(view.imports.grid)
    assert "channel load" in shown and "kW" in shown and "39.5" in shown
    assert "left out: not numbers; as an input: “Input columns”" in shown
    assert "<b>mode" not in markup(view.imports.grid) and "&lt;b&gt;mode" in markup(view.imports.grid)
    assert "times without a zone taken as UTC (otherwise: “Time zone”)" in texts(view.imports.facts)
    assert "load: new, 40 samples" in texts(view.imports.facts)
    assert session.archive.channels() == []

    find_field(view, "Time zone").value = "Europe/Berlin"
    find_field(view, "Asset").value = "Pump 7"
    find_field(view, "Input columns").value = "<b>mode</b>"
    press(view, "Preview again")
    assert "2024-03-01 09:00:00" in texts(view.imports.grid) and "2 inputs" in texts(view.imports.grid)
    press(view, "Import")
    assert view.failure is None
    assert "pump.csv: 1 new channel." in texts(view.imports.result)
    assert session.archive.info("load").asset == "Pump 7"
    assert find_button(view, "Import").disabled

    opened = []
    view.put_into(Page(opened))
    view.imports.result.tell("pick", "load")
    assert opened == ["monitoring"] and view.selection.now.channel == "load" and view.selection.now.asset == "Pump 7"


class Page:
    """What the view asks of its page."""

    def __init__(self, opened):
        self.opened = opened

    def on_moved(self, *, step):
        pass

    def open(self, name, state=None):
        self.opened.append(name)

    def on_altered(self, view):
        pass


def test_the_log_says_who_imported_what(view, session):
    drop(view, table())
    press(view, "Import")
    row = session.maintenance.log().iloc[0]
    assert (row["subject"], row["action"], row["who"]) == ("file:pump.csv", "imported", "kim")


def test_a_file_that_cannot_be_read_is_a_card_with_the_way_out_and_its_columns_are_offered(view):
    drop(view, "when,load\n" + "\n".join(f"{number},{number}" for number in range(30)))
    assert "no time column" in view.failure.what
    assert "pump.csv" in view.failure.what and "workbench-drop" not in view.failure.what
    assert "“Time column”" in view.failure.todo and "--" not in view.failure.todo
    field = find_field(view, "Time column")
    assert [label for label, _ in field.options] == ["automatic", "when", "load"]
    assert find_button(view, "Import").disabled
    field.value = "when"
    press(view, "Preview again")
    assert view.failure is None and "load: new, 30 samples" in texts(view.imports.facts)


def test_a_contradiction_is_shown_and_can_be_settled(view, session, tmp_path):
    (tmp_path / "pump.csv").write_text(table())
    session.import_data(tmp_path / "pump.csv")
    drop(view, table(factor=2.0))
    assert "contradicts load of the archive" in texts(view.imports.facts)
    assert "“Contradictions: keep archive”" in texts(view.imports.facts)
    assert find_button(view, "Import").disabled
    find_field(view, "Contradictions").value = "replace"
    press(view, "Preview again")
    press(view, "Import")
    assert float(session.channel("load")["telemetry"].values[-1]) == 78.5


def test_the_same_file_again_changes_nothing_and_says_so(view):
    drop(view, table())
    press(view, "Import")
    drop(view, table())
    assert "nothing new, the archive holds all of it" in texts(view.imports.facts)
    press(view, "Import")
    assert "the archive holds all of it already" in texts(view.imports.result)


def test_a_file_that_is_too_large_is_sent_to_the_command_line(view):
    view.imports.drop.receive({"kind": "too large", "name": "big.csv", "size": 300_000_000}, [])
    assert "big.csv has 300 MB" in view.failure.what
    assert "workbench import PATH --dry-run" in view.failure.todo


def test_the_next_file_begins_without_the_choices_of_the_one_before(view):
    drop(view, table())
    find_field(view, "Asset").value = "Pump 7"
    drop(view, table(), "fan.csv")
    assert find_field(view, "Asset").value == ""
    assert view.imports.preview.series[0].asset == "fan"


def test_the_columns_are_what_is_exported_and_a_link_opens_the_section(view):
    assert view.shown_table() is None
    drop(view, table())
    assert view.shown_table()["becomes"].tolist()[:2] == ["time", "channel load"]
    assert view.read_state()["part"] == "Import"
    assert view.code_lines() == ["session.preview('pump.csv')"]


def test_what_the_page_names_it_has_a_field_for(view):
    """Both readings of a mark, the quality of values and the columns that are taken can be said here."""
    rows = "".join(
        f'2024-03-14 10:{minute:02},"1,{100 + minute}",{"ok" if minute % 9 else "E"},7\n' for minute in range(50)
    )
    drop(view, f"time,flow,flow_flag,batch\n{rows}")
    assert "may be 1100 or 1.100" in view.failure.what
    assert "“Thousands mark” ','" in view.failure.todo and "“Decimal mark” ','" in view.failure.todo
    assert "--" not in view.failure.todo
    find_field(view, "Thousands mark").value = ","
    find_field(view, "Without columns").value = "batch"
    press(view, "Preview again")
    assert view.failure is None
    shown = texts(view.imports.grid)
    assert "1149" in shown.replace(",", "") and "left out by “Only columns” or “Without columns”" in shown
    find_field(view, "Quality column").value = "flow_flag"
    find_field(view, "Good values").value = "ok"
    press(view, "Preview again")
    assert view.failure is None
    flow = next(one for one in view.imports.preview.series[0].columns if one.column == "flow")
    assert flow.missing == 6  # minutes 0, 9, 18, 27, 36, 45


def test_a_file_without_names_is_read_once_the_page_says_so(view):
    rows = "".join(f"2024-03-14T10:{minute:02}:00 {minute}.5\n" for minute in range(50))
    drop(view, f"Logger XR-7\n{rows}", "logger.txt")
    assert "line 1 (Logger, XR-7) may hold the names of the columns or be a title" in view.failure.what
    assert "“Header row” 0 where none does" in view.failure.todo
    find_field(view, "Header row").value = "none"
    press(view, "Preview again")
    assert "whole number" in view.failure.what
    find_field(view, "Header row").value = "0"
    press(view, "Preview again")
    assert view.failure is None
    assert [one.column for one in view.imports.preview.series[0].columns] == ["column 1", "column 2"]
    assert "column 2" in dict(find_field(view, "Time column").options)


def test_times_of_an_unknown_form_are_read_once_the_page_says_so(view):
    rows = "".join(f"[2024-03-14 10:{minute:02}],{minute}.5\n" for minute in range(50))
    drop(view, f"time,temp\n{rows}")
    assert "“Time format” '%Y-%m-%d" in view.failure.todo
    find_field(view, "Time format").value = "[%Y-%m-%d %H:%M]"
    press(view, "Preview again")
    assert view.failure is None
    assert "2024-03-14 10:49:00" in texts(view.imports.grid)


def test_why_a_column_is_left_out_is_said_to_its_end(view):
    drop(view, "time,temp,temp_flag\n" + "".join(f"2024-03-14 10:{one:02},{one}.5,E\n" for one in range(30)))
    assert "“Quality column”, “Good values”; as an input: “Input columns”" in texts(view.imports.grid)


def test_an_encoding_that_was_guessed_or_is_wrong_is_chosen_in_its_field(view):
    content = ("time,Größe\n" + "".join(f"2024-03-01 10:{minute:02},{minute}\n" for minute in range(40))).encode(
        "cp1252"
    )
    view.imports.drop.receive({"kind": "part", "name": "pump.csv", "size": len(content), "start": 0}, [content])
    assert "otherwise: “Text encoding”" in texts(view.imports.facts)
    find_field(view, "Text encoding").value = "utf-8"
    press(view, "Preview again")
    assert "is not text in utf-8" in view.failure.what
    assert "“Text encoding”" in view.failure.todo and "--" not in view.failure.todo


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Name it with --asset-column or --asset.", "Name it with “Machine column” or “Asset”."),
        ("Pass --on-conflict replace.", "Pass “Contradictions: take file”."),
        ("another training span: --train-from", "another training span: workbench import --train-from"),
        (
            "Run: workbench channels split P-1 --train-until TIME",
            "Run: workbench channels split P-1 --train-until TIME",
        ),
    ],
)
def test_options_are_said_as_fields_and_what_has_none_as_an_option_of_the_import(view, text, shown):
    assert view.imports._in_words(text) == shown
