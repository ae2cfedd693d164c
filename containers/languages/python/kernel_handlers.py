"""Signal handlers of user code run within user code: they may raise there, or show something.

Must never run one amid a frame, nor let what one raises into the driver: both would be the driver's end.
"""

import functools
import signal


def guard_handlers(interrupts):
    """Of `signal.signal` from now on; `signal.getsignal` answers what user code has set."""
    set_handler, get_handler = signal.signal, signal.getsignal

    @functools.wraps(set_handler)
    def guarded_signal(signalnum, handler):
        if callable(handler) and getattr(handler, "__self__", None) is not interrupts:
            handler = _Guarded(interrupts, handler)
        return _own(set_handler(signalnum, handler))

    @functools.wraps(get_handler)
    def guarded_getsignal(signalnum):
        return _own(get_handler(signalnum))

    signal.signal, signal.getsignal = guarded_signal, guarded_getsignal


class _Guarded:
    def __init__(self, interrupts, own):
        self._interrupts = interrupts
        self.own = own

    def __call__(self, number, frame):
        if self._interrupts.holds:
            # As with Python's own, once for any number of the same signal.
            self._interrupts.late[number] = (self, frame)
        elif self._interrupts.armed:
            self.own(number, frame)
        else:
            try:
                self.own(number, frame)
            except BaseException:
                # Between two runs: there is no code that it could end.
                pass


def _own(handler):
    return handler.own if isinstance(handler, _Guarded) else handler
