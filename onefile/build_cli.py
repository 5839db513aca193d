"""`make cli`: the command line as one file, which needs no Python and no environment.

It is this Python, what requirements.txt pins and the package, behind a few lines of shell. Starting
a Python that lies unpacked is as fast as an environment is; nothing that unpacks for each start is.
What was built is kept in .cache, under a hash of what it was built from.
"""

from __future__ import annotations

import argparse
import compileall
import fcntl
import gzip
import hashlib
import io
import os
import re
import shutil
import ssl
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from py_compile import PycInvalidationMode

from customevents import __version__

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "onefile"
CACHE = ROOT / ".cache" / "onefile"
PACKAGE = ROOT / "operator" / "customevents"
REQUIREMENTS = ROOT / "requirements.txt"

LOADER = "/lib64/ld-linux-x86-64.so.2"
VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"
LIBRARY = Path("lib", VERSION)

#: Of the standard library: tests, other programs, and what needs a terminal or GPL's libraries.
UNNEEDED = (
    *("test", "tests", "idlelib", "lib2to3", "ensurepip", "tkinter", "turtledemo", "turtle.py"),
    *("site-packages", "dist-packages", "config-*", "pydoc_data", "sitecustomize.py", "venv"),
    *("_test*", "_xx*", "xx*", "_ctypes_test*", "_tkinter*", "_curses*", "curses", "readline*"),
    *("_gdbm*", "_dbm*", "nis.*", "ossaudiodev*", "_crypt*", "spwd*", "__pycache__", "*.a"),
)

#: Of what is installed: what only compilers and type checkers read, pip's notes and programs, and
#: of Kubernetes' client a module for each kind and each group, which nothing here asks for.
UNREAD = ("*.pyi", "*.pyx", "*.pxd", "*.c", "*.h", "RECORD", "INSTALLER", "REQUESTED")
UNCALLED = ("bin", "kubernetes/**/client/models/[a-z]*.py", "kubernetes/**/client/api/[a-z]*.py")

#: Libraries that belong to the loader, and so to the machine that it runs on.
OF_GLIBC = re.compile(r"(ld-linux.*|lib(c|m|dl|pthread|rt|util|resolv|nsl|crypt))\.so.*")


def main(arguments: Sequence[str] | None = None) -> int:
    """Build it, and copy it there."""
    parser = argparse.ArgumentParser(description="Write the command line as one file.")
    parser.add_argument("target", type=Path, help="where to")
    target = parser.parse_args(arguments).target
    built = build()
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(built, target)
    print(f"{target}: {target.stat().st_size / 1e6:.0f} MB")
    return 0


