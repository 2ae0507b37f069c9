"""While a request is under way: what is done meanwhile, and that it never hides the portal's reply."""

import threading

import pytest

from delivery.ahead import Meanwhile, looking_ahead
from journal.portal import PortalError, Resend


def test_the_work_is_done_while_the_request_is_under_way_and_only_once() -> None:
    worked = threading.Event()
    done: list[str] = []

    def request() -> str:
        assert worked.wait(10)  # the reply comes only after the work: both are under way at one time
        return "receipt"

    def work() -> None:
        done.append(threading.current_thread().name)
        worked.set()

    with looking_ahead() as meanwhile:
        meanwhile.put(work)
        assert meanwhile.ask(request) == "receipt"
        assert meanwhile.ask(request) == "receipt"
    assert done == [threading.main_thread().name]
    meanwhile.check()


def test_work_that_found_no_request_is_not_done_by_a_later_one() -> None:
    done = []
    with looking_ahead() as meanwhile:
        meanwhile.put(lambda: done.append("stale"))
        meanwhile.put(None)
        assert meanwhile.ask(lambda: "reply") == "reply"
    assert done == []


def test_a_reply_is_heard_although_the_work_failed_and_the_failure_is_told_once_after_it() -> None:
    def work() -> None:
        raise OSError("no room")

    with looking_ahead() as meanwhile:
        meanwhile.put(work)
        assert meanwhile.ask(lambda: "receipt") == "receipt"
        with pytest.raises(OSError, match="no room"):
            meanwhile.check()
        meanwhile.check()


def test_what_the_request_raises_is_raised_after_the_work_was_done() -> None:
    done: list[bool] = []

    def request() -> str:
        raise PortalError("cut", Resend.UNKNOWN)

    with looking_ahead() as meanwhile:
        meanwhile.put(lambda: done.append(True))
        with pytest.raises(PortalError, match="cut"):
            meanwhile.ask(request)
    assert done == [True]


def test_without_work_or_a_thread_the_request_is_made_where_it_is_asked() -> None:
    with looking_ahead() as meanwhile:
        assert meanwhile.ask(threading.current_thread) is threading.main_thread()
    alone = Meanwhile()
    alone.put(lambda: pytest.fail("nothing is under way that this could be beside"))
    assert alone.ask(threading.current_thread) is threading.main_thread()
