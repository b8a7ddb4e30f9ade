"""Names and texts by what they let code do: the tables of `fixers.powers`."""

import re
from enum import StrEnum


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
NAMES = {
    Power.PROCESS: "subprocess pty multiprocessing os.exec* os.spawn* os.posix_spawn* os.fork* os.startfile "
    "concurrent.futures.ProcessPoolExecutor asyncio.subprocess asyncio.create_subprocess_exec pexpect sh plumbum "
    "invoke fabric psutil.Popen concurrent.futures.process anyio.run_process anyio.open_process trio.run_process "
    "trio.open_process git docker kubernetes",
    Power.SHELL: "os.system os.popen posix.system nt.system subprocess.getoutput subprocess.getstatusoutput "
    "commands.getoutput asyncio.create_subprocess_shell",
    Power.NETWORK: "socket _socket ssl socketserver http.client http.server urllib.request urllib3 requests httpx "
    "aiohttp ftplib smtplib poplib imaplib telnetlib nntplib xmlrpc websocket websockets paramiko pycurl grpc "
    "webbrowser asyncio.open_connection asyncio.open_unix_connection asyncio.start_server dns boto3 "
    "logging.handlers.HTTPHandler logging.handlers.SocketHandler logging.handlers.SMTPHandler "
    "logging.handlers.DatagramHandler logging.handlers.SysLogHandler wsgiref urllib.robotparser anyio.connect_tcp "
    "anyio.connect_unix anyio.create_tcp_listener trio.open_tcp_stream trio.serve_tcp curl_cffi niquests tornado "
    "twisted zmq redis psycopg psycopg2 asyncpg pymongo pika nats kafka asyncssh telnetlib3 treq httplib2",
    Power.CODE: "eval exec compile __import__ breakpoint globals builtins __builtins__ importlib imp runpy pkgutil "
    "zipimport code codeop marshal pickle cPickle _pickle dill cloudpickle shelve joblib ctypes cffi _ctypes "
    "types.CodeType types.FunctionType gc inspect.currentframe inspect.stack sys._getframe sys._current_frames "
    "sys.modules sys.meta_path sys.path sys.path_hooks sys.settrace sys.setprofile sys.addaudithook sys.monitoring "
    "threading.settrace threading.setprofile site pip ensurepip venv yaml.load yaml.unsafe_load yaml.full_load "
    "yaml.UnsafeLoader torch.load numpy.load pandas.read_pickle pandas.eval pdb bdb timeit.timeit cProfile.run "
    "doctest xml.sax lib2to3 distutils setuptools faulthandler logging.config typing.ForwardRef cProfile numexpr "
    "jsonpickle asteval sympy.sympify sympy.parse_expr jinja2.Template string.Formatter test.support",
    Power.ENVIRONMENT: "os.putenv os.unsetenv os.environb",
    Power.PLACES: "os.path.expanduser pathlib.Path.home os.chroot pwd getpass keyring",
    Power.HARM: "os._exit os.abort os.kill os.killpg signal os.chmod os.chown os.lchown os.symlink os.link os.setuid "
    "os.setgid os.removedirs os.rmdir shutil.rmtree shutil.chown resource pytest.exit mmap",
    Power.PATCHES: "unittest.mock mock pytest _pytest",
    Power.TRIAL: "sys.gettrace sys.argv platform.node platform.uname os.uname os.getuid os.getlogin os.getppid",
}
EXACT = {name: power for power, names in NAMES.items() for name in names.split() if not name.endswith("*")}
STARTS = {name[:-1]: power for power, names in NAMES.items() for name in names.split() if name.endswith("*")}
#: Known by their last name, whatever object they are asked of.
METHODS = {
    **dict.fromkeys(("subprocess_exec", "create_subprocess_exec"), Power.PROCESS),
    **dict.fromkeys(("subprocess_shell", "create_subprocess_shell"), Power.SHELL),
    **dict.fromkeys(
        [
            *("sock_connect", "sock_sendall", "sock_sendto", "open_connection", "create_datagram_endpoint"),
            *("create_connection", "create_server", "create_unix_connection", "create_unix_server"),
        ],
        Power.NETWORK,
    ),
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
            "__getattr__",
            "__self__",
            "enable_load_extension",
            "load_extension",
            "from_string",
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
    **dict.fromkeys(("chmod", "symlink_to", "hardlink_to", "extractall"), Power.HARM),
}
#: Modules that others of the standard library hold as attributes: `logging.os.system`.
INNER = frozenset({"os", "sys", "subprocess", "socket", "builtins", "importlib", "pickle", "shutil", "posix"})
#: Modules that the repository's own and other people's modules hold as attributes: `net.subprocess`.
REACHED = INNER | {"ctypes", "pty", "multiprocessing", "httpx", "aiohttp", "urllib3"}
#: Held by whatever object: nothing else is called so.
ANYWHERE = frozenset({"os", "sys", "subprocess", "builtins", "importlib", "posix", "ctypes"})
#: A module called requests may well be the repository's own: these it would hardly have.
OF_REQUESTS = frozenset({"get", "post", "put", "patch", "delete", "head", "options", "request", "Session", "session"})
#: Parts of the standard library that compute, and no more; what else a file newly imports needs a person's eye.
_PLAIN = (
    "__future__ abc argparse array ast asyncio atexit base64 binascii bisect bz2 calendar cmath codecs "
    "collections colorsys concurrent configparser contextlib contextvars copy copyreg csv dataclasses datetime "
    "decimal difflib email enum errno filecmp fileinput fnmatch fractions functools getopt gettext glob "
    "graphlib gzip hashlib heapq hmac html http inspect io ipaddress itertools json keyword linecache locale "
    "logging lzma math mimetypes numbers operator optparse os pathlib platform plistlib pprint queue quopri "
    "random re reprlib sched secrets shlex shutil sqlite3 statistics stat string stringprep struct sys tarfile "
    "tempfile textwrap threading time token tokenize tomllib traceback tracemalloc types typing unicodedata "
    "urllib uuid warnings weakref xml zipfile zlib zoneinfo "
)
PLAIN_MODULES = frozenset(_PLAIN.split())
#: Handed on as objects, everything in them is at hand under no name.
WHOLE = frozenset({"os", "sys", "builtins", "asyncio", "shutil", "posix"})
#: What tests do to stand in for a provider and to be found: 19 of 19 tests by recipes need no more.
OF_TESTS = ("unittest.mock", "mock", "pytest", "_pytest", "http.server", "httpx", "requests", "aiohttp", "sys.path")
SECRET = re.compile(
    r"(^|_)(TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|ACCESS_KEY|PRIVATE_KEY|CREDENTIALS?)(_ID)?$", re.IGNORECASE
)
TRIAL = re.compile(r"PYTEST_\w+|CI|GITHUB_\w+|GITLAB_CI|TRACEWRIGHT\w*|BUILDKITE|CIRCLECI|container", re.IGNORECASE)
PLACE = re.compile(
    r"^~|^/(etc|proc|dev|root|home|sys|var|usr|run|boot|opt|mnt|Users)\b|^/\.dockerenv|^[A-Za-z]:\\|\.\./\.\./"
    r"|(^|/)\.(env|ssh|aws|netrc|npmrc|pypirc|kube|docker|gnupg|git|github)(/|$)|id_(rsa|ed25519)|conftest\.py"
    r"|sitecustomize|\.git/hooks"
)
HOST = re.compile(
    r"\b[a-z][a-z0-9+.-]*://(?:[^\s/@'\"]*@)?([^\s/:'\"<>)\]}?#]+)|^((?:\d{1,3}\.){3}\d{1,3})(?::\d+)?$", re.IGNORECASE
)
DOMAIN = re.compile(
    r"^(?:[a-z0-9-]+\.)+(?:com|net|org|io|dev|app|xyz|ru|cn|info|me|co|ai|site|link|example)$", re.IGNORECASE
)
#: Nobody's: https://www.rfc-editor.org/rfc/rfc2606
NOBODY = re.compile(
    r"(^|\.)(example|test|invalid|localhost|example\.(com|org|net))$|^[^.]*$|^127\.0\.0\.1$", re.IGNORECASE
)
COOKIE = re.compile(r"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
TEMPLATE = re.compile(r"\{[{%][^\n]*(__\w+__|\b(?:cycler|lipsum|joiner|namespace)\b|\battr\s*\(|\bself\._)")
YAML_OBJECT = re.compile(r"!!?(?:python|ruby|java)\b|!<tag:yaml\.org,2002:python")
LOOK_ALIKE = ("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU")
#: As they look in most fonts.
GREEK_AS_LATIN = str.maketrans(
    "αβγεζηικνορτυχωΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "abyeznikvoptuxwABEZHIKMNOPTYX",
)
