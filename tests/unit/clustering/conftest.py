import pytest

from tests.unit.clustering.runs import Run, WordEncoder


@pytest.fixture
def run() -> Run:
    return Run()


@pytest.fixture
def encoder() -> WordEncoder:
    return WordEncoder()
