"""What runs in a view is timed, whether it fails or not."""

from workbench.observability.timings import TIMINGS
from workbench.views.widgets.callbacks import Guard, callback


class Part:
    title = "Test of callbacks"
    failure = None

    def fail(self, failure, source):
        self.failure = failure

    def mend(self, source):
        self.failure = None

    @callback
    def on_divide(self, by):
        1 / by


def counts():
    return {name: found.count for (group, name), found in TIMINGS.histograms().items() if group == Part.title}


def test_a_callback_is_counted_by_its_view_and_name():
    part = Part()
    for by in (1, 0, 1):
        part.on_divide(by)
    with Guard(part, "refresh"):
        pass
    with Guard(part, "make the report", timed=False):
        pass
    assert counts() == {"on_divide": 3, "refresh": 1}
