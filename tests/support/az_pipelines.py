"""A stand-in for `az pipelines variable-group` with a project's library in a file.

As the extension does it (dev/pipelines/variable_group.py): a secret comes from the environment or a prompt, `update` prints
what it wrote, and secrets are never given back.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any, NoReturn

from standin import StandIn, fail

SIGNED_OUT = (
    "ERROR: Before you can run Azure DevOps commands, you need to run the login command(az login if using AAD/MSA identity "
    "else az devops login if using PAT token) to setup credentials.  Please see https://aka.ms/azure-devops-cli-auth"
)


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        fail(f"ERROR: {message}", 2)


def truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"


def parsed(verb: str, arguments: list[str]) -> argparse.Namespace:
    parser = Parser(allow_abbrev=False, add_help=False)
    parser.add_argument("--organization", required=True)
    parser.add_argument("--project", required=True)
    parser.add_argument("--detect", type=truth)
    parser.add_argument("--output", choices=["json"])
    parser.add_argument("--only-show-errors", action="store_true")
    if verb == "list":
        parser.add_argument("--group-name")
        return parser.parse_args(arguments)
    parser.add_argument("--group-id", type=int, required=True)
    parser.add_argument("--name", required=True)
    if verb == "delete":
        parser.add_argument("--yes", action="store_true")
    else:
        parser.add_argument("--secret", type=truth)
        parser.add_argument("--value")
    if verb == "update":
        parser.add_argument("--prompt-value", type=truth)
    return parser.parse_args(arguments)


class Pipelines(StandIn):
    def __init__(self) -> None:
        super().__init__("az")

    def work(self) -> None:
        if self.arguments[:2] != ["pipelines", "variable-group"] or not self.state["extension"]:
            fail("ERROR: 'pipelines' is misspelled or not recognized by the system.", 2)
        if not self.state["signed_in"]:
            fail(SIGNED_OUT)
        verb, *rest = self.arguments[2:]
        if verb == "variable":
            verb, *rest = rest
        options = parsed(verb, rest)
        if options.organization != self.state["organization"] or options.project != self.state["project"]:
            fail(f"ERROR: VS800075: The project with id 'vstfs:///Classification/TeamProject/{options.project}' does not "
                 "exist, or you do not have permission to access it.")  # fmt: skip
        if verb == "list":
            groups = [self._shown(each) for each in self.state["groups"] if options.group_name in ("", each["name"])]
            print(json.dumps(groups))
            return
        group = next(each for each in self.state["groups"] if each["id"] == options.group_id)
        if not self.state["may_manage"]:
            fail("ERROR: TF400813: The user 'dev@contoso.example' is not authorized to access this resource.")
        getattr(self, f"_{verb}")(group["variables"], options)

    def _shown(self, group: dict[str, Any]) -> dict[str, Any]:
        shown = {
            name: {"isSecret": each["isSecret"] or None, "value": None if each["isSecret"] else each["value"]}
            for name, each in group["variables"].items()
        }
        return {**group, "variables": shown}

    def _create(self, variables: dict[str, Any], options: argparse.Namespace) -> None:
        if found := spelled(variables, options.name):
            fail(f"ERROR: Variable '{found}' already exists. Use `az pipelines variable-group variable update` command to "
                 "update the key/value.")  # fmt: skip
        value = options.value or (asked(options.name) if options.secret else None)
        if not value:
            fail("ERROR: --value is required as parameter for non secret variable.")
        variables[options.name] = {"isSecret": bool(options.secret), "value": value}
        print(json.dumps(self._shown({"variables": variables})["variables"]))

    def _update(self, variables: dict[str, Any], options: argparse.Namespace) -> None:
        found = spelled(variables, options.name)
        if found is None:
            fail(f"ERROR: Variable '{options.name}' does not exist. ")
        secret = variables[found]["isSecret"] if options.secret is None else options.secret
        value = options.value or (asked(found) if secret and options.prompt_value else variables[found]["value"])
        variables[found] = {"isSecret": secret, "value": value}
        print(value)
        print(json.dumps(self._shown({"variables": variables})["variables"]))

    def _delete(self, variables: dict[str, Any], options: argparse.Namespace) -> None:
        found = spelled(variables, options.name)
        if not options.yes:
            fail("ERROR: Unable to prompt for confirmation as no tty available. Use --yes.")
        if found is None:
            fail(f"ERROR: Variable '{options.name}' does not exist. ")
        if len(variables) == 1:
            fail("ERROR: Variable group must contain at least one variable.")
        del variables[found]
        print(f"Deleted variable '{found}' successfully.")


def spelled(variables: dict[str, Any], name: str) -> str | None:
    return next((each for each in variables if each.lower() == name.lower()), None)


def asked(name: str) -> str:
    value = os.environ.get(f"AZURE_DEVOPS_EXT_PIPELINE_VAR_{name}")
    if not value:
        assert not sys.stdin.isatty()
        fail(f"ERROR: For non-interactive consoles set environment variable AZURE_DEVOPS_EXT_PIPELINE_VAR_{name}, or pipe "
             "the value of variable into the command.")  # fmt: skip
    return value


if __name__ == "__main__":
    pipelines = Pipelines()
    pipelines.run(pipelines.work)
