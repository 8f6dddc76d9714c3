"""Doing something at most so often, in a thread of its own, and once more at the end."""

from __future__ import annotations

import threading
from collections.abc import Callable

from compliance.errors import MunimentError

AGAIN_SECONDS = 5.0
"""After a refusal it is tried again so much later."""


class Pacer:
    """Calls ``act`` once after a while, however often it is asked to meanwhile. Safe from many threads."""

    def __init__(self, act: Callable[[], None]) -> None:
        self._act = act
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._stopped = False

    def within(self, seconds: float) -> None:
        """Act that much later, unless it is about to already."""
        with self._lock:
            if self._timer is None and not self._stopped:
                self._timer = threading.Timer(seconds, self._fire)
                self._timer.daemon = True
                self._timer.start()

    def stop(self) -> None:
        """Act no more; what is under way is waited for."""
        with self._lock:
            timer, self._timer, self._stopped = self._timer, None, True
        if timer is not None:
            timer.cancel()
            if timer is not threading.current_thread():
                timer.join()

    def _fire(self) -> None:
        with self._lock:
            self._timer = None
        try:
            self._act()
        except MunimentError:
            # Whoever appends or opens the log next is told; what is pending stays so.
            self.within(AGAIN_SECONDS)
