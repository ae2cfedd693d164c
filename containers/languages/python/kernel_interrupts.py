"""SIGINT: which code hears it, and when. Must never let it into the driver, nor into a frame."""

import signal
import threading


class Interrupts:
    """SIGINT raises KeyboardInterrupt in user code only: never in the driver, never inside a frame."""

    def __init__(self):
        self._armed = False
        self._due = False
        self._held = 0
        self._pending = False

    def _on_signal(self, _number, _frame):
        if self._held or (self._due and not self._armed):
            self._pending = True
        elif self._armed:
            raise KeyboardInterrupt

    def install(self):
        if signal.getsignal(signal.SIGINT) != self._on_signal:
            signal.signal(signal.SIGINT, self._on_signal)

    def expect(self):
        """User code comes next: what is heard before it is of that code, not of what ran before."""
        self._due = True
        self._pending = False

    def arm(self, armed):
        self._armed = armed
        pending, self._pending = self._pending, False
        if not armed:
            self._due = False
        elif pending:
            raise KeyboardInterrupt

    @property
    def held(self):
        """A frame is being sent."""
        return self._held > 0

    def __enter__(self):
        # Handlers run in the main thread only, so what other threads send needs no hold.
        if threading.current_thread() is threading.main_thread():
            self._held += 1
        return self

    def __exit__(self, kind, _value, _trace):
        if threading.current_thread() is not threading.main_thread():
            return
        self._held -= 1
        if self._held == 0 and self._pending and self._armed and kind is None:
            self._pending = False
            raise KeyboardInterrupt
