"""The store `github:OWNER/REPO[/ENVIRONMENT]`: secrets and variables of GitHub Actions, through GitHub's own CLI `gh`.

Flags, exit status 4 for a missing sign-in and the words of its errors: source cli/cli, pkg/cmd/secret, pkg/cmd/variable and
`gh help exit-codes`. `gh` reads a value from standard input where no --body is given.
"""

from __future__ import annotations

import json
import re
from functools import partial
from typing import Final
from urllib.parse import quote

from pbisetup.model.errors import Evidence, StoreError
from pbisetup.model.secret import Secret
from pbisetup.services.stores.pipeline import Held, Names, PipelineStore
from pbisetup.services.stores.tool import Answer, NoTool, Tool, typed

_GH = Tool(
    "gh",
    seconds=60,
    environment={"GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1", "NO_COLOR": "1", "GH_PAGER": ""},
    # With them gh prints the requests that it sends, or takes its output for a terminal's.
    without=("GH_DEBUG", "DEBUG", "GH_FORCE_TTY", "CLICOLOR_FORCE"),
)
_REFUSED = re.compile(r"\bHTTP (4\d\d)\b")


class GitHub(PipelineStore):
    """Secret AZURE_CLIENT_SECRET or AZURE_CLIENT_CERTIFICATE (the PEM), variables AZURE_TENANT_ID, AZURE_CLIENT_ID and
    PBISETUP_NOTE.

    In an environment of GitHub's they have these names. In a whole repository, which several environments of a manifest may
    share, they end with `_` and the environment in upper case: AZURE_CLIENT_SECRET_DEV.
    """

    def __init__(
        self,
        place: str,
        project_id: str,
        environment: str,
        *,
        brought: bool = False,
    ) -> None:
        """`place` is what stands behind `github:` in the manifest; `brought`: a certificate that is a file is to be kept."""
        owner, repository, *rest = place.split("/", 2)
        self.repository: Final = f"{owner}/{repository}"
        self.github_environment: Final = rest[0] if rest else ""
        suffix = "" if rest else "_" + re.sub(r"[^A-Z0-9]", "_", environment.upper())
        super().__init__(project_id, environment, Names.made(suffix=suffix), brought)
        self.name = f"GitHub {self.repository}" + (f", environment {rest[0]}" if rest else "")
        self._where = [f"--repo={self.repository}"]
        if rest:
            self._where.append(f"--env={rest[0]}")

    def held(self) -> Held:
        variables = self._list("variable", "name,value")
        present = self._list("secret", "name")
        return Held(
            {str(each.get("name", "")).upper(): str(each.get("value", "")) for each in variables},
            frozenset(str(each.get("name", "")).upper() for each in present),
        )

    def set_secret(self, name: str, value: Secret) -> Answer:
        return self._gh("secret", "set", name, *self._where, stdin=value)

    def set_variable(self, name: str, value: str) -> Answer:
        return self._gh("variable", "set", name, *self._where, stdin=value)

    def delete(self, name: str, *, secret: bool) -> Answer:
        return self._gh("secret" if secret else "variable", "delete", name, *self._where)

    def refused(self, answer: Answer) -> bool:
        return answer.code is not None and bool(_REFUSED.search(answer.err) or answer.code == 4 or _signed_out(answer))

    def absent(self, answer: Answer) -> bool:
        return not answer.ok and _status(answer) == 404

    def prove(self) -> None:
        """Secrets and variables are two rights of a token: both are tried."""
        super().prove()
        proof = self.names.proof
        self.proved("variables", partial(self.set_variable, proof, "1"), partial(self.delete, proof, secret=False))

    def claim(self) -> str:
        where = f"--repo {self.repository}"
        if self.github_environment:
            where += f" --env {typed(self.github_environment)}"
        return f"gh variable set {self.names.note} --body {self.owner} {where}"

    def failed(self, doing: str, answer: Answer) -> StoreError:
        remedy, command = self._remedy(answer)
        seen = Evidence("gh", "operator", answer.said)
        return StoreError(
            "PBI119", f"gh could not {doing} in {self.name}", remedy=remedy, command=command, evidence=(seen,)
        )

    def _remedy(self, answer: Answer) -> tuple[str, str | None]:
        status = _status(answer)
        if answer.code == 4 or status == 401 or _signed_out(answer):
            return (
                "Sign in to GitHub as somebody who may write the repository's secrets, and run again.",
                "gh auth login",
            )
        if "rate limit" in answer.err.lower() or status == 429:
            return "GitHub asks to wait a few minutes. Run again then.", None
        if status == 404:
            return self._missing()
        if status == 403:
            return (
                "It takes write access to the repository. A fine-grained token needs the permissions Secrets and Variables, "
                "for an environment Environments too, to read and write; a classic one the scope `repo`.",
                "gh auth status",
            )
        if "unknown command" in answer.err or "unknown flag" in answer.err:
            return "This gh is too old: variables and their --json are needed. Update it.", "gh --version"
        return "Run again when GitHub answers.", None

    def _missing(self) -> tuple[str, str | None]:
        """GitHub says 404 for what is not there and for what this account may not see."""
        if self.github_environment and self._gh("api", f"repos/{self.repository}").ok:
            path = f"repos/{self.repository}/environments/{quote(self.github_environment, safe='')}"
            return f"The repository has no environment {self.github_environment}. Make it, and run again.", (
                f"gh api --method PUT {path}"
            )
        return (
            f"{self.repository} is not there, or this account may not see it.",
            "gh auth status",
        )

    def _list(self, what: str, fields: str) -> list[dict[str, object]]:
        answer = self.looked(lambda: self._gh(what, "list", *self._where, "--json", fields))
        self.must(f"list the {what}s", answer)
        try:
            listed = json.loads(answer.out or "[]") or []
        except ValueError:
            listed = None
        if not isinstance(listed, list):
            raise StoreError("PBI119", f"gh answered with something that is no list of {what}s", remedy="Update gh.")
        return [each for each in listed if isinstance(each, dict)]

    def _gh(self, *arguments: str, stdin: Secret | str | None = None) -> Answer:
        try:
            return _GH.run(*arguments, stdin=stdin)
        except NoTool as error:
            raise StoreError(
                "PBI119",
                f"{self.name} needs GitHub's CLI: {error}",
                remedy="No credential was made. Install gh from cli.github.com and sign in with `gh auth login`; or keep "
                "the credential in env-file.",
            ) from None


def _status(answer: Answer) -> int | None:
    match = _REFUSED.search(answer.err)
    return int(match[1]) if match else None


def _signed_out(answer: Answer) -> bool:
    return "gh auth login" in answer.err
