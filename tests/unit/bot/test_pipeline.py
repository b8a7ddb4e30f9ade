from pathlib import Path

import pytest

from bot.errors import AlreadyRunning
from bot.pipeline import _alone
from bot.store.engine import open_engine


def test_two_processes_never_run_the_workflows_of_one_database(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'work.db'}")
    with _alone(engine), pytest.raises(AlreadyRunning, match=r"work\.db"), _alone(engine):
        pass
    with _alone(engine):  # free again
        pass
    engine.dispose()
