"""Remarks on the screens: escaped, whole, and never so many that they hide the rest."""

import html
import re

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from workbench.views.remarks_markup import remarks_markup

TIME = pd.Timestamp("2026-03-02 08:05", tz="UTC")


def table(*texts, who="Ann", subject="alert:7"):
    rows = [(TIME, subject, "commented", who, text) for text in texts]
    return pd.DataFrame(rows, columns=["time", "subject", "action", "who", "text"])


def shown(markup):
    """Read what a page shows before anything is unfolded."""
    folded = re.sub(r"<details>.*?</details>", "", markup, flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]*>", " ", folded))


def test_author_time_with_zone_and_text_are_shown():
    text = shown(remarks_markup(table("the bus dropped"), "alert:7"))
    for part in ("2026-03-02 08:05 UTC", "commented", "Ann", "the bus dropped"):
        assert part in text
    assert "alert 7" not in text
    assert "alert 7" in shown(remarks_markup(table("the bus dropped"), "order:1"))


def test_no_remarks_take_no_room():
    assert remarks_markup(table()) == ""


def test_many_remarks_show_the_newest_and_fold_the_others():
    markup = remarks_markup(table(*(f"remark {number}" for number in range(500))))
    text = shown(markup)
    assert [number for number in range(500) if f"remark {number} " in text] == [0, 1, 2]
    assert "497 earlier" in markup
    assert markup.count("<li>") == 500


@given(st.text(min_size=1, max_size=900), st.text(min_size=1, max_size=30))
def test_whatever_people_write_is_shown_whole_and_as_text(text, who):
    markup = remarks_markup(table(text, who=who))
    assert set(re.findall(r"<(/?\w+)", markup)) <= {
        *("div", "/div", "ul", "/ul", "li", "/li", "span", "/span", "b", "/b"),
        *("details", "/details", "summary", "/summary"),
    }
    body = re.search(r"<div class='wb-remark'>(.*)</div></li>", markup, flags=re.DOTALL)[1]
    whole = html.unescape(re.sub(r"</?details>|<summary>[^<]*</summary>", "", body))
    assert whole == html.unescape(html.escape(text))
