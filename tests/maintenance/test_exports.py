import csv
import re
import zipfile

import pandas as pd
import pytest

from tests.maintenance.conftest import START
from workbench.exceptions import MaintenanceError
from workbench.maintenance.exports import order_page, to_csv, to_xlsx
from workbench.maintenance.options import OrderOptions, OrderTemplate
from workbench.maintenance.orders.orders import WorkOrders

EVIL = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "plain, 'quoted' \"text\"\nsecond line"]
TABLE = pd.DataFrame({"=name": EVIL, "number": [-1.5, 2, 3, 4, 5, 6, None], "time": [START] * 6 + [pd.NaT]})


def test_no_cell_of_a_csv_is_a_formula_and_numbers_stay(tmp_path):
    to_csv(TABLE, tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["'=name", "number", "time"]
    assert [row[0] for row in rows[1:7]] == [f"'{text}" for text in EVIL[:6]]
    assert rows[7] == [EVIL[6], "", ""]
    assert rows[1][1:] == ["-1.5", "2026-03-02T08:00:00+00:00"]


def test_no_cell_of_a_workbook_is_a_formula(tmp_path):
    to_xlsx({"first": TABLE, "second": TABLE.iloc[:0]}, tmp_path / "out.xlsx")
    with zipfile.ZipFile(tmp_path / "out.xlsx") as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
        strings = book.read("xl/sharedStrings.xml").decode()
        assert len([name for name in book.namelist() if "worksheets/sheet" in name]) == 2
    assert "<f>" not in sheet
    assert "<v>-1.5</v>" in sheet
    assert "'=1+1" in strings


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(MaintenanceError, match="cannot be written"):
        to_csv(TABLE, tmp_path / "no" / "out.csv")
    (tmp_path / "out.csv").mkdir()
    with pytest.raises(MaintenanceError, match="cannot be written"):
        to_csv(TABLE, tmp_path / "out.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


def test_a_work_order_to_print_is_whole_escaped_and_asks_no_host(database):
    orders = WorkOrders(database, OrderOptions(templates={"default": OrderTemplate()}))
    order = orders.new("Ann", asset="SMAP", title="<script>alert(1)</script>", description="a & b\nsecond line")
    orders.attach(1, "reports/P-1.html", "Ann", "Report")
    page = order_page(orders.get(1), orders.history(1))
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "a &amp; b" in page
    assert order.checklist[0].text in page
    assert "set by" in page or "criticality 3 assumed" in page
    assert "reports/P-1.html" in page
    assert "<td>SMAP</td>" in page
    named = order_page(orders.get(1), orders.history(1), asset="Soil <Moisture>")
    assert "<td>Soil &lt;Moisture&gt;</td>" in named and "<td>SMAP</td>" not in named
    assert not re.search(r"https?://|src=|@import|url\(", page)
