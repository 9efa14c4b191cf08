"""`token`: get a token; `token inspect`: judge one."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pbisetup.cli import options as opt
from pbisetup.cli.context import Common, check_operator, command, network
from pbisetup.cli.credential import Found, app_credential, reached, user_sign_in

if TYPE_CHECKING:
    from pbisetup.model.cloud import Cloud
    from pbisetup.model.secret import Secret
    from pbisetup.services.identity import TokenSource
    from pbisetup.services.network import Network
    from pbisetup.ui.terminal import Terminal


def token(
    environment: Annotated[
        str | None, typer.Argument(metavar="[ENV]", help="An environment of the manifest, or `inspect`.")
    ] = None,
    source: Annotated[str | None, typer.Argument(metavar="[-]", help="With `inspect`: - reads standard input.")] = None,
    user: Annotated[bool, typer.Option("--user", help="Sign in as a person to the app (delegated purposes).")] = False,
    header: Annotated[bool, typer.Option("--header", help="As `Authorization: Bearer ...`.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON with the time it ends.")] = False,
    claims: Annotated[bool, typer.Option("--claims", help="The claims instead of the token.")] = False,
    fabric: Annotated[bool, typer.Option("--fabric", help="For the Fabric API's own audience.")] = False,
    scope: Annotated[str | None, typer.Option("--scope", help="Another scope, such as https://.../.default.")] = None,
    client_id: Annotated[str | None, typer.Option("--client-id", help="The app, instead of the manifest's.")] = None,
    secret: Annotated[
        str | None, typer.Option("--secret", metavar="-", help="`-` reads the app's secret from standard input.")
    ] = None,
    manifest: opt.ManifestPath = None,
    sandbox: opt.Sandbox = False,
    scenario: opt.Scenario = None,
    cloud: opt.CloudName = None,
    tenant: opt.Tenant = None,
    operator: Annotated[str, typer.Option("--operator", help="With --user: browser or device.")] = "auto",
    format: opt.Format = "text",
    no_color: opt.NoColor = False,
    verbose: opt.Verbose = False,
) -> None:
    """Get a token for the Power BI API: raw on stdout, so that $(pbisetup token dev) works.

    `pbisetup token inspect -` decodes and judges whatever comes in on standard input.
    """
    common = Common(manifest, sandbox, scenario, cloud, tenant, operator, None, format, no_color, verbose)
    with command(common) as terminal:
        if environment == "inspect":
            raise typer.Exit(_inspect(terminal, common, source))
        from pbisetup.model.errors import UsageError

        if fabric and scope:
            raise UsageError("PBI104", "--fabric and --scope exclude each other")
        check_operator(common)
        found = app_credential(common, environment, client_id, secret)
        with network(common, terminal, found.manifest) as reach:
            found = reached(common, terminal, reach, found)
            wanted = _scope(reach.cloud, fabric, scope)
            if found.credential is None or found.credential.kind == "none":
                user = user or found.signs_people_in
            person = user or (found.credential is not None and found.credential.kind == "sign-in")
            tokens = user_sign_in(terminal, common, reach, found) if person else _app(reach, found)
            got = tokens.token(wanted)
        _show(terminal, got, header=header, as_json=as_json or common.json, claims=claims)


def _scope(cloud: Cloud, fabric: bool, scope: str | None) -> str:
    from pbisetup.model.errors import UsageError

    if scope:
        return scope
    if not fabric:
        return cloud.scope(cloud.powerbi_resource)
    if cloud.fabric_resource is None:
        raise UsageError("PBI104", f"no audience of the Fabric API is published for the cloud {cloud.name!r}")
    return cloud.scope(cloud.fabric_resource)


def _app(reach: Network, found: Found) -> TokenSource:
    from pbisetup.model.errors import UsageError
    from pbisetup.services.app_sign_in import tokens

    credential = found.credential
    if credential is None or credential.kind == "none":
        name = found.environment.name if found.environment else ""
        raise UsageError(
            "PBI105",
            f"{found.where} holds no credential of the app",
            remedy="Make and store one.",
            command=f"pbisetup apply {name}".rstrip(),
        )
    return tokens(reach, credential)


def _show(terminal: Terminal, got: Secret, *, header: bool, as_json: bool, claims: bool) -> None:
    from pbisetup.diagnosis.claims import NotDecodable, decode

    try:
        decoded = decode(got.reveal())
    except NotDecodable:
        decoded = None
    if claims:
        terminal.value(json.dumps(dict(decoded.raw) if decoded else None, indent=2, ensure_ascii=True) + "\n")
    elif as_json:
        expires = decoded.expires.isoformat() if decoded and decoded.expires else None
        terminal.value(json.dumps({"access_token": got.reveal(), "expires_on": expires}, indent=2) + "\n")
    elif header:
        terminal.value(f"Authorization: Bearer {got.reveal()}\n")
    else:
        terminal.value(got.reveal() + "\n")


def _inspect(terminal: Terminal, common: Common, source: str | None) -> int:
    """Decode and judge a token. Needs no network; whatever comes in, the answer is words and 0, 1 or 2."""
    from pbisetup.catalog.clouds import clouds
    from pbisetup.diagnosis.inspection import inspect_text
    from pbisetup.model.errors import UsageError

    if source not in (None, "-"):
        raise UsageError(
            "PBI109", "a token is never an argument", remedy="Pipe it in.", command="pbisetup token inspect - < FILE"
        )
    raw = sys.stdin.buffer.read(4_000_000)
    name = common.cloud or "public"
    if name != "sandbox" and name not in clouds():
        raise UsageError("PBI104", f"--cloud {name!r} is not one of {', '.join((*clouds(), 'sandbox'))}")
    verdict = inspect_text(raw, clouds()["public" if name == "sandbox" else name])
    if common.json:
        shown: dict[str, Any] = {"schema": "pbisetup/token/v1", **verdict.to_json()}
        terminal.result(json.dumps(shown, indent=2))
    else:
        for line in verdict.lines():
            terminal.result(line)
    return 0 if verdict.usable else 1
