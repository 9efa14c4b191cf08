"""A stand-in for GitHub's CLI with a small GitHub in a file: the commands and flags that the store uses, and no other.

Its words and exit statuses are those of cli/cli (pkg/cmd/secret, pkg/cmd/variable, pkg/cmd/api).
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any, NoReturn

from standin import StandIn, fail

API = "https://api.github.com"
DENIED = "HTTP 403: Resource not accessible by personal access token"


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        fail(f"unknown flag: {message}\n\nUsage:  gh {self.prog}")


def parsed(what: str, verb: str, arguments: list[str]) -> argparse.Namespace:
    parser = Parser(prog=f"{what} {verb}", allow_abbrev=False, add_help=False)
    if verb != "list":
        parser.add_argument("name")
    parser.add_argument("-R", "--repo", required=True)
    parser.add_argument("-e", "--env", default="")
    if verb == "set":
        parser.add_argument("-b", "--body")
    if verb == "list":
        parser.add_argument("--json", dest="fields", required=True)
    return parser.parse_args(arguments)


class GitHub(StandIn):
    def __init__(self) -> None:
        super().__init__("gh")

    def work(self) -> None:
        if not self.state["signed_in"]:
            fail("To get started with GitHub CLI, please run:  gh auth login\nAlternatively, populate the GH_TOKEN "
                 "environment variable with a GitHub API authentication token.", 4)  # fmt: skip
        what, verb, *rest = self.arguments
        if what == "api":
            self._api(verb, rest)
        elif what in ("secret", "variable") and verb in ("set", "list", "delete"):
            getattr(self, f"_{verb}")(what, parsed(what, verb, rest))
        else:
            fail(f'unknown command "{what} {verb}" for "gh"')

    def _values(self, what: str, options: argparse.Namespace, failing: str) -> Any:
        repository = self.state["repositories"].get(options.repo)
        path = f"repos/{options.repo}/" + (f"environments/{options.env}" if options.env else "actions")
        if repository is None or (options.env and options.env not in repository["environments"]):
            fail(f"{failing}: HTTP 404: Not Found ({API}/{path}/{what}s)")
        if what in repository["denied"]:
            fail(f"{failing}: {DENIED} ({API}/{path}/{what}s)")
        return repository[f"{what}s"].setdefault(options.env, {})

    def _list(self, what: str, options: argparse.Namespace) -> None:
        if not set(options.fields.split(",")) <= ({"name", "updatedAt"} | ({"value"} if what == "variable" else set())):
            fail(f'Unknown JSON field: "{options.fields}"')
        values = self._values(what, options, f"failed to get {what}s")
        print(
            json.dumps(
                [{"name": name, **({"value": value} if what == "variable" else {})} for name, value in values.items()]
            )
        )

    def _set(self, what: str, options: argparse.Namespace) -> None:
        value = options.body or sys.stdin.buffer.read().decode().rstrip("\r\n")
        failing = "failed to fetch public key" if what == "secret" else f'failed to set variable "{options.name}"'
        self._values(what, options, failing)[options.name.upper()] = value

    def _delete(self, what: str, options: argparse.Namespace) -> None:
        failing = f"failed to delete {what} {options.name}"
        values = self._values(what, options, failing)
        if options.name.upper() not in values:
            fail(f"{failing}: HTTP 404: Not Found ({API}/repos/{options.repo}/actions/{what}s/{options.name})")
        del values[options.name.upper()]

    def _api(self, path: str, rest: list[str]) -> None:
        if rest or path.removeprefix("repos/") not in self.state["repositories"]:
            print('{"message":"Not Found","status":"404"}')
            fail("gh: Not Found (HTTP 404)")
        print(json.dumps({"full_name": path.removeprefix("repos/")}))


if __name__ == "__main__":
    github = GitHub()
    github.run(github.work)
