"""Conflicts of a plan: what keeps a job from its place or its due date, and what would resolve it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from workbench.counts import counted
from workbench.maintenance.schedule.first_guess import earliest
from workbench.maintenance.schedule.grid import Grid, Solution, cut
from workbench.maintenance.schedule.model import Conflict, Job, Placement
from workbench.maintenance.schedule.remedies import Remedy, remedies
from workbench.maintenance.values import span_words

__all__ = ["find_conflicts"]

_MOST_TRIED = 30  # conflicts for which remedies are tried, the worst first


def find_conflicts(grid: Grid, solution: Solution, ends: Mapping[str, int]) -> list[Conflict]:
    """Return what keeps jobs from their place or their due date.

    Parameters
    ----------
    grid : Grid
        The problem in time slots.
    solution : Solution
        Places of the jobs.
    ends : mapping of str to int
        First slot by which each job that can be planned could have ended (`earliest_ends`).

    Returns
    -------
    list of Conflict
        One for each job without a place, one for each that is late, and those of frozen jobs; by number, then kind.
    """
    conflicts: list[Conflict] = []
    late = [job for job in grid.jobs.values() if _points(grid, job, solution)]
    worst = sorted(late, key=lambda job: (-_points(grid, job, solution), job.number))[:_MOST_TRIED]
    tried = {job.number: remedies(grid, solution, job) for job in worst}
    for job in grid.jobs.values():
        place = solution.get(job.number)
        if place is None:
            conflict = _unplanned(grid, job, solution, ends)
        elif (due := grid.due(job)) is not None and grid.end(job, place) > due:
            conflict = _late(grid, job, grid.end(job, place), ends)
        else:
            continue
        conflicts.append(_resolved(conflict, tried.get(job.number, []), late=place is not None))
    conflicts += _frozen(grid)
    return sorted(conflicts, key=lambda conflict: (conflict.job, conflict.kind))


def _points(grid: Grid, job: Job, solution: Solution) -> int:
    """Return the points of a job's lateness, or of its having no place."""
    place = solution.get(job.number)
    if place is None:
        return grid.unplanned_points(job)
    due = grid.due(job)
    return 0 if due is None else max(0, grid.end(job, place) - due) * max(1, grid.late_points(job))


def _resolved(conflict: Conflict, tried: list[Remedy], *, late: bool) -> Conflict:
    """Return a conflict with the remedies that were tried and help; as it is where there are none."""
    if not tried:
        return conflict
    words = "; or ".join(remedy.words for remedy in tried)
    result = "it would be in time" if late else "it could be planned"
    return replace(conflict, resolve=f"{words[0].upper()}{words[1:]}: then {result}.")


def _unplanned(grid: Grid, job: Job, solution: Solution, ends: Mapping[str, int]) -> Conflict:
    number = job.number
    if not grid.skilled(job):
        if job.assignee and any(job.skills <= one.skills for one in grid.technicians):
            return _assignee(grid, job)
        return _skill(grid, job, "cannot be planned")
    missing = [before for before in job.after if before in grid.jobs and before not in solution]
    if missing:
        return Conflict(
            "precedence",
            number,
            f"{number} cannot be planned: it waits for {_join(missing)}, which has no place.",
            f"Resolve {_join(missing)} first, or remove the precedence.",
        )
    if number in ends:
        hours = grid.hours(sum(grid.sessions(job)))
        return Conflict(
            "capacity",
            number,
            f"{number} cannot be planned: its {hours:g} h fit no one before {_when(grid.horizon.end)}.",
            f"One technician more{_with(job)}, longer hours, or a plan further ahead (horizon_days).",
        )
    without_parts = grid.release(job, parts=False)
    if number in grid.waits_for_parts and without_parts is not None and earliest(grid, job, without_parts):
        return _part(grid, job, f"{number} cannot be planned before {_when(grid.horizon.end)}", job.due)
    late = [before for before in job.after if before in grid.frozen and grid.up(grid.frozen[before].end) > 0]
    if late and earliest(grid, job, 0 if job.not_before is None else max(0, grid.up(job.not_before))):
        return Conflict(
            "precedence",
            number,
            f"{number} cannot be planned: it waits for {_join(late)}, which is frozen until "
            f"{_when(max(grid.frozen[before].end for before in late))}.",
            f"Move {_join(late)} forward, remove the precedence, or plan further ahead (horizon_days).",
        )
    return _window(grid, job)


