"""Blocking sessions behind the asynchronous `Database` port: a bounded pool of threads, each call on a session of its own.

Cancelling a call, or its time limit, interrupts the session from outside at once, and again until its thread comes back; the
caller does not wait for that. A session that broke is thrown away and the next call connects anew. A statement that makes the
process grow too far is broken off (`memory_watch.py`).
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import structlog

from mcp_gateway.adapters.databases.fetch import fetch_rows
from mcp_gateway.adapters.databases.memory_watch import MemoryWatch
from mcp_gateway.adapters.databases.sessions import Driver, RunsApart, Session
from mcp_gateway.core.schema import Table
from mcp_gateway.core.sql.errors import DatabaseUnavailable, QueryCancelled, QueryTimedOut, QueryTooLarge
from mcp_gateway.core.tasks import begin_task
from mcp_gateway.tables.model import Limits, RawResult, Signal

T = TypeVar("T")

# Reading the catalog of a large database over a slow line; far beyond what it takes here.
_CATALOG_SECONDS = 60.0
_SIGNAL_SECONDS = 10.0
# An interrupt that arrives before the statement has begun is lost, so it is sent again after this while.
_INTERRUPT_AGAIN_SECONDS = 0.02
_INTERRUPT_ATTEMPTS = 30
_CLOSE_SECONDS = 5.0

_log = structlog.get_logger(__name__)


class _Lease:
    """One call's hold on a session; lets another thread stop it whether or not it has begun."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._session: Session | None = None
        self.cancelled = False
        self.overrun = False

    def begin(self, session: Session) -> None:
        """Raises `QueryCancelled` when the caller has already gone."""
        with self._lock:
            if self.cancelled:
                raise QueryCancelled
            self._session = session

    def end(self) -> None:
        with self._lock:
            self._session = None

    def interrupt(self) -> None:
        """Holds the lock, so a session is never interrupted for a call it no longer serves."""
        with self._lock:
            self.cancelled = True
            if self._session is not None:
                self._session.interrupt()

    def break_off(self) -> None:
        """As `interrupt`, at any price: it takes up too much memory."""
        with self._lock:
            if self._session is not None:
                self.overrun = True
                self._session.break_off()


