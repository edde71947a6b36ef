"""Plans as a queue of jobs for each technician, improved by moves of jobs within and between the queues."""

import math
import random
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Collection
from heapq import heapify, heappop, heappush

from workbench.maintenance.schedule.grid import Grid, Solution
from workbench.maintenance.schedule.model import Job

__all__ = ["improved_queues"]

_NOWHERE = -1  # start and end of a job without a place
_MOVES_BETWEEN_RANKINGS = 300
_WARMEST, _COLDEST = 2.0, 0.03  # in mean points of a job above the bound

_Move = tuple[int, int, float, bool]
"""Job, its technician, its rank in the queue, and whether it waits for its slot of the previous plan."""

_Room = tuple[int, list[int], list[int], list[int]]
"""Length of a session, the first and last slots in which it may start, of each span that is long enough, and the number
of the technician's free span in which that lies."""


def improved_queues(
    grid: Grid,
    solution: Solution,
    plannable: Collection[str],
    bound: int,
    chance: random.Random,
    moves: int,
    goes_on: Callable[[int], bool],
) -> Solution:
    """Return the best solution that moves of jobs within and between the technicians' queues come to.

    Parameters
    ----------
    grid : Grid
        The problem in time slots; none of its jobs is settled.
    solution : Solution
        Where the moves begin.
    plannable : collection of str
        Jobs that can be planned at all.
    bound : int
        Points that no solution is below.
    chance : random.Random
        Chooses the moves.
    moves : int
        Moves for which there probably is time.
    goes_on : callable
        Called before each move with the number of jobs that the last one placed anew; no more are made once it returns
        False.

    Returns
    -------
    Solution
        The one that was passed where none is better.

    Notes
    -----
    Simulated annealing (Kirkpatrick, Gelatt and Vecchi 1983): one cooling in the moves that are expected, and where
    there is time for more, others from the best solution so far. A late job goes forward, two jobs change places,
    a job goes elsewhere in its queue or in another, or waits for its slot of the previous plan. Only what a move
    changes is placed anew, and no more of it once the move costs more than is accepted.
    """
    queues = _Queues(grid, solution, plannable)
    best, least = solution, grid.score(solution, plannable).points
    while True:
        queues.restore(best)
        mean = max(1.0, (least - bound) / len(queues.numbers))
        for step in range(moves):
            if step % _MOVES_BETWEEN_RANKINGS == 0 and step:
                queues.restore(queues.solution())
            if queues.points < least:
                best, least = queues.solution(), queues.points
            if not goes_on(queues.placed_anew):
                return best
            temperature = mean * _WARMEST * (_COLDEST / _WARMEST) ** (step / moves)
            queues.make(queues.random_move(chance), -temperature * math.log(1 - chance.random()))