def build() -> Path:
    """The file as its sources are now, from the cache if it is there."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:  # closing it unlocks it
        fcntl.flock(lock, fcntl.LOCK_EX)
        base = CACHE / f"base-{_digest([REQUIREMENTS, Path(__file__)])}"
        sources = [path for path in PACKAGE.rglob("*") if path.is_file() and _is_source(path)]
        built = CACHE / f"built-{_digest([REQUIREMENTS, *HERE.glob('*.*'), *sources])}"
        if not built.exists():
            _make(base, built)
    return built


def _make(base: Path, built: Path) -> None:
    _remove([*CACHE.glob("new*"), *CACHE.glob("built-*")])
    if not base.exists():
        _remove(CACHE.glob("base-*"))
        _make_base(CACHE / "new").rename(base)
    _add_package(base, CACHE / "new")
    _write(CACHE / "new", CACHE / "new-file").rename(built)
    _remove([CACHE / "new"])


def _is_source(path: Path) -> bool:
    return "__pycache__" not in path.parts


def _digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256(f"{sys.version} {_python()}".encode())
    for path in sorted(paths):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(ROOT)} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:12]


def _python() -> Path:
    return Path(os.path.realpath(sys.executable))


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _make_base(new: Path) -> Path:
    """All but the package: it is what takes time, and changes seldom."""
    stdlib = Path(sysconfig.get_path("stdlib"))
    shutil.copytree(stdlib, new / LIBRARY, ignore=shutil.ignore_patterns(*UNNEEDED))
    (new / "bin").mkdir()
    shutil.copy(_python(), new / "bin" / "python")
    _install(new / LIBRARY / "site-packages")
    kept = (new / LIBRARY / "lib-dynload").glob("*.so")
    originals = [stdlib / "lib-dynload" / path.name for path in kept]
    for library in _libraries([_python(), *originals, *(new / LIBRARY).rglob("*.so")]):
        shutil.copy(library, new / "lib" / library.name)
    _strip([new / "bin" / "python", *(new / "lib").rglob("*.so*")])
    _compile(new / LIBRARY, new)
    return new


def _install(target: Path) -> None:
    options = ["--require-hashes", "--only-binary", ":all:", "--no-compile", "--quiet"]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", *options]
    root = ["--root-user-action", "ignore"]
    subprocess.run([*pip, *root, "--target", target, "-r", REQUIREMENTS], check=True)
    _remove([path for pattern in UNREAD for path in target.rglob(pattern)])
    _remove([path for pattern in UNCALLED for path in target.glob(pattern)])


def _libraries(programs: Iterable[Path]) -> set[Path]:
    """What the loader would load for them, but for what is the machine's."""
    found = set()
    for program in programs:
        said = subprocess.run([LOADER, "--list", program], capture_output=True, text=True)
        for name, path in re.findall(r"(\S+) => (/\S+)", said.stdout):
            if not OF_GLIBC.fullmatch(name):
                found.add((name, path))
    return {Path(path).with_name(name) for name, path in found}


def _strip(programs: Iterable[Path]) -> None:
    if strip := shutil.which("strip"):
        subprocess.run([strip, "--strip-unneeded", *programs], check=True)


def _compile(folder: Path, root: Path) -> None:
    """Nothing is compiled where it runs, and no source is looked at to see whether it should be."""
    compileall.compile_dir(
        folder,
        quiet=2,
        force=True,
        legacy=True,  # where the source was
        workers=0,
        stripdir=root,
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )
    for source in folder.rglob("*.py"):
        source.unlink()


def _add_package(base: Path, new: Path) -> None:
    shutil.copytree(base, new)
    target = new / LIBRARY / "site-packages" / PACKAGE.name
    shutil.copytree(PACKAGE, target, ignore=shutil.ignore_patterns("__pycache__"))
    _compile(target, new)
    (new / "main.py").write_text(_main())
    compileall.compile_file(new / "main.py", quiet=2, legacy=True, stripdir=new)
    (new / "main.py").unlink()


def _main() -> str:
    places = ssl.get_default_verify_paths()
    text = (HERE / "main.py").read_text()
    return text.replace("@CAFILE@", places.openssl_cafile).replace(
        "@CAPATH@", places.openssl_capath
    )


def _write(tree: Path, file: Path) -> Path:
    """The lines of shell, and the tree behind them; the same for the same tree."""
    content = packed(tree)
    name = f"{__version__}-{hashlib.sha256(content).hexdigest()[:12]}"
    head = (HERE / "start.sh").read_text().replace("@ID@", name)
    head = head.replace("@GLIBC@", os.confstr("CS_GNU_LIBC_VERSION") or "glibc")
    offset = len(head.replace("@OFFSET@", "00000000").encode()) + 1
    file.write_bytes(head.replace("@OFFSET@", f"{offset:08}").encode() + content)
    file.chmod(0o755)
    return file


def packed(folder: Path, level: int = 6) -> bytes:
    """A .tar.gz of what is in a folder; nothing in it tells when it was made, or by whom."""
    raw = io.BytesIO()
    with (
        gzip.GzipFile("", "wb", level, raw, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        for path in sorted(folder.rglob("*")):
            tar.add(path, path.relative_to(folder), recursive=False, filter=_nobodys)
    return raw.getvalue()


def _nobodys(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    member.mode = 0o755 if member.mode & 0o100 else 0o644
    return member


if __name__ == "__main__":
    sys.exit(main())