class ThreadedDatabase:
    """The `Database` port over a `Driver`. At most `threads` statements run at a time; others wait within their time limit."""

    def __init__(self, driver: Driver, *, threads: int = 4) -> None:
        self._driver = driver
        self._memory = MemoryWatch(growth_bytes=driver.growth_bytes)
        self._workers = ThreadPoolExecutor(threads, thread_name_prefix="database")
        # Its own thread, so that a pool full of slow statements can still be interrupted.
        self._interrupter = ThreadPoolExecutor(1, thread_name_prefix="database-interrupt")
        self._idle: list[Session] = []
        self._lock = threading.Lock()
        self._running: dict[_Lease, Future[Any]] = {}
        self._settling: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def dialect(self) -> str:
        return self._driver.dialect

    async def open(self) -> None:
        await self._call(lambda session: None, "", _CATALOG_SECONDS)

    async def read_structure(self) -> tuple[Table, ...]:
        return await self._call(lambda session: session.read_structure(), "", _CATALOG_SECONDS)

    async def read_signal(self) -> Signal:
        return await self._call(lambda session: session.read_signal(), "", _SIGNAL_SECONDS)

    async def run(self, sql: str, limits: Limits) -> RawResult:
        def work(session: Session) -> RawResult:
            if limits.may_grow and isinstance(session, RunsApart):
                return session.run_apart(sql, limits)
            with session.query(sql, limits.timeout_seconds) as rows:
                return fetch_rows(rows, limits)

        return await self._call(work, sql, limits.timeout_seconds)

    async def explain(self, sql: str, limits: Limits) -> str:
        return await self._call(lambda session: session.explain(sql, limits), sql, limits.timeout_seconds)

    async def close(self) -> None:
        self._closed = True
        for lease, future in tuple(self._running.items()):
            self._stop(lease, future)
        if self._settling:
            await asyncio.wait(self._settling, timeout=_CLOSE_SECONDS)
        done: Future[None] = Future()
        done.set_running_or_notify_cancel()
        # A thread of its own that nobody waits for at the end: an engine that ignores its interruption must not keep us.
        threading.Thread(target=self._shut_down, args=(done,), name="database-close", daemon=True).start()
        closing = asyncio.wrap_future(done)
        await asyncio.wait({closing}, timeout=_CLOSE_SECONDS)
        closing.cancel()

    async def _call(self, work: Callable[[Session], T], sql: str, timeout_seconds: float) -> T:
        """Raises `QueryTimedOut` after the limit, which counts the wait for a free thread too."""
        if self._closed:
            raise DatabaseUnavailable("The database connection has been closed.")
        lease = _Lease()
        future = self._workers.submit(self._work, lease, work, sql)
        self._running[lease] = future
        waiting = asyncio.wrap_future(future)
        try:
            # Not `wait_for`: before Python 3.12 it swallows a cancellation that meets the result.
            async with asyncio.timeout(timeout_seconds):
                return await asyncio.shield(waiting)
        except asyncio.CancelledError:
            if future.cancelled() and self._closed:
                raise DatabaseUnavailable("The database connection has been closed.") from None
            self._stop(lease, future)
            waiting.add_done_callback(_forget)
            raise
        except TimeoutError:
            self._stop(lease, future)
            waiting.add_done_callback(_forget)
            raise QueryTimedOut(
                f"The query ran longer than {timeout_seconds:g} s and was stopped.", timeout_seconds=timeout_seconds
            ) from None
        finally:
            if future.done():
                self._running.pop(lease, None)

    def _work(self, lease: _Lease, work: Callable[[Session], T], sql: str) -> T:
        """Runs in a worker thread. A kept session may have died with the server meanwhile, so then a fresh one is tried."""
        session = self._take_idle()
        if session is not None:
            try:
                return self._use(lease, session, work, sql)
            except DatabaseUnavailable:
                self._drop_idle()
        return self._use(lease, self._connect(sql), work, sql)

    def _use(self, lease: _Lease, session: Session, work: Callable[[Session], T], sql: str) -> T:
        healthy = False
        try:
            lease.begin(session)
            self._memory.begin(lease)
            result = work(session)
            healthy = not lease.overrun
            return result
        except MemoryError as error:
            raise self._too_large() from error
        except self._driver.failures as error:
            if lease.overrun:
                raise self._too_large() from error
            failure = self._driver.explain_failure(error, sql)
            healthy = not isinstance(failure, DatabaseUnavailable)
            if lease.cancelled:
                raise QueryCancelled from error
            raise failure from error
        finally:
            lease.end()
            self._memory.end(lease)
            self._give_back(session, healthy=healthy)

    def _too_large(self) -> QueryTooLarge:
        return QueryTooLarge(limit_bytes=self._memory.growth_bytes)

    def _connect(self, sql: str) -> Session:
        try:
            return self._driver.connect()
        except self._driver.failures as error:
            failure = self._driver.explain_failure(error, sql)
            if isinstance(failure, DatabaseUnavailable):
                raise failure from error
            raise DatabaseUnavailable(f"The database cannot be opened: {failure.message}") from error

    def _take_idle(self) -> Session | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _drop_idle(self) -> None:
        with self._lock:
            sessions, self._idle = self._idle, []
        for session in sessions:
            self._close_session(session)

    def _close_session(self, session: Session) -> None:
        try:
            session.close()
        except self._driver.failures:
            _log.info("database_session_close_failed", exc_info=True)

    def _give_back(self, session: Session, *, healthy: bool) -> None:
        with self._lock:
            if healthy and not self._closed:
                self._idle.append(session)
                return
        self._close_session(session)

    def _stop(self, lease: _Lease, future: "Future[T]") -> None:
        if future.cancel():
            self._running.pop(lease, None)
            return
        begin_task(self._settle(lease, future), self._settling)

    async def _settle(self, lease: _Lease, future: "Future[T]") -> None:
        """Interrupt until the thread is back."""
        done = asyncio.wrap_future(future)
        done.add_done_callback(_forget)
        loop = asyncio.get_running_loop()
        for attempt in range(_INTERRUPT_ATTEMPTS):
            await loop.run_in_executor(self._interrupter, lease.interrupt)
            await asyncio.wait({done}, timeout=min(_INTERRUPT_AGAIN_SECONDS * 2**attempt, 1.0))
            if done.done():
                break
        else:
            _log.warning("database_interrupt_ignored", dialect=self.dialect)
        self._running.pop(lease, None)

    def _shut_down(self, done: "Future[None]") -> None:
        self._workers.shutdown(wait=True, cancel_futures=True)
        self._interrupter.shutdown(wait=True)
        self._drop_idle()
        self._memory.close()
        self._driver.close()
        done.set_result(None)


def _forget(future: "asyncio.Future[T]") -> None:
    """Nobody waits for this outcome any more; take it so that it is not reported as unseen."""
    if not future.cancelled():
        future.exception()
