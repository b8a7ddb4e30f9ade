"""Everything of a tenant at once: moved to another tenant, renamed, or deleted.

The tables are asked of the database, so that none which a later migration adds is left out.
"""

import sqlalchemy as sa

from bot.store.days import PREFIX

TENANT, REPOSITORY = "tenant", "repository"


def delete_everything(connection: sa.Connection, tenant: str) -> None:
    """Delete every row of a tenant."""
    for table in reversed(_tables(connection, TENANT)):
        connection.execute(sa.delete(table).where(table.c.tenant == tenant))


def move_everything(connection: sa.Connection, old: str, new: str) -> None:
    """Make the rows of `old` those of `new`, which is known already; where both have a row, that of `new` stays."""
    tables = _tables(connection, TENANT)
    for table in tables:  # parents first
        if _has_other_keys(connection, table):
            connection.execute(sa.update(table).where(table.c.tenant == old).values(tenant=new))
        else:
            _copy(connection, table, old, new)
    for table in reversed(tables):
        connection.execute(sa.delete(table).where(table.c.tenant == old))


def rename_repository(connection: sa.Connection, tenant: str, old: str, new: str) -> None:
    """Write the new name of a repository wherever the old one stands in a column."""
    for table in _tables(connection, TENANT, REPOSITORY):
        mine = (table.c.tenant == tenant) & (table.c.repository == old)
        connection.execute(sa.update(table).where(mine).values(repository=new))


def _tables(connection: sa.Connection, *columns: str) -> list[sa.Table]:
    """Return the tables that have these columns, parents before their children."""
    known = sa.MetaData()
    known.reflect(
        connection, only=lambda name, _: not name.startswith(PREFIX)
    )  # parts of `batches`, not tables beside it
    return [table for table in known.sorted_tables if set(columns) <= set(table.c.keys())]


def _has_other_keys(connection: sa.Connection, table: sa.Table) -> bool:
    """Tell whether something beside the primary key must be unique, so that no copy can stand beside its original."""
    return table.name != "tenants" and bool(sa.inspect(connection).get_unique_constraints(table.name))


def _copy(connection: sa.Connection, table: sa.Table, old: str, new: str) -> None:
    values = [sa.literal(new).label(TENANT) if column.name == TENANT else column for column in table.c]
    keys = [column.name for column in table.primary_key]
    mine = sa.alias(table)
    there = sa.exists().where(mine.c.tenant == new, *(mine.c[name] == table.c[name] for name in keys if name != TENANT))
    rows = sa.select(*values).where(table.c.tenant == old, ~there)
    connection.execute(sa.insert(table).from_select([column.name for column in table.c], rows))
