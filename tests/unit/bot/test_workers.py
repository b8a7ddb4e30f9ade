from pathlib import Path

import pytest

from bot.errors import AlreadyRunning
from bot.store.engine import open_engine
from bot.workers import working


def test_two_processes_never_run_the_workflows_of_one_database(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'work.db'}")
    with working(engine), pytest.raises(AlreadyRunning, match=r"work\.db"), working(engine):
        pass
    with working(engine):  # free again
        pass
    engine.dispose()