def _assignee(grid: Grid, job: Job) -> Conflict:
    missing = sorted({one.name: job.skills - one.skills for one in grid.technicians}.get(job.assignee, frozenset()))
    why = f"does not have {_join(missing)}" if missing else "takes no orders now"
    return Conflict(
        "assignee",
        job.number,
        f"{job.number} cannot be planned: it is assigned to {job.assignee}, who {why}.",
        f"Assign somebody else, or let the plan do it: workbench orders change {job.number} --may-reassign.",
    )


def _window(grid: Grid, job: Job) -> Conflict:
    needed = grid.hours(sum(grid.sessions(job)))
    after = 0 if job.not_before is None else max(0, grid.up(job.not_before))
    spans = [
        end - max(start, after) for who in grid.skilled(job) for start, end in grid.allowed(job, who) if end > after
    ]
    asset = f" on {job.asset}" if job.asset else ""
    message = (
        f"{job.number} cannot be planned: its {needed:g} h{asset} fit no window before {_when(grid.horizon.end)}; "
        f"there {'is' if len(spans) == 1 else 'are'} {counted(len(spans), 'window')}, the longest of "
        f"{grid.hours(max(spans, default=0)):g} h."
    )
    wishes = [f"a window of {needed:g} h for somebody{_with(job)}"]
    if after >= grid.length:
        wishes.insert(0, f"an earlier date than {_when(grid.time(after))}")
    if job.stops_asset and job.asset in grid.problem.operating:
        wishes.append(f"a stop of {job.asset} in its operating hours")
    return Conflict(
        "window", job.number, message, f"Find {', or '.join(wishes)}, or plan further ahead (horizon_days)."
    )


def _late(grid: Grid, job: Job, end: int, ends: Mapping[str, int]) -> Conflict:
    """Return the first cause that alone makes a job late: due date, parts, jobs before it, or the other jobs."""
    assert job.due is not None
    number = job.number
    due = grid.down(job.due)
    span = span_words(grid.time(end) - job.due)
    late = f"{number} ends {span} late, {_when(grid.time(end))} instead of {_when(job.due)}"
    own = 0 if job.not_before is None else max(0, grid.up(job.not_before))
    best = earliest(grid, job, own)
    soonest = grid.length if best is None else grid.end(job, best)
    if soonest > due:
        return Conflict(
            "due",
            number,
            f"{late}: with all else put aside it could end {_when(grid.time(soonest))}.",
            f"Set its due date to {_when(grid.time(end))}, or open a window{_with(job)} before {_when(job.due)}.",
        )
    release = grid.release(job)
    arrival = grid.waits_for_parts.get(number, (None, "", 0))[0]
    if arrival is not None and ((place := earliest(grid, job, arrival)) is None or grid.end(job, place) > due):
        begin = job.due - timedelta(hours=job.hours)
        return _part(grid, job, late, begin)
    before = [n for n in job.after if n in grid.jobs or n in grid.frozen]
    place_alone = earliest(grid, job, release or 0)
    if before and (ends[number] > due or place_alone is None or grid.end(job, place_alone) > due):
        return Conflict(
            "precedence",
            number,
            f"{late}: it waits for {_join(before)}.",
            f"Do {_join(before)} earlier, remove the precedence, or set its due date to {_when(grid.time(end))}.",
        )
    who = [grid.technicians[index].name for index in grid.skilled(job)]
    return Conflict(
        "capacity",
        number,
        f"{late}: {_join(who)} {'is' if len(who) == 1 else 'are'} busy with other jobs.",
        f"One technician more{_with(job)}, longer hours before {_when(job.due)}, or a due date of "
        f"{_when(grid.time(end))}.",
    )


def _frozen(grid: Grid) -> Iterator[Conflict]:
    jobs = {job.number: job for job in grid.problem.jobs}
    people = {technician.name: index for index, technician in enumerate(grid.technicians)}
    for number, placement in grid.frozen.items():
        job = jobs[number]
        if not job.skills <= grid.technicians[people[placement.technician]].skills:
            yield _skill(grid, job, f"is frozen with {placement.technician}", placement.technician)
        yield from _outside(grid, job, placement, people[placement.technician])
        if placement.start > grid.problem.now and number in grid.waits_for_parts:
            arrival = grid.waits_for_parts[number][0]
            if arrival is None or grid.time(arrival) > placement.start:
                yield _part(grid, job, f"{number} is frozen at {_when(placement.start)}", placement.start)
        waits = [n for n in job.after if n in grid.frozen and grid.frozen[n].end > placement.start]
        waits += [n for n in job.after if n in grid.jobs]
        if waits:
            yield Conflict(
                "precedence",
                number,
                f"{number} is frozen at {_when(placement.start)}, before {_join(waits)} has ended.",
                f"Unfreeze {number}, or remove the precedence.",
            )
        if job.due is not None and placement.end > job.due:
            yield Conflict(
                "due",
                number,
                f"{number} ends {span_words(placement.end - job.due)} late, frozen until {_when(placement.end)}.",
                f"Unfreeze it, or set its due date to {_when(placement.end)}.",
            )
    yield from _double_booked(grid)


