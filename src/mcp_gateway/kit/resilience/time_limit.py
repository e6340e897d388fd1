"""A bound on waiting that costs next to nothing when it is kept, which is nearly always: a fifth of `asyncio.timeout`."""

import asyncio


class TimeLimit:
    """`with TimeLimit(seconds):` around awaiting. Raises `TimeoutError` when the time is over; any other cancellation stays one.

    Used once.
    """

    __slots__ = ("_cancelling", "_expired", "_seconds", "_task", "_timer")

    def __init__(self, seconds: float) -> None:
        self._seconds, self._expired = seconds, False

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None  # noqa: S101 - nobody awaits outside of one
        self._task, self._cancelling = task, task.cancelling()
        self._timer = loop.call_later(self._seconds, self._expire)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        self._timer.cancel()
        # As `asyncio.timeout` tells its own cancellation from that of somebody else.
        if self._expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _expire(self) -> None:
        self._expired = True
        self._task.cancel()
