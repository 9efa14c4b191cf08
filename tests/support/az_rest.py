"""A stand-in for `az rest` and `az account show`: one HTTP request as the Azure CLI would make it, with a token from the
environment, and `--query` answered by the same JMESPath.

The hand-off's commands run through it word for word; tests/clients/test_azure_cli_handoff.py runs them with the real one.
"""

from __future__ import annotations

import argparse
import json
import os
import ssl
import sys
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("group", choices=["rest", "account"])
    parser.add_argument("verb", nargs="?")
    parser.add_argument("--method", default="get")
    parser.add_argument("--url", default="")
    parser.add_argument("--resource", default="")
    parser.add_argument("--headers", nargs="*", default=[])
    parser.add_argument("--body")
    parser.add_argument("--query")
    parser.add_argument("--output", default="json")
    parser.add_argument("--only-show-errors", action="store_true")
    given = parser.parse_args()
    if given.group == "account":
        if not os.environ.get("AZ_TENANT"):
            print("ERROR: Please run 'az login' to setup account.", file=sys.stderr)
            return 1
        show({"tenantId": os.environ["AZ_TENANT"]}, given.query, given.output)
        return 0
    return rest(given)


def rest(given: argparse.Namespace) -> int:
    tokens = json.loads(os.environ["AZ_TOKENS"])
    headers = dict(h.split("=", 1) for h in given.headers)
    headers["Authorization"] = f"Bearer {tokens[given.resource]}"
    request = urllib.request.Request(
        quote(given.url, safe=":/?&=$()',%@-._~!*+;"),
        method=given.method.upper(),
        headers=headers,
        # As az does: what is JSON is sent in ASCII.
        data=json.dumps(json.loads(given.body)).encode() if given.body is not None else None,
    )
    context = ssl.create_default_context(cafile=os.environ["REQUESTS_CA_BUNDLE"])
    try:
        with urllib.request.urlopen(request, context=context) as response:
            text = response.read()
    except urllib.error.HTTPError as error:
        print(f"ERROR: {error.reason}({error.read().decode()})", file=sys.stderr)
        return 1
    if text:
        show(json.loads(text), given.query, given.output)
    return 0


def show(answer: Any, query: str | None, output: str) -> None:
    """As az prints it: knack's tsv has a line for each entry of a list, tabs between the entries of a list in it."""
    if query:
        import jmespath

        answer = jmespath.search(query, answer)
        if answer is None:
            return
    if output != "tsv":
        print(json.dumps(answer))
        return
    for row in answer if isinstance(answer, list) else [answer]:
        print("\t".join(map(cell, row)) if isinstance(row, list) else cell(row))


def cell(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if isinstance(value, dict) else str(value)


if __name__ == "__main__":
    sys.exit(main())
