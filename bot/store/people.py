"""People: how many different ones came, and were reached by each failure mode, on each day, UTC.

A person is a user where that is recorded, else a session, else a trace.
"""

from datetime import datetime

import sqlalchemy as sa

from clustering.trend import PAST_DAYS, RECENT_DAYS, Days
from webhooks.searched import microseconds

DAY = 24 * 3600 * 1_000_000  # microseconds

_LAST = sa.text("SELECT max(started_at) FROM traces WHERE tenant = :tenant AND started_at <= :now")
_TRAFFIC = sa.text("""
    SELECT started_at / :day AS day, count(DISTINCT coalesce(user_id, session_id, trace_id)) AS n FROM traces
    WHERE tenant = :tenant AND started_at >= :since AND started_at < :end GROUP BY 1
""")
_REACHED = sa.text("""
    SELECT failure_mode_id, occurred_at / :day AS day, count(DISTINCT coalesce(user_id, session_id, trace_id)) AS n
    FROM failures WHERE tenant = :tenant AND failure_mode_id <> '' AND occurred_at >= :since AND occurred_at < :end
    GROUP BY 1, 2
""")
_OF_LATE = sa.text("""
    SELECT failure_mode_id, count(DISTINCT coalesce(user_id, session_id, trace_id)) AS n
    FROM failures WHERE tenant = :tenant AND failure_mode_id <> '' AND occurred_at >= :late AND occurred_at < :end
    GROUP BY 1
""")


def people_by_day(connection: sa.Connection, tenant: str, *, now: datetime) -> Days:
    """Return the people of the days up to the last one on which anything ran."""
    last = connection.scalar(_LAST, {"tenant": tenant, "now": microseconds(now)})
    if last is None:
        return Days(traffic={}, reached={}, of_late={})
    end = int(last) // DAY + 1
    times = {
        "since": (end - RECENT_DAYS - PAST_DAYS) * DAY,
        "late": (end - RECENT_DAYS) * DAY,
        "end": end * DAY,
        "day": DAY,
        "tenant": tenant,
    }
    reached: dict[str, dict[int, int]] = {}
    for mode_id, day, n in connection.execute(_REACHED, times):
        reached.setdefault(mode_id, {})[day] = n
    return Days(
        traffic={row.day: row.n for row in connection.execute(_TRAFFIC, times)},
        reached=reached,
        of_late={row.failure_mode_id: row.n for row in connection.execute(_OF_LATE, times)},
    )
