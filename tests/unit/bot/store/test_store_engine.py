import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.errors import NewerSchema
from bot.store.engine import open_engine
from bot.store.migrate import migrate, read_migrations, statements
from bot.store.transaction import writing

OLD_MEMBERS = """
INSERT INTO tenants (tenant, created_at) VALUES ('7', 0);
INSERT INTO failures (tenant, trace_id, span_id, detector, service, occurred_at, record) VALUES
    ('7', 't1', 'a', 'error', 's', 0, '{}'), ('7', 't2', 'a', 'error', 's', 0, '{}');
INSERT INTO failure_modes (tenant, failure_mode_id, title, status, detector, failure_key, centroid, exemplars,
    n_traces, n_sessions, n_users, first_seen, last_seen)
    VALUES ('7', 'fm1', '', 'new', 'error', '', '', '[]', 1, 0, 0, 0, 0);
INSERT INTO failure_mode_members (tenant, trace_id, span_id, detector, failure_mode_id)
    VALUES ('7', 't1', 'a', 'error', 'fm1');
"""


@pytest.fixture
def sqlite(tmp_path: Path) -> sa.Engine:
    return open_engine(f"sqlite:///{tmp_path / 'new' / 'folder' / 'a.db'}")


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("auto_vacuum", 2), ("foreign_keys", 1), ("busy_timeout", 10_000)],
)
def test_sqlite_keeps_every_commit_and_can_shrink(sqlite: sa.Engine, pragma: str, value: object) -> None:
    migrate(sqlite)
    with sqlite.connect() as connection:
        assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value
    sqlite.dispose()


def test_a_plain_postgresql_address_means_psycopg_3() -> None:
    engine = open_engine("postgresql://user:secret@127.0.0.1/name")
    assert engine.driver == "psycopg"


def test_migrations_are_applied_once_and_named(engine: sa.Engine) -> None:
    assert migrate(engine) == list(read_migrations())
    assert migrate(engine) == []


def test_a_database_of_a_newer_version_is_refused(engine: sa.Engine) -> None:
    migrate(engine)
    with writing(engine) as connection:
        connection.exec_driver_sql("INSERT INTO migrations (name) VALUES ('9999_future')")
    with pytest.raises(NewerSchema, match="9999_future"):
        migrate(engine)


def test_failures_stay_in_their_mode_when_members_become_a_column(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {name: sql for name, sql in read_migrations().items() if name < "0042"}
    with monkeypatch.context() as patched:
        patched.setattr("bot.store.migrate.read_migrations", lambda: before)
        migrate(engine)
    with writing(engine) as connection:
        for statement in statements(OLD_MEMBERS, dialect=engine.dialect.name):
            connection.exec_driver_sql(statement)
    migrate(engine)
    with engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT trace_id, failure_mode_id FROM failures ORDER BY trace_id").all()
    assert [tuple(row) for row in found] == [("t1", "fm1"), ("t2", "")]


def test_two_processes_that_start_together_migrate_once(engine: sa.Engine) -> None:
    applied: list[str] = []
    threads = [threading.Thread(target=lambda: applied.extend(migrate(engine))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(applied) == list(read_migrations())


def test_a_transaction_that_fails_leaves_nothing_not_even_a_table(engine: sa.Engine) -> None:
    def change_half() -> None:
        with writing(engine) as connection:
            connection.exec_driver_sql("CREATE TABLE half (a TEXT)")
            connection.exec_driver_sql("NOT SQL")

    with pytest.raises(sa.exc.DBAPIError):
        change_half()
    assert not sa.inspect(engine).has_table("half")


def test_every_primary_key_begins_with_the_tenant(engine: sa.Engine) -> None:
    migrate(engine)
    inspector = sa.inspect(engine)
    tables = set(inspector.get_table_names()) - {"migrations"}
    first = {table: inspector.get_pk_constraint(table)["constrained_columns"][0] for table in tables}
    assert len(first) > 16
    assert set(first.values()) == {"tenant"}


def test_comments_and_inner_semicolons_do_not_split_a_statement() -> None:
    sql = "-- one; two\nCREATE TABLE a (\n    -- why;\n    b TEXT DEFAULT ';'\n);\n\nDROP TABLE a;\n"
    assert list(statements(sql, dialect="sqlite")) == ["CREATE TABLE a (\n    b TEXT DEFAULT ';'\n)", "DROP TABLE a"]


def test_only_sqlite_is_told_of_tables_without_a_row_number() -> None:
    sql = "CREATE TABLE a (b TEXT PRIMARY KEY) WITHOUT ROWID;"
    assert list(statements(sql, dialect="postgresql")) == ["CREATE TABLE a (b TEXT PRIMARY KEY)"]
    assert list(statements(sql, dialect="sqlite")) == [sql.removesuffix(";")]
