"""The store `azure-devops:ORGANIZATION/PROJECT/GROUP`: a variable group of Azure Pipelines, through `az pipelines`.

Source: Azure/azure-devops-cli-extension, dev/pipelines/variable_group.py. A secret reaches `variable create --secret true`
and `variable update --prompt-value true` in AZURE_DEVOPS_EXT_PIPELINE_VAR_<name> in the environment of that child alone.
`update` prints the value that it wrote, so nothing that a writing run prints is ever shown. Each of these commands reads
the whole group and writes it back: whoever changes the group in that second may be overwritten.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from pbisetup.model.errors import Evidence, StoreError
from pbisetup.model.secret import Secret
from pbisetup.services.stores.pipeline import Held, Names, PipelineStore
from pbisetup.services.stores.tool import Answer, NoTool, Tool, typed

_AZ = Tool(
    "az",
    seconds=120,
    environment={
        "AZURE_CORE_NO_COLOR": "1",
        "PYTHONIOENCODING": "utf-8",
        # An extension is installed by a person, not in passing.
        "AZURE_EXTENSION_USE_DYNAMIC_INSTALL": "no",
    },
)
_CERTIFICATE = "AZURE_CLIENT_CERTIFICATE_BASE64"
_HIDDEN = "AZURE_DEVOPS_EXT_PIPELINE_VAR_"
_REFUSED = re.compile(r"\b(TF400813|TF401444|VS800075)\b|do(es)? not have permission|access denied", re.IGNORECASE)
"""Not authorized, never signed in there, no such project; the words for a role that is missing are a guess. Other numbers
(TF400898, an internal error) leave open whether the write happened.
"""
_NO_EXTENSION = ("misspelled or not recognized", "requires the extension", "is not an az command")
_SIGNED_OUT = ("run the login command", "az login", "az devops login")


class AzureDevOps(PipelineStore):
    """AZURE_CLIENT_SECRET or AZURE_CLIENT_CERTIFICATE_BASE64 as secret variables of the group, AZURE_TENANT_ID,
    AZURE_CLIENT_ID and PBISETUP_NOTE as plain ones. The PEM is encoded into one line, because secrets of several lines are
    trouble for many tasks there ("Secrets cannot contain multiple lines", azure-pipelines-task-lib).

    A person makes the group, because pipelines have to be allowed to use it. One linked to a key vault is refused.
    """

    def __init__(
        self,
        place: str,
        project_id: str,
        environment: str,
        *,
        brought: bool = False,
    ) -> None:
        """`place` is what stands behind `azure-devops:`; `brought`: a certificate that is a file is to be kept."""
        organization, self.project, self.group = place.split("/", 2)
        super().__init__(project_id, environment, Names.made(_CERTIFICATE), brought)
        self.organization: Final = f"https://dev.azure.com/{quote(organization, safe='')}"
        self.name = f"variable group {self.group} of {organization}/{self.project}"
        self._where = [f"--organization={self.organization}", f"--project={self.project}", "--detect=false"]
        self._spelled: dict[str, str] = {}
        """Names as the group has them: an update keeps that, and looks for the secret under it."""
        self._id = ""

    def held(self) -> Held:
        group = self._group()
        variables = group.get("variables")
        found: Mapping[str, Any] = variables if isinstance(variables, dict) else {}
        self._spelled = {name.upper(): name for name in found}
        self._id = str(group.get("id"))
        values = {name: each.get("value") for name, each in found.items() if isinstance(each, dict)}
        # One of a secret's name counts as one, whether it is marked or not: it is written as a secret.
        return Held(
            {name.upper(): str(value) for name, value in values.items() if isinstance(value, str)},
            frozenset(name.upper() for name in found),
        )

    def set_secret(self, name: str, value: Secret) -> Answer:
        spelled = self._spelled.get(name.upper())
        how = ["update", "--prompt-value=true"] if spelled else ["create"]
        return self._variable(*how, name=spelled or name, more=("--secret=true",), secret=value)

    def set_variable(self, name: str, value: str) -> Answer:
        spelled = self._spelled.get(name.upper())
        how = "update" if spelled else "create"
        return self._variable(how, name=spelled or name, more=("--secret=false", f"--value={value}"))

    def delete(self, name: str, *, secret: bool) -> Answer:  # noqa: ARG002 - both are variables of the group
        return self._variable("delete", name=self._spelled.get(name.upper(), name), more=("--yes",))

    def certificate_text(self, pem: Secret) -> Secret:
        return Secret(base64.b64encode(pem.reveal().encode()).decode())

    def remove_note(self, held: Held) -> Answer:
        """The last variable of a group stays, as an empty claim: that a group needs one is a guess."""
        ours = set(vars(self.names).values())
        if held.secrets <= ours:
            return self.set_variable(self.names.note, self.owner)
        return super().remove_note(held)

    def refused(self, answer: Answer) -> bool:
        known = (*_SIGNED_OUT, *_NO_EXTENSION)
        return answer.code is not None and bool(
            _REFUSED.search(answer.err) or self.absent(answer) or any(each in answer.err for each in known)
        )

    def absent(self, answer: Answer) -> bool:
        return not answer.ok and bool(re.search(r"Variable '.*' does not exist", answer.err))

    def claim(self) -> str:
        return (
            f"az pipelines variable-group variable create --group-id {self._id} --name {self.names.note} "
            f"--value {self.owner} --organization {self.organization} --project {typed(self.project)}"
        )

    def failed(self, doing: str, answer: Answer) -> StoreError:
        remedy, command = self._remedy(answer)
        seen = Evidence("az pipelines", "operator", answer.said)
        return StoreError(
            "PBI119", f"az could not {doing} in {self.name}", remedy=remedy, command=command, evidence=(seen,)
        )

    def _remedy(self, answer: Answer) -> tuple[str, str | None]:
        said = answer.err
        if any(each in said for each in _NO_EXTENSION):
            return "The Azure CLI needs its extension azure-devops.", "az extension add --name azure-devops"
        if any(each in said for each in _SIGNED_OUT):
            return "Sign in as somebody who may change the variable group, and run again.", "az login"
        if "VS800075" in said:
            return f"There is no project {self.project}, or this account may not see it.", None
        if _REFUSED.search(said):
            return "It takes the role Administrator in the group's security (Pipelines, Library, Security).", None
        return "Run again when Azure DevOps answers.", None

    def _group(self) -> dict[str, Any]:
        answer = self.looked(lambda: self._az("list", f"--group-name={self.group}", *self._where))
        self.must("list the variable groups", answer)
        try:
            listed = json.loads(answer.out or "[]") or []
        except ValueError:
            listed = None
        if not isinstance(listed, list):
            raise StoreError("PBI119", "az answered with something that is no list of variable groups")
        groups = [each for each in listed if isinstance(each, dict)]
        found = next((g for g in groups if str(g.get("name", "")).lower() == self.group.lower()), None)
        if found is None:
            raise StoreError(
                "PBI119",
                f"there is no {self.name}, or this account may not see it",
                remedy="No credential was made. Make it, allow the pipelines that use it, and run again.",
                command=f"az pipelines variable-group create --name {typed(self.group)} "
                f"--variables PBISETUP_NOTE={self.owner} --organization {self.organization} --project {typed(self.project)}",
            )
        if found.get("type") == "AzureKeyVault":
            raise StoreError(
                "PBI119",
                f"the {self.name} shows the secrets of a key vault, and takes none itself",
                remedy="No credential was made. Use the store key-vault:NAME with that vault, or another group.",
            )
        return found

    def _variable(self, *how: str, name: str, more: tuple[str, ...], secret: Secret | None = None) -> Answer:
        action, *flags = how
        arguments = ["variable", action, f"--group-id={self._id}", f"--name={name}", *flags, *more, *self._where]
        answer = self._az(*arguments, hidden={_HIDDEN + name: secret} if secret is not None else None)
        if answer.ok:
            if action == "create":
                self._spelled[name.upper()] = name
            elif action == "delete":
                self._spelled.pop(name.upper(), None)
        elif "already exists" in answer.err:
            # A try that was not answered had made it.
            self._spelled[name.upper()] = name
        return answer

    def _az(self, *arguments: str, hidden: Mapping[str, Secret] | None = None) -> Answer:
        try:
            return _AZ.run(
                "pipelines", "variable-group", *arguments, "--output=json", "--only-show-errors", hidden=hidden
            )
        except NoTool as error:
            raise StoreError(
                "PBI119",
                f"{self.name} needs the Azure CLI: {error}",
                remedy="No credential was made. Install az with the extension azure-devops, or use env-file.",
            ) from None
