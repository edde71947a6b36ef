"""Calls that happen later: at once without an event loop, once or again and again with one."""

import asyncio

from workbench.views.widgets.timers import Later, Polling


def test_without_an_event_loop_a_call_is_not_put_off_and_nothing_is_polled():
    calls = []
    later, polling = Later(lambda: calls.append("later"), 60.0), Polling(lambda: calls.append("poll"), 0.0)
    later()
    polling.start()
    assert calls == ["later"]
    assert not later.deferred
    assert not polling.running


def test_a_call_that_asks_for_itself_happens_once_without_an_event_loop():
    calls = []

    def call():
        calls.append(1)
        later()

    later = Later(call, 0.0)
    later()
    assert calls == [1]


def test_requests_before_the_call_are_one_with_it_and_can_be_cancelled():
    async def ask():
        calls, done = [], asyncio.Event()
        later = Later(lambda: (calls.append(1), done.set()), 0.0)
        later()
        later()
        assert later.pending
        await done.wait()
        assert not later.pending
        later()
        later.cancel()
        assert not later.pending
        return calls

    assert asyncio.run(ask()) == [1]


def test_a_call_that_is_due_comes_after_others_where_it_is_restarted():
    async def ask(again):
        loop, calls, done = asyncio.get_running_loop(), [], asyncio.Event()
        later = Later(lambda: (calls.append("later"), done.set()), 0.0)
        later()
        await asyncio.sleep(0)  # it is due from now on
        again(later)
        loop.call_soon(loop.call_soon, calls.append, "others")
        await done.wait()
        await asyncio.sleep(0)
        return calls

    assert asyncio.run(ask(Later.__call__)) == ["later", "others"]
    assert asyncio.run(ask(Later.restart)) == ["others", "later"]


def test_polling_goes_on_until_it_is_stopped():
    async def poll():
        calls, done = [], asyncio.Event()

        def call():
            calls.append(1)
            if len(calls) == 3:
                done.set()

        polling = Polling(call, 0.0)
        polling.start()
        await done.wait()
        polling.stop()
        return len(calls), polling.running

    assert asyncio.run(poll()) == (3, False)


def test_time_in_which_the_loop_was_not_free_does_not_count():
    async def work():
        now, calls = [0.0], []
        asyncio.get_running_loop().time = lambda: now[0]
        Later(lambda: calls.append(1), 1.0)()
        counts = []
        for now[0] in (2.0, 4.0):
            for _ in range(3):
                await asyncio.sleep(0)
            counts.append(len(calls))
        return counts

    assert asyncio.run(work()) == [0, 1]
