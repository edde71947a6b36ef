from workbench.maintenance.alerts.report import AlertReport


def test_reports_add_up():
    one, two = AlertReport((1,), (2,), 3, (4,), 5), AlertReport((6,), reopened=(7,), known_events=1)
    assert one + two == AlertReport((1, 6), (2,), 3, (4,), 5, (7,), 1)
    assert str(one + two) == (
        "2 alerts raised (1 of them known events), 1 updated, 3 found again as before, 1 opened again, "
        "1 returned to normal, 5 too low or too short for an alert."
    )
