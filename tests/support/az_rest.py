"""A stand-in for `az rest` alone: one HTTP request as the Azure CLI would make it, with a token from the environment.

The hand-off's commands run through it word for word; the real azure-cli does the same in a test of its own later.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import ssl
import sys
import urllib.error
import urllib.request


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("group", choices=["rest"])
    parser.add_argument("--method", required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("--resource", required=True)
    parser.add_argument("--headers", nargs="*", default=[])
    parser.add_argument("--body")
    parser.add_argument("--query")
    parser.add_argument("--output", default="json")
    given = parser.parse_args()
    tokens = json.loads(os.environ["AZ_TOKENS"])
    headers = dict(h.split("=", 1) for h in given.headers)
    headers["Authorization"] = f"Bearer {tokens[given.resource]}"
    request = urllib.request.Request(
        given.url.replace(" ", "%20"),
        method=given.method.upper(),
        headers=headers,
        data=given.body.encode() if given.body is not None else None,
    )
    context = ssl.create_default_context(cafile=os.environ["REQUESTS_CA_BUNDLE"])
    try:
        with urllib.request.urlopen(request, context=context) as response:
            text = response.read()
    except urllib.error.HTTPError as error:
        print(f"{error.code} {error.read().decode()}", file=sys.stderr)
        return 1
    answer = json.loads(text) if text else None
    if given.query and given.output == "tsv":
        index = re.fullmatch(r"value\[0\]\.(\w+)", given.query)
        print(answer["value"][0][index[1]] if index else answer[given.query])
    elif answer is not None:
        print(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
