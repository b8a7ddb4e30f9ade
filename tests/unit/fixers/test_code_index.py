from pathlib import Path

import pytest

from fixers.code_index import CodeIndex, Place

PROMPT = (
    "You are the support agent of a shop. Look an order up before you say anything about it. "
    "Always check who is asking before you pay money back, and never promise a day of delivery."
)


def index(**files: str) -> CodeIndex:
    named = {name.replace("__", "/").replace("_py", ".py").replace("_md", ".md"): text for name, text in files.items()}
    return CodeIndex.over({path: text.encode() for path, text in named.items()})


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("/srv/app/shop/agent.py", "shop/agent.py"),
        ("C:\\app\\shop\\agent.py", "shop/agent.py"),
        ("core/loop.py", "packages/one/core/loop.py"),
        ("loop.py", None),
        ("/usr/lib/python3.11/json/decoder.py", None),
        ("../../etc/passwd", None),
        ("", None),
    ],
)
def test_what_a_trace_calls_a_file_is_compared_with_the_files_that_are_there(name: str, path: str | None) -> None:
    known = index(shop__agent_py="", packages__one__core__loop_py="", other__agent_py="")
    assert known.match(name) == path


def test_an_installed_package_is_matched_where_the_repository_is_that_package() -> None:
    frame = "/venv/lib/python3.11/site-packages/agents/models/chat.py"
    files = {"src/agents/models/chat.py": b"", "docs/agents/models/chat.py": b""}
    assert CodeIndex.over(files).match(frame) is None
    assert CodeIndex.over({**files, "src/agents/__init__.py": b""}).match(frame) == "src/agents/models/chat.py"


def test_definitions_are_found_with_their_lines_and_tests_are_left_out() -> None:
    known = index(
        a_py="import x\n\n\nclass Pay:\n    async def pay(self):\n        pass\n\n    def refund(self): ...\n",
        tests__test_a_py="def pay(): ...\n",
    )
    assert known.definitions("pay") == [Place("a.py", 5)]
    assert known.definitions("refund") == [Place("a.py", 8)]
    assert known.definitions("Pay") == [Place("a.py", 4)]
    assert list(known.definitions("x")) == []


@pytest.mark.parametrize("name", ["pay", "do_pay", "pay_tool", "_pay", "_run_pay", "shop_pay"])
def test_the_function_of_a_tool_may_be_named_in_the_usual_ways(name: str) -> None:
    known = index(tools_py=f"def {name}(amount): ...\n")
    assert known.functions_of_tool("pay") == ([] if name == "shop_pay" else [Place("tools.py", 1)])


def test_a_prompt_is_found_though_it_was_wrapped_filled_in_and_put_together() -> None:
    first, second = PROMPT[:90], PROMPT[90:]
    known = index(
        prompts__a_md=f"# Role\n\n{first[:40]}\n   {first[40:]}\n",
        shop__text_py=f'RULES = (\n    "{second[:50]}"\n    "{second[50:]}\\n"\n)\n',
        other_md="You are the agent of a bank.",
        tests__test_prompt_py=PROMPT,
    )
    found = known.prompts(f"{PROMPT} Today is Monday; the user is called Ada.")
    assert [place for place, _ in found] == [Place("shop/text.py", 2), Place("prompts/a.md", 3)]


@pytest.mark.parametrize("prompt", ["", "Be brief.", "a " * 100_000, "\x00\ud800 {} \\n" * 50])
def test_strange_prompts_lead_nowhere(prompt: str) -> None:
    assert index(a_md=PROMPT, b_py="x = 1\n").prompts(prompt) == []


def test_lines_that_name_something_in_quotes_are_found() -> None:
    known = index(a_py="TOOLS = {\n    'pay': pay,\n}\npay = 1\n", tests__test_a_py="'pay'\n")
    assert known.sites("pay") == [Place("a.py", 2)]


def test_callers_of_the_function_around_a_line_are_found() -> None:
    known = index(
        spans_py='def tool_span(name):\n    with start_span("tool"):\n        yield\n',
        loop_py="def run():\n    with tool_span(1):\n        pass\n",
    )
    assert known.callers(Place("spans.py", 2)) == [Place("loop.py", 2)]
    assert known.callers(Place("loop.py", 1)) == []


def test_a_checkout_is_read_without_what_is_installed_in_it(tmp_path: Path) -> None:
    for name in ("a.py", ".venv/lib/b.py", "node_modules/c.py", ".git/d.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    (tmp_path / "latin.py").write_bytes(b"# caf\xe9\ndef pay(): ...\n")
    (tmp_path / "link.py").symlink_to("/etc/passwd")
    known = CodeIndex.of(tmp_path)
    assert list(known.files) == ["a.py", "latin.py"]
    assert known.definitions("pay") == [Place("latin.py", 2)]


def test_an_import_leads_to_the_module_wherever_the_packages_folder_lies() -> None:
    index = CodeIndex.over(
        dict.fromkeys(["libs/one/src/one/a.py", "libs/one/src/one/b.py", "libs/two/two/__init__.py"], b"")
    )
    assert index.modules("one.b", "libs/two/two/__init__.py") == ["libs/one/src/one/b.py"]
    assert index.modules("two", "libs/one/src/one/a.py") == ["libs/two/two/__init__.py"]
    assert index.modules(".b", "libs/one/src/one/a.py") == ["libs/one/src/one/b.py"]
    assert index.modules("......b", "libs/one/src/one/a.py") == []
    assert index.modules("os", "libs/one/src/one/a.py") == []
