"""The page of the guide on files of many forms shows what the dry run says now, and what the import then does."""

import pytest

import workbench as wb
from tests.many_forms import FORMS, PAGE, table
from workbench.exceptions import ImportDataError


def test_the_page_shows_what_the_dry_run_says():
    assert table() in PAGE.read_text(encoding="utf-8"), "run: python -m tests.many_forms"


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.what)
def test_the_import_does_what_the_dry_run_said(form, tmp_path):
    path = form.write(tmp_path)
    with wb.open(home=tmp_path / "home") as session:
        try:
            preview = session.preview(path, **form.options)
        except ImportDataError as error:
            with pytest.raises(ImportDataError) as caught:
                session.import_data(path, **form.options)
            assert str(caught.value) == str(error)
            return
        assert session.import_data(path, **form.options) == preview.report
        names = {name for one in preview.series for name in one.channels}
        assert names == set(session.archive.channels())
