"""Ends what takes too long in the main thread, such as a `_repr_html_` that never returns.

Owns SIGALRM while it waits, and gives back the alarm that user code had set. Must never end a frame
that is being sent. What loops in C, or in another thread, ends with the run.
"""

import signal
import threading
import time

# Python's own: see kernel_handlers.
from signal import signal as set_handler

# What one form of a value may take.
FORM_S = 5
# The first exception may have been caught by what it should end.
_AGAIN_S = 0.2


class TookTooLong(BaseException):
    """Not an Exception, which user code catches."""


class TimeBound:
    def __init__(self, interrupts):
        self._interrupts = interrupts
        self._running = False

    def call(self, seconds, function, *args):
        """What the function answers. Within another call, that one's bound is the only one."""
        if self._running or threading.current_thread() is not threading.main_thread():
            return function(*args)
        with self._interrupts:
            found = self._begin(seconds)
            try:
                self._interrupts.let_in()
                return function(*args)
            finally:
                self._interrupts.holds += 1
                self._end(found)

    def _begin(self, seconds):
        # First: what is due by now goes to the handler of the user.
        left, again = signal.setitimer(signal.ITIMER_REAL, 0)
        handler = set_handler(signal.SIGALRM, self._on_alarm)
        self._running = True
        signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN_S)
        return handler, left, again, time.monotonic()

    def _end(self, found):
        self._running = False
        handler, left, again, began = found
        signal.setitimer(signal.ITIMER_REAL, 0)
        set_handler(signal.SIGALRM, signal.SIG_DFL if handler is None else handler)
        if left > 0:
            signal.setitimer(signal.ITIMER_REAL, max(1e-6, left - (time.monotonic() - began)), again)

    def _on_alarm(self, _number, _frame):
        if self._running and not self._interrupts.holds:
            raise TookTooLong
