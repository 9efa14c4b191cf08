"""Other people's clients, each set installed once into a folder of its own outside the repository.

    python -m tests.clients.install [SET...]

installs what is missing and says for each set how long it took, or why it could not be had: the tests of a set that is
not there are skipped with that reason. It never fails by itself, because a machine without npm can still run the rest.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

WINDOWS: Final = sys.platform == "win32"
_NODE_NAMES: Final = {"linux": "linux", "darwin": "darwin", "win32": "win"}
_MACHINES: Final = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True)
class ClientSet:
    """Packages that are installed together. Their versions are the ones that docs/clients.md speaks of."""

    name: str
    tool: Literal["pip", "npm"]
    packages: tuple[str, ...]
    seconds: int
    """After this long an install is given up."""
    after: str = ""
    """JavaScript that makes the folder whole, run in it by node."""

    @property
    def folder(self) -> Path:
        """Its own for these very packages, this interpreter and this machine."""
        key = "\n".join((*self.packages, platform.machine(), sys.platform))
        if self.tool == "pip":
            key += sys.version + sys.base_prefix
        return root() / f"{self.name}-{hashlib.sha256(key.encode()).hexdigest()[:8]}"

    @property
    def stamp(self) -> Path:
        """There when the folder is whole."""
        return self.folder / "installed"

    @property
    def refusal(self) -> Path:
        """Why the last try ended without it."""
        return root() / f"{self.folder.name}.refused"

    def program(self, name: str) -> Path:
        """A program that the set brings."""
        if self.tool == "npm":
            return self.folder / "node_modules" / ".bin" / (name + (".cmd" if WINDOWS else ""))
        return self.folder / ("Scripts" if WINDOWS else "bin") / (name + (".exe" if WINDOWS else ""))


def _node_package() -> str:
    """Node itself comes from its own registry as one package for each system."""
    system = _NODE_NAMES.get(sys.platform, sys.platform)
    return f"node-{system}-{_MACHINES.get(platform.machine().lower(), platform.machine())}@24"


SETS: Final = {
    each.name: each
    for each in (
        ClientSet(
            "identity", "pip", ("azure-identity==1.27.0", "msal==1.39.0", "aiohttp==3.14.5", "PyJWT==2.15.1"), 120
        ),
        ClientSet(
            "fabric",
            "pip",
            ("ms-fabric-cli==1.8.0", "fabric-cicd==1.4.0", "microsoft-fabric-api==0.1.0b30", "pbipy==2.13.0"),
            120,
        ),
        ClientSet(
            "node",
            "npm",
            ("@azure/identity@4.13.1", "@azure/msal-node@7.2.3", "@microsoft/microsoft-graph-client@3.0.7"),
            120,
        ),
        # Its fetch obeys HTTPS_PROXY (NODE_USE_ENV_PROXY); that of Node 20 does not.
        ClientSet("node24", "npm", (_node_package(),), 120),
        # A browser with the libraries it needs, packed: where a system has none of its own.
        ClientSet(
            "chromium",
            "npm",
            ("@sparticuz/chromium@147.0.0",),
            120,
            # It unpacks its libraries where it believes to be alone.
            after="process.env.AWS_EXECUTION_ENV = 'AWS_Lambda_nodejs20.x';"
            "import('@sparticuz/chromium').then(found => found.default.executablePath()).then(console.log)",
        ),
        ClientSet("azure-cli", "pip", ("azure-cli==2.91.0",), 300),
        ClientSet("m365", "npm", ("@pnp/cli-microsoft365@11.11.0",), 240),
    )
}


def root() -> Path:
    """Where all of them lie: PBISETUP_CLIENTS_DIR, else a folder among the user's caches."""
    import platformdirs

    given = os.environ.get("PBISETUP_CLIENTS_DIR")
    return Path(given) if given else Path(platformdirs.user_cache_dir("pbisetup-clients", appauthor=False))


def missing(name: str) -> str | None:
    """Why the tests of a set cannot run, or None where it is installed."""
    each = SETS[name]
    if each.stamp.exists():
        return None
    if each.refusal.exists():
        return each.refusal.read_text(encoding="utf-8").strip()
    return f"{name} is not installed: python3 run.py clients"


def install(each: ClientSet, seconds: float) -> str | None:
    """Make a set's folder whole within so many seconds; the reason where that failed."""
    import filelock

    root().mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(root() / f"{each.folder.name}.lock"):
        if each.stamp.exists():
            return None
        shutil.rmtree(each.folder, ignore_errors=True)
        reason = _install(each, min(seconds, each.seconds))
        if reason:
            shutil.rmtree(each.folder, ignore_errors=True)
            each.refusal.write_text(reason + "\n", encoding="utf-8")
        else:
            each.stamp.write_text("\n".join(each.packages) + "\n", encoding="utf-8")
            each.refusal.unlink(missing_ok=True)
        return reason


def _install(each: ClientSet, seconds: float) -> str | None:
    command: list[str | Path]
    if each.tool == "npm":
        npm = shutil.which("npm")
        if npm is None:
            return "npm not found"
        each.folder.mkdir(parents=True)
        (each.folder / "package.json").write_text('{"private": true}\n', encoding="utf-8")
        command = [npm, "install", "--no-audit", "--no-fund", "--loglevel=error", *each.packages]
        if each.after:
            reason = _run(command, each.folder, each.tool, seconds)
            return reason or _run(["node", "--eval", each.after], each.folder, "node", seconds, TMPDIR=str(each.folder))
    else:
        try:
            venv.create(each.folder, with_pip=True)
        except (OSError, subprocess.CalledProcessError) as error:
            return f"no virtual environment: {error}"
        # Without compiling, which takes as long as the rest and is done for the few modules that a run imports.
        pip = ["-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-compile"]
        command = [each.program("python"), *pip, *each.packages]
    return _run(command, each.folder, each.tool, seconds)


def _run(command: list[str | Path], folder: Path, tool: str, seconds: float, **env: str) -> str | None:
    """A command with everything that it starts; why it did not end well."""
    log = root() / f"{folder.name}.log"
    with log.open("a", encoding="utf-8") as out:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=not WINDOWS,
        )
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            if WINDOWS:
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return f"{tool} took longer than {seconds:.0f} s"
    return f"{tool} failed, see {log}" if status else None


def main(names: list[str]) -> int:
    """Install the named sets, or all. PBISETUP_CLIENTS_SECONDS limits all of them together."""
    unknown = [name for name in names if name not in SETS]
    if unknown:
        print(f"no client set {', '.join(unknown)}; there are {', '.join(SETS)}", file=sys.stderr)
        return 2
    end = time.monotonic() + float(os.environ.get("PBISETUP_CLIENTS_SECONDS") or 3600)
    for name in names or SETS:
        each, begin = SETS[name], time.monotonic()
        if each.stamp.exists():
            continue
        left = end - begin
        reason = install(each, left) if left > 1 else "no time left to install it"
        took = f"installed in {time.monotonic() - begin:.0f} s"
        print(f"clients: {name} {f'not installed: {reason}' if reason else took}", file=sys.stderr, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
