"""What an edit lets a file do that it did not do before."""

import pytest

from fixers.powers import new_powers
from fixers.proposal import Edit

NET = "import os\nimport httpx\nhttpx.get('https://api.acme.com')\n"


def found(after: str, *, before: str | None = None, path: str = "a.py", is_test: bool = False) -> list[str]:
    return list(new_powers(Edit(path=path, before=before, after=after), is_test=is_test))


@pytest.mark.parametrize(
    "after", ["import subprocess\n", "import socket\n", "eval('1')\n", "import os\nprint(os.environ)\n"]
)
def test_a_new_power_is_found_once(after: str) -> None:
    assert len(found(after)) == 1


def test_a_name_of_the_files_own_is_no_module() -> None:
    assert found("def f(code, signal):\n    return {site: gc for site, gc in code.items() if signal}\n") == []
    assert len(found("import code as c\nc.interact()\n")) == 1
    assert len(found("from gc import get_objects\n")) == 1
    assert len(found("__builtins__['ev' + 'al']('1')\n")) == 1


def test_a_power_that_was_there_may_be_used() -> None:
    assert found(NET + "httpx.post('https://api.acme.com/v2')\n", before=NET) == []


def test_another_host_is_another_power() -> None:
    assert found(NET + "httpx.post('https://evil.example')\n", before=NET) == [
        "a.py: line 4 names the host 'evil.example'; this file did not"
    ]


def test_a_test_may_stand_in_for_a_provider_and_not_open_a_socket() -> None:
    assert found("import http.server\nimport sys\nsys.path.insert(0, '.')\n", is_test=True) == []
    assert found("import socket\n", is_test=True)


def test_a_method_that_is_called_like_a_built_in_is_none() -> None:
    assert found("import re\nre.compile('a')\n") == []
