"""What the person with the problem had configured: the state's plain section `caller`.

It decides nothing. `sandbox env`, `sandbox run` and `--scenario` hand it on, so that a client begins where that person did.
"""

from __future__ import annotations

from typing import Any, Final

from pbisetup.catalog.clouds import clouds

SECRET: Final = "{secret}"  # noqa: S105 - a word, not a secret
"""Stands for the app secret of this start, which no state holds in clear."""
KEYS: Final = {
    "client_id": "the client id that was configured",
    "secret": f"the secret that was configured; {SECRET} is the right one",
    "tenant": "tenant id or domain; the tenant itself where it is not said",
    "cloud": "the cloud that was configured, where it is another one",
    "purpose": "what the app is for",
    "workspace": "a workspace, or several, by name or id",
    "request": "the call that fails, such as GET https://api.powerbi.com/v1.0/myorg/groups",
    "body": "what the call sends, as JSON",
    "scope": "the scope that was asked for; Power BI's /.default where it is not said",
    "grant": "client_credentials, password, device_code, authorization_code or federated",
    "user": "who signs in, where a person does",
    "redirect_uri": "where the browser was to come back to",
    "issuer": "of the assertion, with the grant federated",
    "subject": "of the assertion, with the grant federated",
    "age_seconds": "how old the token was when it was used",
    "profile": "the service principal profile that was named",
}
GRANTS: Final = ("client_credentials", "password", "device_code", "authorization_code", "federated")
_VARIABLES: Final = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")
OTHERS: Final = (
    "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_USERNAME", "AZURE_PASSWORD",
)  # fmt: skip
"""Variables that name an app or a person for azure-identity in another way; they would mix with a caller's."""


def problems(state: dict[str, Any]) -> list[str]:
    """What is wrong with a state's caller; empty where nothing is or there is none."""
    caller = state.get("caller", {})
    if not isinstance(caller, dict):
        return ["caller must be an object"]
    found = [f"caller has no key {name!r}; there are {', '.join(KEYS)}" for name in caller if name not in KEYS]
    for name in caller:
        value = caller[name]
        if name == "age_seconds":
            if isinstance(value, bool) or not isinstance(value, int | float):
                found.append("caller.age_seconds must be a number of seconds")
        elif name == "workspace" and isinstance(value, list):
            if not all(isinstance(each, str) for each in value):
                found.append("caller.workspace must be a text or a list of texts")
        elif name in KEYS and name != "body" and not isinstance(value, str):
            found.append(f"caller.{name} must be a text")
    if isinstance(caller.get("cloud"), str) and caller["cloud"] not in clouds():
        found.append(f"caller.cloud must be one of {', '.join(clouds())}")
    if isinstance(caller.get("grant"), str) and caller["grant"] not in GRANTS:
        found.append(f"caller.grant must be one of {', '.join(GRANTS)}")
    return found


def workspaces(caller: dict[str, Any]) -> list[str]:
    """The workspaces that the caller means, by name or id."""
    value = caller.get("workspace", [])
    return [value] if isinstance(value, str) else list(value)


def secret_of(caller: dict[str, Any], app_secret: str) -> str | None:
    """The secret that was configured, or None where there was none."""
    value = caller.get("secret")
    return app_secret if value == SECRET else value


def variables(caller: dict[str, Any], tenant: str, app_secret: str) -> dict[str, str]:
    """The AZURE_* variables of the caller; empty where the state has none."""
    if not caller.get("client_id"):
        return {}
    secret = secret_of(caller, app_secret)
    values = (caller.get("tenant") or tenant, caller["client_id"], secret)
    return {name: value for name, value in zip(_VARIABLES, values, strict=True) if value}


def cleared(given: dict[str, str]) -> list[str]:
    """Variables that must not be set beside those of a caller."""
    return [name for name in (*_VARIABLES, *OTHERS) if name not in given] if given else []
