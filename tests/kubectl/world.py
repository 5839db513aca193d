"""A network in which nothing is but loopback, two addresses of our own, and the stand-ins.

    unshare --net --mount python -m kubectl.world FOLDER

Go asks a proxy for nothing on loopback, so a test of proxies needs an address that is not
loopback's, and it must lead nowhere. Here 10.1.2.3 and fd00::1 are this machine itself, some names
stand for them, there is no DNS, and every port is free. A question is a line on stdin, and its
answer one on stdout: what to run, in which environment and folder, and whether as in a pod.
"""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any, NoReturn

from customevents.commands import table
from kubectl import asked
from kubectl.standins import StandIns

#: What commands import late: here once, before the forks. (If the product looked at the environment
#: as it is imported, it would see another one than the row's, and the row would be red.)
BEFOREHAND = (table,)

HOSTS = """
127.0.0.1 localhost
::1 localhost
10.1.2.3 near.example near.example. api.corp.example corp.example proxy.example
fd00::1 six.example
"""

#: Seconds after which a question is answered by nothing.
PATIENCE = 10

#: Of Linux: an interface's flags and address, a mount namespace, and an end with the parent's.
SIOCSIFFLAGS, SIOCSIFADDR, IFF_UP = 0x8914, 0x8916, 0x1
CLONE_NEWNS, PR_SET_PDEATHSIG = 0x00020000, 1

LIBC = ctypes.CDLL(None, use_errno=True)


def main(folder: Path) -> None:
    """Answer until there are no more questions."""
    _furnish(folder)
    _start(StandIns(folder / "pki", folder / "notes"))
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        print(json.dumps(_answer(json.loads(line), folder)), flush=True)


def _furnish(folder: Path) -> None:
    """Loopback, up, and what else leads here."""
    with socket.socket() as ours, socket.socket(socket.AF_INET6) as sixth:
        fcntl.ioctl(ours, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))
        four = struct.pack("16sHH4s8x", b"lo:1", socket.AF_INET, 0, socket.inet_aton("10.1.2.3"))
        fcntl.ioctl(ours, SIOCSIFADDR, four)
        address = socket.inet_pton(socket.AF_INET6, "fd00::1")
        six = struct.pack("16sIi", address, 128, socket.if_nametoindex("lo"))
        fcntl.ioctl(sixth, SIOCSIFADDR, six)
    hosts = folder / "hosts"
    hosts.write_text(HOSTS)
    _mount(hosts, "/etc/hosts")


def _mount(what: Path, where: str) -> None:
    subprocess.run(["mount", "--bind", what, where], check=True)


def _start(standins: StandIns) -> None:
    """In a process of their own: this one must have a single thread, for it forks."""
    listening, listens = os.pipe()
    if os.fork() == 0:
        os.close(listening)
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        asyncio.run(_stand_in(standins, listens))
    os.close(listens)
    assert os.read(listening, 1), "the stand-ins cannot listen"
    os.close(listening)


async def _stand_in(standins: StandIns, listens: int) -> None:
    await standins.start()
    os.write(listens, b"!")
    os.close(listens)
    await asyncio.Event().wait()


def _answer(question: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Run what is asked for in a fork of this process: it has the product imported."""
    notes = folder / "notes"
    before = notes.stat().st_size
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            _become(question, out.fileno(), err.fileno())
        code = _end_of(child)
        said = [os.pread(file.fileno(), 1 << 20, 0).decode() for file in (out, err)]
    with notes.open() as file:
        file.seek(before)
        asked = file.read().splitlines()
    return {"code": code, "out": said[0], "err": said[1], "asked": asked}


def _become(question: dict[str, Any], out: int, err: int) -> NoReturn:
    code = 70
    try:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.chdir(question["at"])
        os.environ.clear()
        os.environ.update(question["env"])
        if question["pod"]:
            LIBC.unshare(CLONE_NEWNS)
            _mount(question["pod"], "/run")
        if question["what"].startswith("/"):
            os.environ["GOGC"] = "off"  # kubectl's heap is small, and its start takes a third less
            os.execv(question["what"], [question["what"], *question["flags"]])
        code = asked.run(question["what"], question["flags"])
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _end_of(child: int) -> int:
    """Its exit code; that of a kill if it has not ended in time."""
    handle = os.pidfd_open(child)
    if not select.select([handle], [], [], PATIENCE)[0]:
        os.killpg(child, signal.SIGKILL)
    os.close(handle)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