def _outside(grid: Grid, job: Job, placement: Placement, who: int) -> Iterator[Conflict]:
    """Yield a conflict for a frozen job, not yet begun, outside its technician's windows or in operating hours."""
    sessions = [(grid.up(s.start), min(grid.down(s.end), grid.length)) for s in placement.sessions]
    sessions = [span for span in sessions if 0 <= span[0] < span[1]]
    outside = cut(sessions, grid.work[who])
    running = cut(sessions, cut(sessions, grid.running(job)))
    if outside or running:
        where = f"outside the windows of {placement.technician}" if outside else f"while {job.asset} operates"
        yield Conflict(
            "window",
            job.number,
            f"{job.number} is frozen at {_when(grid.time((outside or running)[0][0]))}, {where}.",
            f"Unfreeze {job.number}, or open a window there.",
        )


def _double_booked(grid: Grid) -> Iterator[Conflict]:
    sessions = sorted(
        (placement.technician, session, number)
        for number, placement in grid.frozen.items()
        for session in placement.sessions
        if session.end > grid.problem.now
    )
    for index, (technician, session, number) in enumerate(sessions):
        for other, later, second in sessions[index + 1 :]:
            if other != technician or later.start >= session.end:
                break
            if second != number:
                yield Conflict(
                    "double_booking",
                    second,
                    f"{second} is frozen with {technician} at {_when(later.start)}, while they do {number} until "
                    f"{_when(session.end)}.",
                    f"Unfreeze {second} or {number}, or give one of them to somebody else.",
                )


def _skill(grid: Grid, job: Job, what: str, technician: str | None = None) -> Conflict:
    available_skills = {skill for who in grid.technicians if technician in (None, who.name) for skill in who.skills}
    missing_skills = sorted(job.skills - available_skills)
    skill_names = _join(missing_skills) if missing_skills else _join(sorted(job.skills))
    who = (
        f"{technician} does not have" if technician else "nobody has" if missing_skills else "no one person has all of"
    )
    return Conflict(
        "skill",
        job.number,
        f"{job.number} {what}: {who} {skill_names}.",
        f"A technician with {_join(sorted(job.skills))}, or a work order without {skill_names}.",
    )


def _part(grid: Grid, job: Job, what: str, needed_by: datetime | None) -> Conflict:
    arrival, part, pieces = grid.waits_for_parts[job.number]
    short = f"{pieces} x {part} {'is' if pieces == 1 else 'are'} missing"
    they = "it comes" if pieces == 1 else "they come"
    request = None if arrival is None else _request(grid, part, arrival)
    if arrival is None:
        comes = "no lead time is known"
    elif request is not None:
        comes = f"purchase request {request} is expected {_when(grid.time(arrival))}"
    else:
        comes = f"ordered now {they} {_when(grid.time(arrival))}"
    by = "" if needed_by is None else f" by {_when(needed_by)}"
    resolve = f"Get {pieces} x {part}{by}, or take what is reserved for another work order."
    return Conflict("part", job.number, f"{what}: {short}, {comes}.", resolve)


def _request(grid: Grid, part: str, arrival: int) -> int | None:
    """Return the purchase request that brings a part in a slot; None where it would have to be ordered now."""
    stock = next(one for one in grid.problem.parts if one.name == part)
    coming = zip(stock.arrivals, stock.requests, strict=False)  # a problem made by hand may name no requests
    return next((number for (at, _), number in coming if grid.up(at) == arrival), None)


def _with(job: Job) -> str:
    return f" with {_join(sorted(job.skills))}" if job.skills else ""


def _join(names: list[str]) -> str:
    return ", ".join(names[:-1]) + (" and " if len(names) > 1 else "") + names[-1]


def _when(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
