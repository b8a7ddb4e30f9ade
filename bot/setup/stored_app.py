"""The App's identity as files that only the owner of the data folder reads."""

import json
import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from bot.errors import BadSetting
from bot.settings import Settings

FOLDER = "github-app"
KEY_FILE, SECRET_FILE, APP_FILE = "private-key.pem", "webhook-secret", "app.json"
_OWNER_ONLY = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredApp:
    """What GitHub answers when an App was registered."""

    app_id: int
    slug: str
    #: The App's page on GitHub.
    url: str
    #: PEM.
    private_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)


def store_app(app: RegisteredApp, data: Path) -> Path:
    """Keep the App, whole or not at all, and return its folder.

    Raises
    ------
    BadSetting
        There is one already: nothing is overwritten.

    """
    folder = data / FOLDER
    data.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{FOLDER}-", dir=data))  # mode 700
    try:
        _write(draft / KEY_FILE, app.private_key)
        _write(draft / SECRET_FILE, app.webhook_secret)
        _write(draft / APP_FILE, json.dumps({"app_id": app.app_id, "slug": app.slug, "url": app.url}))
        draft.rename(folder)  # refused when the folder is there and holds anything
    except OSError as error:
        raise BadSetting(f"{str(folder)!r} cannot be written: {error.strerror}") from error
    finally:
        with suppress(FileNotFoundError):
            shutil.rmtree(draft)
    return folder


def with_stored_app(settings: Settings) -> Settings:
    """Return the settings with the stored App, where the environment names none.

    Raises
    ------
    BadSetting
        The files cannot be read.

    """
    folder = settings.data / FOLDER
    if settings.github_app_id or not folder.is_dir():
        return settings
    try:
        app_id = int(json.loads((folder / APP_FILE).read_text("utf-8"))["app_id"])
        secret = (folder / SECRET_FILE).read_text("utf-8")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadSetting(f"{str(folder)!r} does not hold an App; move it away to set up anew") from error
    return replace(
        settings,
        github_app_id=str(app_id),
        github_private_key_file=str(folder / KEY_FILE),
        github_webhook_secret=settings.github_webhook_secret or secret,
    )


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY), "w", encoding="utf-8") as file:
        file.write(text)
