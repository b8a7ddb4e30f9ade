"""The App that is asked for: the least permissions, and exactly the events that are read. No I/O.

https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode, urlsplit

#: What fixes, their checks and the conversation about them need.
PERMISSIONS = {
    "metadata": "read",
    "contents": "write",
    "pull_requests": "write",
    "checks": "write",
}
#: Added for the dashboard issue alone.
DASHBOARD = {"issues": "write"}
#: Added for those who want fixes proved by what was deployed when; without it, releases and the time of the merge do.
DEPLOYMENTS = {"deployments": "read"}
#: What GitHub sends only to those who have that permission.
DEPLOYMENT_EVENTS = frozenset({"deployment_status"})
#: Every App gets these; a manifest may not ask for them.
ALWAYS_SENT = frozenset({"installation", "installation_repositories"})
# https://docs.github.com/en/enterprise-cloud@latest/admin/managing-iam/iam-configuration-reference/username-considerations-for-external-authentication
ORGANIZATION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,37}[A-Za-z0-9])?")
WEBHOOK_PATH = "/github/webhook"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def manifest(
    *, name: str, public_url: str, redirect_path: str, events: Iterable[str], dashboard: bool, deployments: bool
) -> dict[str, Any]:
    """Return the manifest of the App.

    Parameters
    ----------
    name
        At most 34 characters, and no other App's on this GitHub; people can change it before they agree.
    public_url
        Where this installation is reached; deliveries are off as long as that is this machine itself.
    redirect_path
        Where GitHub sends the browser afterwards.
    events
        Those that are read here.
    dashboard
        Whether a dashboard issue is wanted.
    deployments
        Whether deployments are to be told.

    """
    untold = ALWAYS_SENT | (frozenset() if deployments else DEPLOYMENT_EVENTS)
    return {
        "name": name,
        "url": public_url,
        "hook_attributes": {"url": public_url + WEBHOOK_PATH, "active": is_reachable(public_url)},
        "redirect_url": public_url + redirect_path,
        "public": False,
        "default_permissions": PERMISSIONS | (DASHBOARD if dashboard else {}) | (DEPLOYMENTS if deployments else {}),
        "default_events": sorted(set(events) - untold),
    }


def form_action(github_url: str, *, organization: str, state: str) -> str:
    """Return where the form with the manifest is sent; an empty organization means the person's own account."""
    path = f"/organizations/{organization}/settings/apps/new" if organization else "/settings/apps/new"
    return f"{github_url.rstrip('/')}{path}?{urlencode({'state': state})}"


def is_reachable(public_url: str) -> bool:
    """Tell whether GitHub could reach the address at all."""
    return urlsplit(public_url).hostname not in _LOOPBACK
