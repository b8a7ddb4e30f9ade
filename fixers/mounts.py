"""What of the machine a sandboxed Python sees, as bubblewrap's options. Reads the file system, changes nothing."""

import os
from collections.abc import Sequence
from pathlib import Path

#: Files of /etc that are our own.
ETC_FILES = {
    "passwd": "agent:x:1000:1000::/tmp/home:/bin/sh\n",
    "group": "agent:x:1000:\n",
    "hosts": "127.0.0.1 localhost\n",
}
#: What of /etc a Python program reads. Not the whole folder: root may read /etc/shadow and /etc/ssl/private.
ETC = ("alternatives", "ld.so.cache", "localtime", "mime.types", "ssl/certs", "ssl/openssl.cnf")
#: What finds a host by its name.
ETC_OF_NETWORK = ("resolv.conf", "nsswitch.conf", "gai.conf")
#: On a merged-usr system these are links into /usr, otherwise folders of their own.
SYSTEM_FOLDERS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")


def interpreter_folders(python: Path) -> list[Path]:
    """Return the folders that `python` needs beyond /usr: those of its virtual environment and of each link's target.

    Nothing is run to find out: a virtual environment is known by the place of its link, the interpreter's own
    prefix by the link's target.
    """
    folders = []
    link = python.absolute()
    while True:
        folders.append(link.parent.parent)
        if not link.is_symlink():
            break
        link = link.parent / link.readlink()
    folders.append(python.resolve().parent.parent)
    unique = dict.fromkeys(Path(os.path.normpath(folder)) for folder in folders)
    return [folder for folder in unique if folder != Path("/") and Path("/usr") not in (folder, *folder.parents)]


def same_path(option: str, paths: Sequence[Path]) -> list[str]:
    """Mount each path at its own place with bubblewrap's `option`."""
    return [part for path in paths for part in (option, str(path), str(path))]


def nested_mounts(interpreter: Sequence[Path], *, checkout: Path, at: Path) -> list[str]:
    """Mount the interpreter's folders, read only, and the checkout at `at`; what lies within another comes after it.

    A virtual environment often lies in the folder that the checkout stands for, and now and then around it.
    """
    mounts = [(folder, ["--ro-bind", str(folder), str(folder)]) for folder in interpreter]
    mounts.append((at, ["--bind", str(checkout), str(at)]))
    return [word for _, mount in sorted(mounts, key=lambda each: len(each[0].parts)) for word in mount]


def system_mounts(folder: Path, *, network: bool = False) -> list[str]:
    """Return the mounts of /usr and of a small /etc; `folder` receives the files of /etc that are our own."""
    mounts = ["--ro-bind", "/usr", "/usr"]
    for path in map(Path, SYSTEM_FOLDERS):
        if path.is_symlink():
            mounts += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            mounts += ["--ro-bind", str(path), str(path)]
    for name in (*ETC, *(ETC_OF_NETWORK if network else ())):
        mounts += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    for name, text in ETC_FILES.items():
        (folder / name).write_text(text)
        mounts += ["--ro-bind", str(folder / name), f"/etc/{name}"]
    return mounts
