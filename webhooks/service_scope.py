"""Which services a key may send spans of. No I/O."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from webhooks.errors import Forbidden
from webhooks.otlp_fields import shown


def check_services(services: Iterable[str], patterns: Sequence[str]) -> None:
    """Refuse spans of any other service, and of none: who says nothing must not get past who says the truth.

    Parameters
    ----------
    services
        The service of each span; empty where it names none.
    patterns
        Of service names, with `*` and `?`; empty allows every service.

    Raises
    ------
    Forbidden
        Naming the service.

    """
    if not patterns:
        return
    for name in dict.fromkeys(services):
        if not any(fnmatchcase(name, pattern) for pattern in patterns if name):
            raise Forbidden(f"this key may not send spans of the service {shown(name)}; nothing was kept")
