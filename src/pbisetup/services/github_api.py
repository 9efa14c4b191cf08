"""What GitHub's REST API says, read with whatever is signed in to GitHub here: its own program, or a token of the job.

No token of GitHub's is kept, shown or sent anywhere but to api.github.com; `gh` holds its own. Sources, documented: `gh help
environment` and `gh help exit-codes` (4: nobody is signed in); docs.github.com/rest/actions/oidc.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any, Final

from pbisetup.model.errors import Evidence, PbisetupError
from pbisetup.model.facts import Fact, Known, Unknown
from pbisetup.model.secret import Secret
from pbisetup.services.network import Network
from pbisetup.services.platform import PlatformHost, read_json

API: Final = "https://api.github.com"
TOKENS: Final = ("GH_TOKEN", "GITHUB_TOKEN")
"""In the order in which gh heeds them."""
_ACCEPT: Final = "application/vnd.github+json"
_SECONDS: Final = 30
_NOT_SIGNED_IN: Final = 4

Json = Mapping[str, Any]


def read(network: Network, path: str, environ: Mapping[str, str]) -> Fact[Json]:
    """The object at a path such as `repos/OWNER/REPO`; unknown with the reason where nobody here may read it."""
    program = shutil.which("gh", path=environ.get("PATH"))
    if program is not None:
        return _by_program(program, path, environ)
    held = next((environ[name].strip() for name in TOKENS if environ.get(name, "").strip()), "")
    if not held:
        return Unknown("GitHub's own program `gh` is not installed, and neither GH_TOKEN nor GITHUB_TOKEN is set")
    host = PlatformHost("GitHub", "the address of GitHub's API", ("api.github.com",), "")
    try:
        status, body = read_json(network, host, f"{API}/{path}", Secret(held), _ACCEPT)
    except PbisetupError as error:
        return Unknown(error.message, code=error.code)
    return _judged(path, status, body)


def _by_program(program: str, path: str, environ: Mapping[str, str]) -> Fact[Json]:
    asked = [program, "api", "--hostname", "github.com", "-H", f"Accept: {_ACCEPT}", path]
    try:
        done = subprocess.run(
            asked,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_SECONDS,
            stdin=subprocess.DEVNULL,
            # Nobody is there to answer; colours and news of newer versions are no part of an answer.
            env={**environ, "GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1", "NO_COLOR": "1"},
            check=False,
        )
    except (OSError, ValueError) as error:
        return Unknown(f"`gh` could not be run: {error}")
    except subprocess.TimeoutExpired:
        return Unknown(f"`gh` did not answer within {_SECONDS} seconds")
    if done.returncode == _NOT_SIGNED_IN:
        return Unknown("nobody is signed in to `gh`")
    try:
        body = json.loads(done.stdout)
    except ValueError:
        body = None
    if done.returncode == 0:
        return _judged(path, 200, body)
    status = str(body.get("status", "")) if isinstance(body, dict) else ""
    if status.isdecimal():
        return _judged(path, int(status), body)
    said = " ".join(done.stderr.split())[:200]
    return Unknown(f"`gh` could not read it: {said or f'it ended with {done.returncode}'}")


def _judged(path: str, status: int, body: Any) -> Fact[Json]:
    seen = Evidence(f"GET {API}/{path}", "local", f"HTTP {status}")
    if status == 200 and isinstance(body, dict):
        return Known(body, seen)
    if status in (401, 403):
        return Unknown(f"whoever is signed in to GitHub here may not read {path} (HTTP {status})", seen)
    if status == 404:
        return Unknown(f"there is no {path} on GitHub, or whoever is signed in there may not see it (HTTP 404)", seen)
    if status in (301, 302, 307, 308):
        return Unknown("the repository was renamed or moved: name it in the manifest as it is called now", seen)
    return Unknown(f"GitHub answered HTTP {status} for {path}", seen)
