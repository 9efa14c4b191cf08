"""Asking the sandbox for the answer that a golden file describes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx

from pbisetup.sandbox.seed import merge_patch
from tests.golden.shapes import GUID, Difference, differences
from tests.support.tenant import FABRIC, GRAPH, POWER_BI, SandboxTenant

ONLY_AS_MICROSOFT = "strict-transport-security"
"""Not sent to a client that asks on localhost, as these tests do; tests/sandbox/test_proxy.py has the other."""
FOLDER = Path(__file__).parent
USERS = ("admin", "fabricadmin", "developer")
UNKNOWN = "0b9a9c1e-5d3f-4c57-9a51-7d1c3f1f2a10"
"""An id that nothing has."""

Golden = dict[str, Any]


def goldens() -> dict[str, Golden]:
    """The golden files by their name without suffix."""
    return {p.stem: json.loads(p.read_text(encoding="utf-8")) for p in sorted(FOLDER.glob("*.json"))}


class Story:
    """One golden's steps against one sandbox. `<name>` in any text is replaced by what is known under that name."""

    def __init__(self, tenant: SandboxTenant) -> None:
        self.tenant = tenant
        state = tenant.state()
        self.known: dict[str, str] = {
            "tenant": tenant.tenant,
            "domain": tenant.domain,
            "url": tenant.url,
            "host": tenant.url.removeprefix("https://"),
            "operator_id": tenant.operator_id,
            "operator_secret": tenant.operator_secret,
            "password": tenant.password,
            "unknown": UNKNOWN,
            "workspace": state["workspaces"][0]["id"],
            "capacity": state["capacities"][0]["id"],
        }
        for user in state["users"]:
            self.known[user["userPrincipalName"].split("@")[0]] = user["id"]
        names = {tenant.operator_id: "operator", "00000003-0000-0000-c000-000000000000": "graph"}
        names["00000009-0000-0000-c000-000000000000"] = "powerbi"
        for principal in state["servicePrincipals"]:
            if principal["appId"] in names:
                self.known[names[principal["appId"]]] = principal["id"]
            for role in principal.get("appRoles", []):
                self.known.setdefault(f"role {role['value']}", role["id"])

    def filled(self, value: Any, *, pattern: bool = False) -> Any:
        """A copy with every `<name>` filled in; in a regular expression, escaped."""
        if isinstance(value, dict):
            return {self.filled(k): self.filled(v, pattern=pattern) for k, v in value.items()}
        if isinstance(value, list):
            return [self.filled(each, pattern=pattern) for each in value]
        if not isinstance(value, str):
            return value
        escape = pattern and value.startswith("~")

        def known(match: re.Match[str]) -> str:
            if match[1] == "guid" and escape:
                return GUID
            text = self.known.get(match[1])
            return match[0] if text is None else re.escape(text) if escape else text

        return re.sub(r"<([\w. ]+)>", known, value)

    def do(self, step: dict[str, Any]) -> httpx.Response | None:
        """One step: a change of the state (`state`: a merge patch), of the clock, an approval, or a request."""
        if "state" in step:
            patch = self.filled(step["state"])
            self.tenant.put_state(lambda present: merge_patch(present, patch))
            return None
        if "object" in step:
            self._change_object(self.filled(step["object"]))
            return None
        if "advance" in step:
            self.tenant.advance(step["advance"])
            return None
        if "approve" in step:
            self.tenant.approve(self.filled(step["approve"]))
            return None
        return self._request(step)

    def _change_object(self, change: dict[str, Any]) -> None:
        """`{"in": collection, "id": id, "patch": merge patch}`, because a merge patch cannot reach into a list."""

        def put(present: dict[str, Any]) -> None:
            items = present[change["in"]]
            if "id" not in change:
                items.append(change["patch"])
                return
            key = "settingName" if change["in"] == "tenantSettings" else "id"
            for position, item in enumerate(items):
                if item[key] == change["id"]:
                    items[position] = merge_patch(item, change["patch"])
                    return
            raise AssertionError(f"no {change['id']} in {change['in']}")

        self.tenant.put_state(put)

    def _request(self, step: dict[str, Any]) -> httpx.Response:
        asked = self.filled({k: v for k, v in step.items() if k != "save"})
        headers = dict(asked.get("headers", {}))
        token = self._token(asked.get("as", "nobody"), asked["path"])
        if token:
            headers["Authorization"] = f"Bearer {token}"
        answer = self.tenant.http.request(
            asked["method"],
            asked["path"],
            headers=headers,
            params=asked.get("query"),
            json=asked.get("json"),
            data=asked.get("form"),
        )
        for name, where in step.get("save", {}).items():
            assert answer.is_success, f"{asked['method']} {asked['path']}: {answer.status_code} {answer.text}"
            found = answer.json()
            for part in where.split("."):
                found = found[int(part)] if isinstance(found, list) else found[part]
            self.known[name] = str(found)
        return answer

    def _token(self, who: Any, path: str) -> str | None:
        if path.startswith("/v1.0/myorg"):
            resource = POWER_BI
        elif path.startswith("/v1/"):
            resource = FABRIC
        else:
            resource = GRAPH
        if isinstance(who, dict):
            return self.tenant.app_token(who["client"], who["secret"], who.get("resource", resource))
        if who in USERS:
            return self.tenant.user_token(who, resource)
        if who == "operator":
            return self.tenant.operator_token(resource)
        if who.startswith("bearer "):
            return str(who.removeprefix("bearer "))
        assert who == "nobody", who
        return None


def compare(tenant: SandboxTenant, golden: Golden) -> list[Difference]:
    """Where the sandbox's answer is not the published one."""
    story = Story(tenant)
    request = dict(golden["request"])
    for step in request.pop("given", []):
        answer = story.do(step)
        assert answer is None or answer.is_success or step.get("may fail"), (
            f"{step['method']} {step['path']}: {answer.status_code} {answer.text}"
        )
    answer = story.do(request)
    assert answer is not None
    found: list[Difference] = []
    if answer.status_code != golden["status"]:
        found.append(Difference("status", f"{answer.status_code} is not {golden['status']}: {answer.text[:300]}"))
    for name, shape in golden.get("headers", {}).items():
        if name.lower() == ONLY_AS_MICROSOFT:
            continue
        value = answer.headers.get(name)
        if shape == "absent":
            found += [Difference(f"headers.{name}", "only the sandbox has it")] if value is not None else []
        elif value is None:
            found.append(Difference(f"headers.{name}", "is missing"))
        else:
            found += differences(story.filled(shape, pattern=True), value, f"headers.{name}")
    shape = golden.get("shape")
    if shape is None:
        found += [Difference("body", f"is not empty: {answer.text[:200]}")] if answer.content else []
    elif not answer.content:
        found.append(Difference("body", "is empty"))
    else:
        found += differences(story.filled(shape, pattern=True), _body(answer, golden), "body")
    return found


def _body(answer: httpx.Response, golden: Golden) -> Any:
    body = answer.json()
    claims = golden.get("claims of")
    if claims is None:
        return body
    # The published capture is of a token's header and claims: those of ours in their place.
    import jwt

    token = body[claims]
    return {
        "header": jwt.get_unverified_header(token),
        "claims": jwt.decode(token, options={"verify_signature": False}),
    }
