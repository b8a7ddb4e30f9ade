"""Workers: the processes that run the workflows of one database, alone on SQLite, together on PostgreSQL.

A dead worker's workflows are taken over. DBOS does not do that by itself: it recovers the workflows of one executor
when an executor of that name starts. So each worker on PostgreSQL has a name of its own and holds an advisory lock on
it; the server gives the lock up when the worker's connection ends, and whoever gets it knows that its holder is gone.

    worker A   lock "A" ─────────────────┤ (kill -9)
    worker B   lock "B" … tries "A": held … tries "A": got it → A's pending workflows are queued again

A worker that only seemed dead (its connection broke, or it was stopped for a while) finds its workflows taken: DBOS
lets one owner of a workflow record a result. Locks of a session need a session: no PgBouncer in transaction mode.
"""

import fcntl
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa
from dbos import DBOS

from bot.errors import AlreadyRunning

# A dead worker's work goes on within ten seconds: this, and the time the server needs to see its connection end.
PROBE_S = 1.0
# What the name of every worker on SQLite is: there is one, and it goes on with what the last one left.
ALONE = "local"
log = logging.getLogger(__name__)

_LOCK = sa.text("SELECT pg_advisory_lock(hashtextextended(:name, 0))")
_TRY_LOCK = sa.text("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))")
_UNLOCK = sa.text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))")
# A machine that loses its power says no good-bye: the server asks after five seconds of silence, and thrice.
_NOTICE_SILENCE = ("SET tcp_keepalives_idle = 5", "SET tcp_keepalives_interval = 1", "SET tcp_keepalives_count = 3")


@contextmanager
def working(engine: sa.Engine) -> Iterator[str]:
    """Be a worker of this database as long as the block runs; yield the name to give to DBOS as `executor_id`.

    Raises
    ------
    AlreadyRunning
        When another process works on this SQLite database: what it has under way would be done twice.

    """
    if engine.dialect.name == "sqlite":
        with _alone(engine):
            yield ALONE
        return
    name = f"worker-{uuid4()}"
    with _SignOfLife(engine, name):
        yield name


@contextmanager
def taking_over(engine: sa.Engine, name: str) -> Iterator[None]:
    """Queue the work of dead workers again as long as the block runs; DBOS must be launched."""
    if engine.dialect.name == "sqlite":
        yield
        return
    stop = threading.Event()
    watching = threading.Thread(target=_watch, args=(engine, name, stop), name="workers", daemon=True)
    watching.start()
    try:
        yield
    finally:
        stop.set()
        watching.join()


def take_over(connection: sa.Connection, name: str) -> list[str]:
    """Queue the workflows of every dead worker again; return the names of the dead."""
    pending = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
    others = sorted({workflow.executor_id for workflow in pending if workflow.executor_id} - {name})
    return [other for other in others if _take_over_from(connection, other)]


def _take_over_from(connection: sa.Connection, name: str) -> bool:
    if not connection.scalar(_TRY_LOCK, {"name": name}):
        return False  # it lives
    try:
        DBOS._recover_pending_workflows([name])  # noqa: SLF001 - DBOS has no public call; its version is pinned
    finally:
        connection.execute(_UNLOCK, {"name": name})
    log.warning("took over the work of %s", name)
    return True


def _watch(engine: sa.Engine, name: str, stop: threading.Event) -> None:
    while not stop.wait(PROBE_S):
        try:
            with _session(engine) as connection:
                take_over(connection, name)
        except sa.exc.DBAPIError as error:
            log.warning("the workers of the database are looked at again in %s s: %s", PROBE_S, error.orig)


class _SignOfLife:
    """Holds the advisory lock on a worker's name, and takes it again when the connection broke."""

    def __init__(self, engine: sa.Engine, name: str) -> None:
        self._engine = engine
        self._name = name
        self._stop = threading.Event()
        self._held = threading.Event()
        self._thread = threading.Thread(target=self._hold, name="sign of life", daemon=True)

    def __enter__(self) -> None:
        with _session(self._engine):
            pass  # a database that is not there is the caller's error
        self._thread.start()
        self._held.wait()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _hold(self) -> None:
        while not self._stop.is_set():
            try:
                with _session(self._engine) as connection:
                    connection.execute(_LOCK, {"name": self._name})
                    self._held.set()
                    while not self._stop.wait(PROBE_S):
                        connection.exec_driver_sql("SELECT 1")
            except sa.exc.DBAPIError as error:
                log.warning("the sign of life of %s is given again: %s", self._name, error.orig)
                self._stop.wait(PROBE_S)


@contextmanager
def _session(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a connection that is closed, not pooled, at the end: its locks end with it."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        try:
            for setting in _NOTICE_SILENCE:
                connection.exec_driver_sql(setting)
            yield connection
        finally:
            connection.invalidate()


@contextmanager
def _alone(engine: sa.Engine) -> Iterator[None]:
    """Hold the only right to run a SQLite database's workflows; the system takes it back when the process ends."""
    if not engine.url.database:
        yield
        return
    with Path(f"{engine.url.database}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning(f"another process, such as `serve`, runs the loop on {engine.url.database}") from error
        yield
