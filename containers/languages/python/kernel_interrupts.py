"""SIGINT: which code hears it, and when. Must never let it into the driver, nor into a frame."""

import signal
import threading


class Interrupts:
    """SIGINT raises KeyboardInterrupt in user code only: never in the driver, never inside a frame.

    A signal is heard where a function begins and where it ends, so a call that holds it off comes too late
    right after user code. `armed` and `holds` are set there instead.
    """

    def __init__(self):
        # User code runs.
        self.armed = False
        # A frame is being sent, for one.
        self.holds = 0
        # Handlers of user code that wait for the end of a hold, each with its frame, by signal.
        self.late = {}
        self._due = False
        self._pending = False

    def _on_signal(self, _number, _frame):
        if self.holds or (self._due and not self.armed):
            self._pending = True
        elif self.armed:
            raise KeyboardInterrupt

    def install(self):
        if signal.getsignal(signal.SIGINT) != self._on_signal:
            signal.signal(signal.SIGINT, self._on_signal)

    def expect(self):
        """User code comes next: what is heard before it is of that code, not of what ran before."""
        self._due = True
        self._pending = False

    def arm(self):
        self.armed = True
        self._due = False
        self._raise_pending()

    def let_in(self):
        """Ends a hold."""
        self.holds -= 1
        while self.late and self.holds == 0:
            number, (handler, frame) = self.late.popitem()
            handler(number, frame)
        self._raise_pending()

    def _raise_pending(self):
        if self.holds == 0 and self._pending and self.armed:
            self._pending = False
            raise KeyboardInterrupt

    def __enter__(self):
        # Handlers run in the main thread only, so what other threads send needs no hold.
        if threading.current_thread() is threading.main_thread():
            self.holds += 1
        return self

    def __exit__(self, kind, _value, _trace):
        if threading.current_thread() is not threading.main_thread():
            return
        if kind is None:
            self.let_in()
        else:
            self.holds -= 1
