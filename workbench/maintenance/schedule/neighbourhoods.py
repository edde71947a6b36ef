"""Neighbourhoods of a plan: jobs that are taken out together and placed anew, while all others stay."""

import random
from collections.abc import Collection

from workbench.maintenance.schedule.grid import Grid, Solution

__all__ = ["Neighbourhoods"]


class Neighbourhoods:
    """Chooses jobs to place anew: those of some days, of two technicians, or late ones with what blocks them.

    Parameters
    ----------
    grid : Grid
        The problem in time slots.
    plannable : collection of str
        Jobs that can be planned at all.
    seed : int
        Seed of the choice.
    """

    def __init__(self, grid: Grid, plannable: Collection[str], seed: int) -> None:
        self._grid = grid
        self._jobs = [number for number in grid.jobs if number in plannable]
        self._random = random.Random(seed)
        self._kinds = [self._of_days, self._of_two, self._late_and_blocking, self._anywhere]
        self._next = 0

    def choose(self, solution: Solution, size: int) -> set[str]:
        """Return about `size` jobs; those without a place that one of them waits for come on top."""
        kind = self._kinds[self._next % len(self._kinds)]
        self._next += 1
        chosen = kind(solution, size)
        room = [number for number in self._jobs if number not in solution]
        chosen |= set(self._random.sample(room, min(len(room), max(2, size // 5))))
        waiting = list(chosen)
        while waiting:
            for number in self._grid.jobs[waiting.pop()].after:
                if number in self._grid.jobs and number not in solution and number not in chosen:
                    chosen.add(number)
                    waiting.append(number)
        return chosen

    def _by_start(self, solution: Solution, near: int) -> list[str]:
        """Return the jobs with a place, the nearest to a slot first."""
        return sorted(solution, key=lambda number: (abs(solution[number][1][0] - near), number))

    def _of_days(self, solution: Solution, size: int) -> set[str]:
        if not solution:
            return set()
        near = solution[self._random.choice(list(solution))][1][0]
        return set(self._by_start(solution, near)[:size])

    def _of_two(self, solution: Solution, size: int) -> set[str]:
        busy = sorted({place[0] for place in solution.values()})
        if len(busy) < 2:
            return self._of_days(solution, size)
        two = set(self._random.sample(busy, 2))
        theirs = {number: place for number, place in solution.items() if place[0] in two}
        near = theirs[self._random.choice(list(theirs))][1][0]
        return set(self._by_start(theirs, near)[:size])

    def _late_and_blocking(self, solution: Solution, size: int) -> set[str]:
        grid = self._grid
        late = {number: self._late_points(number, solution) for number in solution}
        late = {number: points for number, points in late.items() if points}
        if not late:
            return self._of_days(solution, size)
        number = self._random.choices(list(late), list(late.values()))[0]
        chosen = {number}
        waiting = [number]
        while waiting and len(chosen) < size // 2:
            before = [one for one in grid.jobs[waiting.pop()].after if one in solution and one not in chosen]
            chosen.update(before)
            waiting += before
        people = {who for one in chosen for who in grid.skilled(grid.jobs[one])}
        due = grid.due(grid.jobs[number]) or 0
        begin = max(0, min(due, solution[number][1][0])) - grid.length // 28
        blocking = [
            one
            for one, place in solution.items()
            if one not in chosen
            and place[0] in people
            and begin <= place[1][0] < grid.end(grid.jobs[number], solution[number])
        ]
        self._random.shuffle(blocking)
        blocking.sort(key=lambda one: grid.jobs[one].priority)
        return chosen | set(blocking[: max(0, size - len(chosen))])

    def _anywhere(self, solution: Solution, size: int) -> set[str]:
        return set(self._random.sample(list(solution), min(len(solution), size)))

    def _late_points(self, number: str, solution: Solution) -> int:
        job = self._grid.jobs[number]
        due = self._grid.due(job)
        return 0 if due is None else max(0, self._grid.end(job, solution[number]) - due) * self._grid.late_points(job)
