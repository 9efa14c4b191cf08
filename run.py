"""Sets up what it needs in .venv beside this file, then runs the program or its tests.

    python3 run.py pbisetup init --sandbox --yes
    python3 run.py tests
    python3 run.py clients

Needs Python 3.11 or newer with venv and pip, nothing else. Standard library only: it runs before anything is installed.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
BIN = VENV / ("Scripts" if sys.platform == "win32" else "bin")
PYTHON = BIN / ("python.exe" if sys.platform == "win32" else "python")
LOCK = {
    "pbisetup": HERE / "requirements.txt",
    "tests": HERE / "requirements-dev.txt",
    "clients": HERE / "requirements-dev.txt",
}
CLIENTS_SECONDS = {"tests": 240, "clients": 1800}
"""How long installing other people's clients may take, and driving them again. PBISETUP_CLIENTS_SECONDS says otherwise;
0: never.
"""


def main() -> int:
    what, arguments = (sys.argv[1] if len(sys.argv) > 1 else ""), sys.argv[2:]
    if what not in LOCK:
        print(__doc__, file=sys.stderr)
        return 2
    if sys.version_info < (3, 11):  # noqa: UP036 - this file runs before the package's own requirement is checked
        print(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}.", file=sys.stderr)
        return 2
    if problem := windows_problem():
        print(problem, file=sys.stderr)
        return 2
    prepare(what)
    if what == "pbisetup":
        # So that the commands it suggests are ones that can be typed here.
        python = "py" if sys.platform == "win32" else "python3"
        os.environ["PBISETUP_COMMAND"] = f"{python} {os.path.relpath(__file__)} pbisetup"
        return subprocess.call([PYTHON, "-m", "pbisetup", *arguments])
    if what == "clients":
        return drive_clients(what, install_clients(what), arguments)
    return tests(arguments)


def prepare(what: str) -> None:
    """Make the environment, or leave it where the lock file it was made from is still the same."""
    lock = LOCK[what]
    stamp = VENV / f".{lock.stem}.sha256"
    wanted = hashlib.sha256(lock.read_bytes() + (HERE / "pyproject.toml").read_bytes()).hexdigest()
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"setting up {VENV.name} (once; 42 MB to download for the program, 120 MB with its tests)", file=sys.stderr)
    if not PYTHON.exists():
        venv.create(VENV, with_pip=True)
    # Without compiling: msgraph-sdk alone has 16,000 modules, of which a run imports a few hundred.
    pip: list[str | Path] = [PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-compile"]
    subprocess.check_call([*pip, "--requirement", lock])
    subprocess.check_call([*pip, "--no-deps", "--editable", HERE])
    stamp.write_text(wanted)


def tests(arguments: list[str]) -> int:
    """Everything that must hold: style, types (also as on Windows), imports, behaviour."""
    os.environ["PATH"] = f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}"
    if arguments:
        return subprocess.call([PYTHON, "-m", "pytest", *arguments], cwd=HERE)
    installing = install_clients("tests")  # beside the checks, which keep one core busy
    status = checks() or drive_clients("tests", installing, [])
    if installing and installing.poll() is None:
        installing.terminate()
    return status


def checks() -> int:
    """Style, types, imports and our own tests, up to the first that fails; its status."""
    for step in (
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["mypy"],
        ["mypy", "--platform", "win32"],
        ["importlinter.cli", "lint"],
        ["pytest", "-n", workers(), "--dist", "worksteal"],
    ):
        command: list[str | Path] = [PYTHON, "-m", *step]
        if step[0] == "importlinter.cli":
            command = [BIN / "lint-imports"]
        print(f"== {' '.join(step)}", flush=True)
        if status := subprocess.call(command, cwd=HERE):
            return status
    return 0


def workers() -> str:
    """How many tests run at once: half of their time they wait, for a poll, a lag or a limit."""
    return str(max(2, (os.cpu_count() or 2) * 3 // 2))


def clients_seconds(what: str) -> float:
    """See CLIENTS_SECONDS."""
    return float(os.environ.get("PBISETUP_CLIENTS_SECONDS") or CLIENTS_SECONDS[what])


def install_clients(what: str) -> subprocess.Popen[bytes] | None:
    """Begin to install other people's clients into a cache; None where they are left out."""
    seconds = clients_seconds(what)
    if seconds <= 0:
        print("== clients are left out: PBISETUP_CLIENTS_SECONDS is 0", flush=True)
        return None
    environment = {**os.environ, "PBISETUP_CLIENTS_SECONDS": str(seconds)}
    return subprocess.Popen([PYTHON, "-m", "tests.clients.install"], cwd=HERE, env=environment)


def drive_clients(what: str, installing: subprocess.Popen[bytes] | None, arguments: list[str]) -> int:
    """Other people's clients against the sandbox, those that could be installed, until the time is up."""
    if installing is None:
        return 0
    print("== clients", flush=True)
    installing.wait()  # it ends by itself when its time is up
    environment = {**os.environ, "PBISETUP_CLIENTS_END": str(time.time() + clients_seconds(what))}
    command: list[str | Path] = [PYTHON, "-m", "pytest", "-n", "auto", "-m", "clients", "tests/clients", *arguments]
    return subprocess.call(command, cwd=HERE, env=environment)


def windows_problem() -> str | None:
    """Why msgraph-sdk cannot be unpacked here, if it cannot: its longest path has 324 characters."""
    if sys.platform != "win32":
        return None
    import winreg

    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"SYSTEM\CurrentControlSet\Control\FileSystem") as key:
            if winreg.QueryValueEx(key, "LongPathsEnabled")[0] == 1:
                return None
    except OSError:
        pass
    return (
        "Windows long paths are off, so msgraph-sdk cannot be installed here. Either have an administrator run\n"
        "  reg add HKLM\\SYSTEM\\CurrentControlSet\\Control\\FileSystem /v LongPathsEnabled /t REG_DWORD /d 1 /f\n"
        "and open a new terminal, or see README.md, 'On Windows', for ways that need no administrator."
    )


if __name__ == "__main__":
    sys.exit(main())
