"""The overview's first line: is anything wrong, and what to do about it."""

from html import escape

from workbench.views.overview_data import Picture

__all__ = ["head_markup"]


def head_markup(picture: Picture) -> str:
    """Say what is wrong first, and which command helps where scores are missing or stale."""
    fleet, alerts = picture.fleet, picture.alerts
    missing, stale = (int((fleet["state"] == state).sum()) for state in ("missing", "stale"))
    if not len(fleet):
        words = "No telemetry yet. Run <code>workbench run</code> for the demo fleet, or import yours."
    elif missing == len(fleet):
        words = f"{missing} channels, none scored yet. Run <code>workbench run</code>, or train and score them."
    elif len(alerts):
        worst = alerts.iloc[0]
        words = (
            f"{alerts['channel'].nunique()} of {len(fleet)} channels have open alerts. First: "
            f"<b class='{worst['level']}'>{escape(worst['channel'])}</b>, {worst['level']}."
        )
    else:
        words = f"Nothing is wrong: {len(fleet)} channels, no open alert."
    notes = [f"{count} {word}" for count, word in ((stale, "stale"), (missing, "not scored")) if count]
    if notes and missing < len(fleet):
        words += f" <span class='wb-muted'>{', '.join(notes)}: run <code>workbench score --all</code></span>"
    damaged = fleet[fleet["state"] == "damaged"] if len(fleet) else fleet
    if len(damaged):
        first = (
            f"<span title='{escape(damaged['reason'].iloc[0], quote=True)}'>{escape(damaged['channel'].iloc[0])}</span>"
        )
        more = f" and {len(damaged) - 1} more" if len(damaged) > 1 else ""
        words += f" <b class='critical'>{first}{more} cannot be read</b>: run <code>workbench doctor</code>"
    return f"<div class='wb-line'><h1>Overview</h1><p>{words}</p></div>"