class _Queues:
    """The queue of each technician, where its jobs are placed, and the points of all.

    Job by job, each is placed in the first free span that has room for it after those before it in the queue, once all
    that it waits for has ended: what is short fills the end of a day. Ranks rise along each queue and from a job to
    those that wait for it, so that in the order of ranks each job is placed once.
    """

    def __init__(self, grid: Grid, solution: Solution, plannable: Collection[str]) -> None:
        self.grid = grid
        self.numbers = [number for number in grid.jobs if number in plannable]
        jobs = [grid.jobs[number] for number in self.numbers]
        index = {number: job for job, number in enumerate(self.numbers)}
        self.before = [[index[one] for one in set(job.after) if one in index] for job in jobs]
        self.followers = [[index[one] for one in grid.followers[number] if one in index] for number in self.numbers]
        self.releases = [grid.release(job) or 0 for job in jobs]
        self.lengths = [sum(grid.sessions(job)) for job in jobs]
        self.dues = [grid.length if (due := grid.due(job)) is None else due for job in jobs]
        self.late_points = [grid.late_points(job) for job in jobs]
        self.unplanned_points = [grid.unplanned_points(job) for job in jobs]
        self.skilled = [grid.skilled(job) for job in jobs]
        self.costs = [{who: grid.cost_points(job, who) for who in grid.skilled(job)} for job in jobs]
        self.change_points = [grid.change_points if number in grid.previous else 0 for number in self.numbers]
        self.previous = [grid.previous_place(job) for job in jobs]
        self.may_stay = [
            job for job, place in enumerate(self.previous) if place is not None and place[0] in self.skilled[job]
        ]
        rooms: dict[tuple[str, int, int], _Room] = {}
        self.rooms = [
            {who: [self._room(rooms, job, who, size) for size in grid.sessions(job)] for who in grid.skilled(job)}
            for job in jobs
        ]
        self.alike: dict[int, list[int]] = {}  # jobs by their length
        for job, length in enumerate(self.lengths):
            self.alike.setdefault(length, []).append(job)
        people = range(len(grid.technicians))
        self.frozen_end = [min(max((end for _, end in grid.taken[who]), default=0), grid.length) for who in people]
        self.frozen_work = [grid.frozen_work(who) for who in people]
        self.placed_anew = 0
        self.restore(solution)

    def _room(self, rooms: dict[tuple[str, int, int], _Room], job: Job, who: int, size: int) -> _Room:
        """Return the first and the last slots in which a session may start, of each span that is long enough."""
        key = (job.asset if self.grid.running(job) else "", who, size)
        if key not in rooms:
            spans = [(start, end - size) for start, end in self.grid.allowed(job, who) if end - start >= size]
            free = [start for start, _ in self.grid.free[who]]
            firsts, lasts = [first for first, _ in spans], [last for _, last in spans]
            rooms[key] = size, firsts, lasts, [bisect_right(free, first) - 1 for first in firsts]
        return rooms[key]

    def restore(self, solution: Solution) -> None:
        """Set up the queues so that they hold the jobs in the order of a solution."""
        grid, count = self.grid, len(self.numbers)
        places = [solution.get(number) for number in self.numbers]
        self.people = [
            skilled[0] if place is None else place[0] for place, skilled in zip(places, self.skilled, strict=True)
        ]
        self.starts: list[tuple[int, ...]] = [() if place is None else place[1] for place in places]
        self.waits = [
            place is not None and (place[0], place[1][0]) == previous
            for place, previous in zip(places, self.previous, strict=True)
        ]
        self.ranks = [float(job) for job in range(count)]
        self.ends = [_NOWHERE] * count
        self.spans: list[tuple[tuple[int, int], ...]] = [
            ()
        ] * count  # of the technician, and up to where they are taken
        self.points_of = [0] * count
        self.idle_of = [0] * len(grid.technicians)
        self.points = 0
        self._limit = math.inf
        self._points_before = 0
        self._places_before: list[tuple[int, tuple[int, ...], tuple[tuple[int, int], ...], int, int]] = []
        self._idle_before: list[tuple[int, int]] = []
        self._moved: list[_Move] = []
        starts = [place[1][0] if place else grid.length for place in places]
        self.queues: list[list[tuple[float, int]]] = [[] for _ in grid.technicians]
        for rank, job in enumerate(sorted(range(count), key=starts.__getitem__)):
            self.ranks[job] = float(rank)
            self.queues[self.people[job]].append((float(rank), job))
        self._place(sorted(entry for queue in self.queues for entry in queue), range(count))

    def solution(self) -> Solution:
        """Return the places of the jobs that have one."""
        return {
            number: (who, starts)
            for number, who, starts in zip(self.numbers, self.people, self.starts, strict=True)
            if starts
        }

    def random_move(self, chance: random.Random) -> list[_Move]:
        """Return a move: the jobs that change, with their new technicians and ranks; none in rare cases."""
        count = len(self.numbers)
        kind = chance.random()
        if self.may_stay and kind < 0.1:
            job = chance.choice(self.may_stay)
            who, start = self.previous[job] or (0, 0)
            return [self._to(job, who, self._at(who, start), True)]
        job = chance.randrange(count)
        if kind < 0.6:  # two jobs change places: two of the same length, or near each other
            if kind < 0.3:
                other = chance.choice(self.alike[self.lengths[job]])
            else:
                queue = self.queues[chance.choice(self.skilled[job])]
                near = bisect_left(queue, (self.ranks[job], job)) + chance.randint(-4, 4)
                other = queue[min(max(0, near), len(queue) - 1)][1] if queue else job
            who, instead = self.people[job], self.people[other]
            if other == job or who not in self.costs[other] or instead not in self.costs[job]:
                return []
            return [(job, instead, self.ranks[other], False), (other, who, self.ranks[job], False)]
        if kind < 0.8:  # a late job goes forward: the latest of some
            job = max((job, *(chance.randrange(count) for _ in range(2))), key=self._late)
            who = chance.choice(self.skilled[job])
            here = bisect_left(self.queues[who], (self.ranks[job], job))
            return [self._to(job, who, here - 1 - int(here * chance.random() ** 2), False)]
        who = chance.choice(self.skilled[job])
        here = bisect_left(self.queues[who], (self.ranks[job], job))
        return [self._to(job, who, here + chance.randint(-5, 5), False)]

    def _late(self, job: int) -> int:
        return self.points_of[job] - self.costs[job].get(self.people[job], 0)

    def _at(self, who: int, slot: int) -> int:
        """Return the place in a queue of a job that starts in a slot."""
        return sum(1 for _, job in self.queues[who] if self.starts[job] and self.starts[job][0] < slot)

    def _to(self, job: int, who: int, place: int, waits: bool) -> _Move:
        """Return the move of a job to a place in a queue, after those that it waits for and before those after it."""
        queue = self.queues[who]
        place = min(max(0, place), len(queue))
        low = max([queue[place - 1][0] if place else -1.0, *(self.ranks[one] for one in self.before[job])])
        high = queue[place][0] if place < len(queue) else len(self.numbers) + 1.0
        high = min([high, *(self.ranks[one] for one in self.followers[job])])
        return job, who, (low + high) / 2, waits

    def make(self, moves: list[_Move], worse: float) -> None:
        """Make a move where it adds no more than some points, and puts no job before one that it waits for."""
        self.placed_anew = 0
        self._places_before, self._idle_before, self._moved = [], [], []
        self._points_before = self.points
        ranks = {job: rank for job, _, rank, _ in moves}
        for job, rank in ranks.items():
            if any(ranks.get(one, self.ranks[one]) >= rank for one in self.before[job]):
                return
            if any(ranks.get(one, self.ranks[one]) <= rank for one in self.followers[job]):
                return
        self._moved = [(job, self.people[job], self.ranks[job], self.waits[job]) for job in ranks]
        heap = self._put(moves)
        heapify(heap)
        self._limit = self.points + worse
        self._place(heap, ranks)
        if self.points > self._limit:
            self.undo()

    def undo(self) -> None:
        """Take the last move back."""
        self._put(self._moved)
        for job, starts, spans, end, points in self._places_before:
            self.starts[job], self.spans[job], self.ends[job], self.points_of[job] = starts, spans, end, points
        for who, idle in self._idle_before:
            self.idle_of[who] = idle
        self.points = self._points_before

    def _put(self, moves: list[_Move]) -> list[tuple[float, int]]:
        """Put jobs into queues, and return them and those that came after them in their old places."""
        old = [(self.people[job], (self.ranks[job], job)) for job, *_ in moves]
        for who, entry in old:
            del self.queues[who][bisect_left(self.queues[who], entry)]
        changed: list[tuple[float, int]] = []
        for who, entry in old:
            place = bisect_left(self.queues[who], entry)
            changed += self.queues[who][place : place + 1]
        for job, who, rank, waits in moves:
            self.people[job], self.ranks[job], self.waits[job] = who, rank, waits
            insort(self.queues[who], (rank, job))
            changed.append((rank, job))
        return changed

    def _place(self, heap: list[tuple[float, int]], moved: Collection[int]) -> None:
        """Place jobs, all after them in their queues and all that wait for them, until it costs too much."""
        touched = {self.people[job] for _, job in heap} | {who for _, who, *_ in self._moved}
        fronts: dict[int, list[int]] = {}
        last = _NOWHERE
        while heap:
            entry = heappop(heap)
            job = entry[1]
            if job == last:
                continue
            last = job
            self.placed_anew += 1
            who = self.people[job]
            queue = self.queues[who]
            place = bisect_left(queue, entry)
            if who not in fronts:
                fronts[who] = self._fronts(who, queue[:place])
            starts, spans, end = self._earliest(job, who, fronts[who])
            if place + 1 < len(queue):
                heappush(heap, queue[place + 1])
            if starts == self.starts[job] and job not in moved:
                continue
            self._places_before.append((job, self.starts[job], self.spans[job], self.ends[job], self.points_of[job]))
            for one in self.followers[job]:
                heappush(heap, (self.ranks[one], one))
                touched.add(self.people[one])
            points = self._points(job, who, starts, end)
            self.points += points - self.points_of[job]
            self.starts[job], self.spans[job], self.ends[job], self.points_of[job] = starts, spans, end, points
            if self.points > self._limit:
                return
        for who in touched:
            self._count_idle(who)

    def _fronts(self, who: int, jobs: list[tuple[float, int]]) -> list[int]:
        """Return up to which slot each span of a technician is taken by some jobs."""
        fronts = [0] * len(self.grid.free[who])
        for _, job in jobs:
            for span, front in self.spans[job]:
                fronts[span] = max(fronts[span], front)
        return fronts

    def _earliest(
        self, job: int, who: int, fronts: list[int]
    ) -> tuple[tuple[int, ...], tuple[tuple[int, int], ...], int]:
        """Return where a job's sessions start and what they take of which spans, and its end; () if it fits nowhere."""
        at = self.releases[job]
        for one in self.before[job]:
            if self.ends[one] == _NOWHERE:
                return (), (), _NOWHERE
            at = max(at, self.ends[one])
        previous = self.previous[job]
        if self.waits[job] and previous is not None and previous[0] == who:
            at = max(at, previous[1])
        starts: list[int] = []
        spans: list[tuple[int, int]] = []
        for size, firsts, lasts, parents in self.rooms[job][who]:
            for room in range(bisect_left(lasts, at), len(lasts)):
                start = max(firsts[room], at, fronts[parents[room]])
                if start <= lasts[room]:
                    break
            else:
                return (), (), _NOWHERE
            starts.append(start)
            at = start + size
            spans.append((parents[room], at))
        for span, front in spans:
            fronts[span] = front
        return tuple(starts), tuple(spans), at

    def _points(self, job: int, who: int, starts: tuple[int, ...], end: int) -> int:
        if not starts:
            return self.unplanned_points[job] + self.change_points[job]
        change = 0 if self.previous[job] == (who, starts[0]) else self.change_points[job]
        return self.costs[job][who] + change + max(0, end - self.dues[job]) * self.late_points[job]

    def _count_idle(self, who: int) -> None:
        """Count the slots in which a technician waits before the last job."""
        queue = self.queues[who]
        end = max(self.frozen_end[who], max((self.ends[job] for _, job in queue), default=0))
        busy = self.frozen_work[who] + sum(self.lengths[job] for _, job in queue if self.starts[job])
        idle = self.grid.worked[who][end] - busy
        self._idle_before.append((who, self.idle_of[who]))
        self.points += (idle - self.idle_of[who]) * self.grid.idle_points
        self.idle_of[who] = idle
