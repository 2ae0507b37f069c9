"""What is done while the portal has a batch: the one before it gets its outcome, the one after it is stored.

Rules. The request is made in a thread of its own; everything else stays in the sender's. One batch at a time is at the
portal, one more at most is stored and waits, and it is held against the registry and the lease again at the moment
before it goes (`delivery.send`). What fails here never hides the portal's reply: that is heard and entered first.
Dies meanwhile: up to three batches are `open`, and the next run asks after each (`delivery.recover`).
Deliberately not here: what is stored or entered.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

_T = TypeVar("_T")


@dataclass(slots=True)
class Meanwhile:
    """The work that waits for the next request to be under way, and the failure of what was done so."""

    _thread: ThreadPoolExecutor | None = field(default=None, repr=False)
    _work: Callable[[], None] | None = None
    _failure: Exception | None = field(default=None, repr=False)

    def put(self, work: Callable[[], None] | None) -> None:
        """Have this done, or nothing, while the next request is under way.

        Work that was put before and found no request, as where nothing of a batch may go any more, is forgotten.
        """
        self._work = work

    def ask(self, request: Callable[[], _T]) -> _T:
        """Return what the request returns, or raise what it raises; the work, if there is any, is done meanwhile."""
        work, self._work = self._work, None
        if work is None or self._thread is None:
            return request()
        asked = self._thread.submit(request)
        try:
            work()
        except Exception as failure:  # noqa: BLE001  kept for `check`, once the reply was heard
            self._failure = failure
        finally:
            wait([asked])
        return asked.result()

    def check(self) -> None:
        """Raise what the work raised, if it did."""
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure


@contextmanager
def looking_ahead() -> Iterator[Meanwhile]:
    """Give a Meanwhile with a thread for requests; ended when the block is left, its request answered."""
    with ThreadPoolExecutor(1, thread_name_prefix="portal-request") as thread:
        yield Meanwhile(thread)
