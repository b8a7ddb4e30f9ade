"""Find what an edit lets a file do that it did not do before: run programs, reach hosts, make code, watch the trial.

Read from the syntax tree, so that no spelling of a name hides it. A file that has a power already may use it further;
a hint can be hidden better than this finds it, which is why code also runs without network and without secrets.
"""

import ast
import builtins
import re
import sys
import unicodedata
from collections.abc import Iterator
from enum import StrEnum
from pathlib import PurePosixPath

from fixers.proposal import Edit


class Power(StrEnum):
    """What code can do beyond computing."""

    PROCESS = "runs programs"
    SHELL = "runs a shell"
    NETWORK = "uses the network"
    CODE = "makes or finds code at run time"
    ENVIRONMENT = "reads the environment as a whole, or writes it"
    SECRET = "reads a secret of the environment"  # noqa: S105 - no password
    PLACES = "names files outside the repository, or secret ones"
    HARM = "ends the process, or changes files' owners, modes or links"
    PATCHES = "replaces a part of another module"
    TRIAL = "can tell a trial from production"


#: Dotted names; each stands for everything below it.
_NAMES = {
    Power.PROCESS: "subprocess pty multiprocessing os.exec* os.spawn* os.posix_spawn* os.fork* os.startfile "
    "concurrent.futures.ProcessPoolExecutor asyncio.subprocess asyncio.create_subprocess_exec pexpect sh plumbum "
    "invoke fabric psutil.Popen",
    Power.SHELL: "os.system os.popen posix.system nt.system subprocess.getoutput subprocess.getstatusoutput "
    "commands.getoutput asyncio.create_subprocess_shell",
    Power.NETWORK: "socket _socket ssl socketserver http.client http.server urllib.request urllib3 requests httpx "
    "aiohttp ftplib smtplib poplib imaplib telnetlib nntplib xmlrpc websocket websockets paramiko pycurl grpc "
    "webbrowser asyncio.open_connection asyncio.open_unix_connection asyncio.start_server dns boto3 "
    "logging.handlers.HTTPHandler logging.handlers.SocketHandler logging.handlers.SMTPHandler "
    "logging.handlers.DatagramHandler logging.handlers.SysLogHandler wsgiref",
    Power.CODE: "eval exec compile __import__ breakpoint globals builtins __builtins__ importlib imp runpy pkgutil "
    "zipimport code codeop marshal pickle cPickle _pickle dill cloudpickle shelve joblib ctypes cffi _ctypes "
    "types.CodeType types.FunctionType gc inspect.currentframe inspect.stack sys._getframe sys._current_frames "
    "sys.modules sys.meta_path sys.path sys.path_hooks sys.settrace sys.setprofile sys.addaudithook sys.monitoring "
    "threading.settrace threading.setprofile site pip ensurepip venv yaml.load yaml.unsafe_load yaml.full_load "
    "yaml.UnsafeLoader torch.load numpy.load pandas.read_pickle pandas.eval pdb bdb timeit.timeit cProfile.run "
    "doctest xml.sax lib2to3 distutils setuptools faulthandler",
    Power.ENVIRONMENT: "os.putenv os.unsetenv os.environb",
    Power.PLACES: "os.path.expanduser pathlib.Path.home os.chroot pwd getpass keyring",
    Power.HARM: "os._exit os.abort os.kill os.killpg signal os.chmod os.chown os.lchown os.symlink os.link os.setuid "
    "os.setgid os.removedirs os.rmdir shutil.rmtree shutil.chown resource pytest.exit mmap",
    Power.PATCHES: "unittest.mock mock pytest _pytest",
    Power.TRIAL: "sys.gettrace sys.argv platform.node platform.uname os.uname os.getuid os.getlogin os.getppid",
}
_EXACT = {name: power for power, names in _NAMES.items() for name in names.split() if not name.endswith("*")}
_STARTS = {name[:-1]: power for power, names in _NAMES.items() for name in names.split() if name.endswith("*")}
#: Known by their last name, whatever object they are asked of.
_METHODS = {
    **dict.fromkeys(("subprocess_exec", "create_subprocess_exec"), Power.PROCESS),
    **dict.fromkeys(("subprocess_shell", "create_subprocess_shell"), Power.SHELL),
    **dict.fromkeys(("sock_connect", "open_connection", "create_datagram_endpoint"), Power.NETWORK),
    **dict.fromkeys(
        [
            "__subclasses__",
            "__globals__",
            "__builtins__",
            "__code__",
            "__bases__",
            "__base__",
            "__mro__",
            "__closure__",
            "__import__",
            "__loader__",
            "__spec__",
            "__reduce__",
            "__reduce_ex__",
            "__getattribute__",
            "f_globals",
            "f_locals",
            "f_back",
            "gi_frame",
            "cr_frame",
            "tb_frame",
        ],
        Power.CODE,
    ),
    **dict.fromkeys(("expanduser", "home"), Power.PLACES),
    **dict.fromkeys(("chmod", "symlink_to", "hardlink_to"), Power.HARM),
}
#: Modules that others of the standard library hold as attributes: `logging.os.system`.
_INNER = frozenset({"os", "sys", "subprocess", "socket", "builtins", "importlib", "pickle", "shutil", "posix"})
#: Handed on as objects, everything in them is at hand under no name.
_WHOLE = frozenset({"os", "sys", "builtins", "asyncio", "shutil", "posix"})
#: What a name may mean that no import brought.
_BUILT_IN = frozenset({*dir(builtins), "builtins", "__builtins__"})
#: What tests do to stand in for a provider and to be found: 19 of 19 tests by recipes need no more.
_OF_TESTS = ("unittest.mock", "mock", "pytest", "_pytest", "http.server", "httpx", "requests", "aiohttp", "sys.path")
_SECRET = re.compile(
    r"(^|_)(TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|ACCESS_KEY|PRIVATE_KEY|CREDENTIALS?)(_ID)?$", re.IGNORECASE
)
_TRIAL = re.compile(r"PYTEST_\w+|CI|GITHUB_\w+|GITLAB_CI|TRACEWRIGHT\w*|BUILDKITE|CIRCLECI|container", re.IGNORECASE)
_PLACE = re.compile(
    r"^~|^/(etc|proc|dev|root|home|sys|var|usr|run|boot|opt|mnt|Users)\b|^/\.dockerenv|^[A-Za-z]:\\|\.\./\.\./"
    r"|(^|/)\.(env|ssh|aws|netrc|npmrc|pypirc|kube|docker|gnupg|git|github)(/|$)|id_(rsa|ed25519)|conftest\.py"
    r"|sitecustomize|\.git/hooks"
)
_HOST = re.compile(
    r"\b[a-z][a-z0-9+.-]*://(?:[^\s/@'\"]*@)?([^\s/:'\"<>)\]}?#]+)|^((?:\d{1,3}\.){3}\d{1,3})(?::\d+)?$", re.IGNORECASE
)
_DOMAIN = re.compile(
    r"^(?:[a-z0-9-]+\.)+(?:com|net|org|io|dev|app|xyz|ru|cn|info|me|co|ai|site|link|example)$", re.IGNORECASE
)
#: Nobody's: https://www.rfc-editor.org/rfc/rfc2606
_NOBODY = re.compile(
    r"(^|\.)(example|test|invalid|localhost|example\.(com|org|net))$|^[^.]*$|^127\.0\.0\.1$", re.IGNORECASE
)
_COOKIE = re.compile(r"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_TEMPLATE = re.compile(r"\{[{%][^\n]*(__\w+__|\b(?:cycler|lipsum|joiner|namespace)\b|\battr\s*\(|\bself\._)")
_YAML_OBJECT = re.compile(r"!!?(?:python|ruby|java)\b|!<tag:yaml\.org,2002:python")
_LOOK_ALIKE = ("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU")


def new_powers(edit: Edit, *, is_test: bool) -> Iterator[str]:
    r"""Yield one sentence for each power that the edit brings to its file.

    Examples
    --------
    >>> list(new_powers(Edit(path="a.py", before="", after="import os\nos.system('id')\n"), is_test=False))
    ["a.py: line 2 runs a shell: 'os.system'; this file did not"]

    """
    before, after = edit.before or "", edit.after or ""
    suffix = PurePosixPath(edit.path).suffix.casefold()
    if suffix not in {".py", ".pyw", ".pyi"}:
        yield from _of_text(edit.path, before, after, suffix)
        return
    tree = _parsed(after)
    if tree is None:
        yield f"{edit.path}: cannot be read as Python, and so not be judged"
        return
    if _encoding(after) not in {"utf-8", "utf8", _encoding(before)}:
        yield f"{edit.path}: is to be read as {_encoding(after)[:40]!r}, not as UTF-8"
    old = _parsed(before) or ast.Module(body=[], type_ignores=[])
    known = {power for power, _, _ in _powers(old)}
    shown: set[Power] = set()
    for power, line, name in sorted(_powers(tree), key=lambda found: found[1]):
        if power not in known | shown and not (is_test and _is_of_tests(name)):
            shown.add(power)
            yield f"{edit.path}: line {line} {power}: {name[:80]!a}; this file did not"
    hosts = _hosts(old)
    fresh = {host: line for host, line in _hosts(tree).items() if host not in hosts}
    for host, line in fresh.items():
        if not (is_test and _NOBODY.search(host)):
            yield f"{edit.path}: line {line} names the host {host[:80]!a}; this file did not"
    identifiers = _identifiers(tree) - _identifiers(old)
    yield from (
        f"{edit.path}: the name {name[:80]!a} has letters that look like others"
        for name in sorted(identifiers)
        if _looks_alike(name)
    )


def _is_of_tests(name: str) -> bool:
    return name != "pytest.exit" and any(name == known or name.startswith(f"{known}.") for known in _OF_TESTS)


def _of_text(path: str, before: str, after: str, suffix: str) -> Iterator[str]:
    def hosts(text: str) -> set[str]:
        return {(found[1] or found[2] or "").casefold() for found in _HOST.finditer(text)}

    for host in sorted(hosts(after) - hosts(before)):
        if not re.search(r"[{}]", host):
            yield f"{path}: names the host {host[:80]!a}; this file did not"
    for pattern, suffixes, told in (
        (_TEMPLATE, {".j2", ".jinja", ".jinja2", ".tmpl", ".html"}, "reaches into Python's objects"),
        (_YAML_OBJECT, {".yaml", ".yml"}, "makes an object of code"),
    ):
        if suffix in suffixes and (found := pattern.search(after)) and not pattern.search(before):
            yield f"{path}: {told}: {found[0][:80]!a}"


def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _encoding(text: str) -> str:
    found = [match[1] for line in text.split("\n")[:2] if (match := _COOKIE.match(line))]
    return found[0].casefold() if found else "utf-8"


def _powers(tree: ast.Module) -> Iterator[tuple[Power, int, str]]:
    """Yield each power with its line and its name."""
    aliases = dict(_aliases(tree))
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for name, line in _imported(tree):
        if power := _power_of(name):
            yield power, line, name
    docs = _docstrings(tree)
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Attribute) and node.attr in _METHODS:
            yield _METHODS[node.attr], line, node.attr
        if isinstance(node, ast.Name | ast.Attribute):
            yield from ((power, line, name) for power, name in _of_name(node, aliases, parents))
        elif isinstance(node, ast.Call):
            yield from ((power, line, name) for power, name in _of_call(node, aliases))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docs:
            yield from ((power, line, node.value) for power in _of_string(node.value))


def _aliases(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield local names and the dotted names that imports gave them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name.split(".")[0], alias.name if alias.asname else alias.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from ((alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names)


def _imported(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def _power_of(name: str) -> Power | None:
    """Return the power that a dotted name brings, also as a part of a module of the standard library."""
    parts = name.split(".")
    if parts[-1] == "*" and parts[0] in _WHOLE:
        return Power.CODE
    inner = [parts[n:] for n in range(1, len(parts)) if parts[n].removeprefix("_") in _INNER]
    ways = [parts, *inner] if parts[0] in sys.stdlib_module_names else [parts]
    for way in ways:
        way[0] = way[0].removeprefix("_") if way[0] in {"_os", "_sys", "_subprocess"} else way[0]
        for end in range(len(way), 0, -1):
            if power := _EXACT.get(".".join(way[:end])):
                return power
    return next((power for start, power in _STARTS.items() if any(".".join(w).startswith(start) for w in ways)), None)


def _of_name(
    node: ast.Name | ast.Attribute, aliases: dict[str, str], parents: dict[ast.AST, ast.AST]
) -> Iterator[tuple[Power, str]]:
    name = _dotted(node, aliases)
    if name is None:
        return
    if isinstance(node, ast.Name) and node.id not in aliases and node.id not in _BUILT_IN:
        return  # a name that the file gives to something of its own, such as `code`
    above = parents.get(node)
    if (isinstance(node, ast.Attribute) or node.id in aliases or "." not in name) and (power := _power_of(name)):
        yield power, name
    whole = isinstance(node, ast.Name) and node.id in aliases and name in _WHOLE
    if whole and not isinstance(above, ast.Attribute) and not _is_patched(node, above):
        yield Power.CODE, f"the module {name} as a value"
    if isinstance(node, ast.Attribute) and node.attr == "__dict__" and name.split(".")[0] in sys.stdlib_module_names:
        yield Power.CODE, name
    if name in {"os.environ", "os.getenv"} or name.endswith((".os.environ", ".os.getenv")):
        yield from _of_environment(node, above, parents)
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del) and _root(node) in aliases:
        yield Power.PATCHES, name


def _dotted(node: ast.expr, aliases: dict[str, str]) -> str | None:
    """Return the dotted name of what was imported, or of a built-in."""
    if isinstance(node, ast.Name):
        return aliases.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        inner = _dotted(node.value, aliases)
        return f"{inner}.{node.attr}" if inner and _root(node) in aliases else None
    return None


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _is_patched(node: ast.AST, above: ast.AST | None) -> bool:
    """Tell whether a module is what `monkeypatch.setattr(os, "name", …)` is asked to change."""
    if not isinstance(above, ast.Call) or not isinstance(above.func, ast.Attribute):
        return False
    fixed = len(above.args) > 1 and isinstance(above.args[1], ast.Constant)
    return above.func.attr in {"setattr", "delattr", "object"} and fixed and above.args[0] is node


def _of_environment(
    node: ast.AST, above: ast.AST | None, parents: dict[ast.AST, ast.AST]
) -> Iterator[tuple[Power, str]]:
    key: ast.expr | None = None
    call = parents.get(above) if isinstance(above, ast.Attribute) and above.attr == "get" else above
    if isinstance(call, ast.Call) and call.args:
        if isinstance(call.func, ast.Attribute) and call.func.attr == "dict":  # unittest.mock's patch.dict
            return
        key = call.args[0] if call.func in (node, above) else None
    elif isinstance(above, ast.Subscript) and isinstance(above.ctx, ast.Load):
        key = above.slice
    elif isinstance(above, ast.Compare) and all(isinstance(each, ast.In | ast.NotIn) for each in above.ops):
        key = above.left
    if not isinstance(key, ast.Constant):
        yield Power.ENVIRONMENT, "os.environ"
    elif _SECRET.search(str(key.value)):
        yield Power.SECRET, str(key.value)


def _of_call(node: ast.Call, aliases: dict[str, str]) -> Iterator[tuple[Power, str]]:
    if any(keyword.arg == "shell" and not _is_false(keyword.value) for keyword in node.keywords):
        yield Power.SHELL, "shell=True"
    if isinstance(node.func, ast.Name) and node.func.id in {"getattr", "setattr", "delattr", "vars"} and node.args:
        asked = _root(node.args[0])
        if asked in aliases and node.func.id in {"setattr", "delattr"}:
            yield Power.PATCHES, ast.unparse(node)
        elif asked in aliases and aliases[asked].split(".")[0] in sys.stdlib_module_names:
            yield Power.CODE, ast.unparse(node)


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and not node.value


def _of_string(text: str) -> Iterator[Power]:
    if _PLACE.search(text):
        yield Power.PLACES
    if _TRIAL.fullmatch(text):
        yield Power.TRIAL
    if re.fullmatch(r"__\w+__", text) and text in _METHODS:
        yield Power.CODE


def _docstrings(tree: ast.AST) -> set[ast.AST]:
    """Return the texts that stand as statements: nothing reads them."""
    return {
        node.value for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def _hosts(tree: ast.AST) -> dict[str, int]:
    docs = _docstrings(tree)
    found: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes) and node not in docs:
            text = node.value.decode("latin-1") if isinstance(node.value, bytes) else node.value
            hosts = [match[1] or match[2] for match in _HOST.finditer(text)]
            hosts += [text] if _DOMAIN.fullmatch(text) else []
            found |= {host.casefold(): node.lineno for host in hosts}
    return found


def _identifiers(tree: ast.AST) -> set[str]:
    fields = ("id", "attr", "arg", "name", "asname")
    named = {getattr(node, field, None) for node in ast.walk(tree) for field in fields}
    return {name for name in named if isinstance(name, str) and not name.isascii()}


def _looks_alike(name: str) -> bool:
    return any(unicodedata.name(letter, "").startswith(_LOOK_ALIKE) for letter in name)
