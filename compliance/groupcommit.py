"""Group commit: many threads' requests carried out together by whichever thread is first.

The first thread to arrive leads: it takes everything that is queued and commits it at once, while
others queue behind it; then it hands the lead to the first of those. So the cost of a commit, a
few waits for the disk, is shared by all who wait for it.
"""

from __future__ import annotations

import copy
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from compliance.errors import MunimentError, StoreUnavailable

T = TypeVar("T")
BATCH_REQUESTS = 1024
"""At most this many requests share one commit, so that none waits for too large a one."""
GATHER_SECONDS = 0.002
"""At most this long a leader waits for threads that took part in the last commit to come back."""


class _Request(Generic[T]):
    """One thread's part of a commit, and the signal by which it learns the outcome or gets the lead."""

    def __init__(self, value: T) -> None:
        self.value = value
        self.done = False
        self.error: MunimentError | None = None
        self._signal = threading.Lock()
        self._signal.acquire()

    def wait(self) -> None:
        self._signal.acquire()

    def wake(self) -> None:
        self._signal.release()


class GroupCommit(Generic[T]):
    """Carries out requests in batches, one batch at a time, in the order of their arrival.

    A thread leads only while its own request is at the front of the queue, and the queue is empty
    whenever nobody leads.
    """

    def __init__(self, commit: Callable[[list[T]], None]) -> None:
        self._commit = commit
        self._queue: deque[_Request[T]] = deque()
        self._mutex = threading.Lock()
        self._gathered = threading.Condition(self._mutex)
        self._led = False
        self._expected = 1
        self._lasted = 0.0

    def submit(self, value: T) -> None:
        """Return once the request is carried out; raises what the commit of its batch raised."""
        request = _Request(value)
        with self._mutex:
            self._queue.append(request)
            if len(self._queue) >= self._expected:
                self._gathered.notify()
            lead, self._led = not self._led, True
        if not lead:
            request.wait()
        if not request.done:
            self._lead()
        if request.error is not None:
            # Each thread raises an error of its own: a traceback is not shared.
            raise copy.copy(request.error) from request.error

    def _lead(self) -> None:
        batch, started = self._gather(), time.monotonic()
        error: MunimentError | None = StoreUnavailable(
            "The append was cut short by a defect in another thread."
        )
        try:
            self._commit([request.value for request in batch])
            error = None
        except MunimentError as raised:
            error = raised
        finally:
            self._lasted = time.monotonic() - started
            self._finish(batch, error)

    def _gather(self) -> list[_Request[T]]:
        """Take what is queued, waiting briefly for the threads that were here the last time."""
        with self._mutex:
            deadline = time.monotonic() + min(GATHER_SECONDS, self._lasted / 4)
            while len(self._queue) < self._expected and (left := deadline - time.monotonic()) > 0:
                self._gathered.wait(left)
            return [self._queue.popleft() for _ in range(min(BATCH_REQUESTS, len(self._queue)))]

    def _finish(self, batch: list[_Request[T]], error: MunimentError | None) -> None:
        with self._mutex:
            self._expected = min(BATCH_REQUESTS, len(batch) + len(self._queue))
            follower = self._queue[0] if self._queue else None
            self._led = follower is not None
        for request in batch:
            request.done, request.error = True, error
            request.wake()
        if follower is not None:
            follower.wake()
