"""`pbisetup sandbox conformance`: whether a real tenant answers as the sandbox's tables say."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pbisetup.cli import options as opt
from pbisetup.cli.context import Common, command, network, sign_in_text

if TYPE_CHECKING:
    from pbisetup.model.cloud import Cloud
    from pbisetup.model.secret import Secret
    from pbisetup.sandbox.conformance.judge import Seen
    from pbisetup.sandbox.conformance.probes import Probe
    from pbisetup.sandbox.conformance.run import Result
    from pbisetup.services.identity import TokenSource
    from pbisetup.services.network import Network
    from pbisetup.ui.terminal import Terminal

FILENAME = "pbisetup-conformance.json"
_NAMING = (
    "oid", "tid", "sub", "appid", "azp", "app_displayname", "upn", "unique_name", "preferred_username", "email", "name",
    "given_name", "family_name", "ipaddr", "puid", "onprem_sid",
)  # fmt: skip
"""Claims that name somebody: their values appear nowhere in the file, not even where a code could stand."""


def conformance(
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="Where the redacted comparison is written.", dir_okay=False)
    ] = Path(FILENAME),
    cloud: opt.CloudName = None,
    tenant: opt.Tenant = None,
    operator: Annotated[
        str, typer.Option("--operator", help="Ask as a person too: az, browser, device, env; none leaves that out.")
    ] = "none",
    operator_client_id: opt.OperatorClientId = None,
    yes: opt.Yes = False,
    format: opt.Format = "text",
    no_color: opt.NoColor = False,
    verbose: opt.Verbose = False,
) -> None:
    """Compare a real tenant with the sandbox's tables of refusals: reads only, and only after it said what it sends.

    As the app of AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET where they are set. Exit 0: as the tables say;
    1: it differs; 3: a service did not answer.
    """
    common = Common(None, False, None, cloud, tenant, operator, operator_client_id, format, no_color, verbose)
    with command(common) as terminal, network(common, terminal, None) as reach:
        from pbisetup.model.errors import ExitCode
        from pbisetup.sandbox.conformance.report import contradicted
        from pbisetup.services.files import write_text

        _check(common, out)
        _announce(terminal, reach.cloud, asked_as_person=operator != "none", yes=yes)
        results = _run(terminal, common, reach)
        told = _told(results, reach.cloud.name)
        kept = out.exists() and {verdict.outcome for _, verdict in results} <= {"unreachable", "not attempted"}
        if not kept:
            write_text(out, json.dumps(told, indent=2) + "\n")
        _show(terminal, common, results, told)
        if kept:
            terminal.say(f"No service answered; {out} still holds the comparison that was there.")
        else:
            terminal.say(f"Written to {out}. Read it before you send it: it should hold nothing of yours.")
        if contradicted(results):
            raise typer.Exit(ExitCode.WRONG)
        if any(verdict.outcome == "unreachable" for _, verdict in results):
            raise typer.Exit(ExitCode.NO_ACCESS)


def _check(common: Common, out: Path) -> None:
    from pbisetup.model.errors import UsageError
    from pbisetup.observe.session import ROUTES
    from pbisetup.sandbox.conformance.report import SCHEMA

    if common.operator not in ("none", *ROUTES):
        raise UsageError("PBI104", f"--operator {common.operator!r} is not one of none, {', '.join(ROUTES)}")
    if str(out) == "-":
        raise UsageError(
            "PBI103",
            "standard output carries the summary",
            remedy="Name a file with --out; --format json prints it too.",
        )
    if not out.absolute().parent.is_dir():
        raise UsageError("PBI103", f"{out} cannot be written: there is no such folder")
    if out.exists() and SCHEMA.encode() not in out.read_bytes()[:4096]:
        raise UsageError(
            "PBI103", f"{out} is no comparison, so it is not overwritten", remedy="Name another file with --out."
        )


def _announce(terminal: Terminal, cloud: Cloud, *, asked_as_person: bool, yes: bool) -> None:
    """Say what goes where, and ask. Raises Interrupted, or UsageError where nobody can be asked."""
    from pbisetup.model.errors import Interrupted, UsageError
    from pbisetup.sandbox.conformance.probes import PROBES
    from pbisetup.ui import prompts

    app = bool(os.environ.get("AZURE_CLIENT_ID"))
    wanted = [p for p in PROBES if (app or p.bearer not in ("app", "app_other")) and _asked(p, asked_as_person)]
    terminal.say(f"Reads only, one after the other, in the cloud {cloud.name}:", "bold")
    for service, origin in _origins(cloud).items():
        number = sum(probe.service == service for probe in wanted)
        if origin and number:
            terminal.say(f"  {number:2} GET to {origin}")
    terminal.wrapped(
        "Most are meant to be refused: without a token, with a text that is none, with a token that nobody signed, for "
        "objects that do not exist. The sign-in log shows a sign-in for each resource that a token is taken for."
    )
    if app:
        terminal.wrapped(
            "The app's token for Microsoft Graph is also sent to Power BI and Fabric, and the one for Power BI to Graph, "
            "to see how they refuse it; no token leaves the hosts above."
        )
    if yes:
        return
    if not terminal.interactive:
        raise UsageError("PBI104", "nobody can be asked whether to go on", remedy="Add --yes if you agree.")
    if not prompts.confirm("Go on?", default=False):
        raise Interrupted("PBI130", "stopped at a question; nothing was sent")


def _run(terminal: Terminal, common: Common, reach: Network) -> list[Result]:
    from pbisetup.sandbox.conformance.mask import Mask
    from pbisetup.sandbox.conformance.probes import PROBES
    from pbisetup.sandbox.conformance.run import gather, judged
    from pbisetup.sandbox.conformance.tables import vocabulary
    from pbisetup.services.plain import PlainClient

    client = PlainClient(reach)
    asker = _Asker(terminal, common, reach, client)
    try:
        answers = gather(PROBES, asker)
    finally:
        client.close()
    return judged(PROBES, answers, Mask(vocabulary(), asker.private))


def _told(results: list[Result], cloud: str) -> dict[str, Any]:
    from datetime import UTC, datetime

    from pbisetup import __version__
    from pbisetup.sandbox.conformance.report import report

    return report(results, cloud=cloud, version=__version__, day=datetime.now(UTC).date())


def _show(terminal: Terminal, common: Common, results: list[Result], told: dict[str, Any]) -> None:
    from pbisetup.sandbox.conformance.report import lines

    terminal.clear()
    if common.json:
        terminal.result(json.dumps(told, indent=2))
        return
    for line, style in lines(results, told["cloud"]):
        terminal.result(line, style)


def _asked(probe: Probe, as_person: bool) -> bool:
    return as_person or probe.bearer != "operator"


def _origins(cloud: Cloud) -> dict[str, str | None]:
    return {"entra": cloud.login, "graph": cloud.graph, "powerbi": cloud.powerbi, "fabric": cloud.fabric}


def _resources(cloud: Cloud) -> dict[str, str | None]:
    return {"graph": cloud.graph_resource, "powerbi": cloud.powerbi_resource, "fabric": cloud.fabric_resource}


class _Asker:
    """Sends probes; signs app and operator in when the first of theirs comes."""

    def __init__(self, terminal: Terminal, common: Common, reach: Network, client: Any) -> None:
        self._terminal = terminal
        self._common = common
        self._reach = reach
        self._client = client
        self._unknown = str(uuid.uuid4())
        self._sources: dict[str, TokenSource | str] = {}
        self._tokens: dict[tuple[str, str], Secret | str] = {}
        self.private: set[str] = {
            value
            for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")
            if (value := os.environ.get(name))
        } | ({common.tenant} if common.tenant else set())

    def __call__(self, probe: Probe) -> Seen:
        from pbisetup.model.errors import PbisetupError
        from pbisetup.sandbox.conformance.judge import Seen
        from pbisetup.sandbox.conformance.run import NotAttempted, Silent
        from pbisetup.sandbox.gate.request import PROFILE_HEADER

        origin = _origins(self._reach.cloud)[probe.service]
        if origin is None:
            raise NotAttempted(f"no address of the {probe.service} API is published for this cloud")
        bearer = self._bearer(probe)
        headers = {PROFILE_HEADER: probe.profile.replace("{unknown}", self._unknown)} if probe.profile else {}
        self._terminal.transient(f"  … {probe.id}")
        try:
            got = self._client.get(origin + probe.path.replace("{unknown}", self._unknown), bearer, headers)
        except PbisetupError as error:
            raise Silent(f"no answer ({error.code})") from None
        return Seen(got.status, got.headers, got.text)

    def _bearer(self, probe: Probe) -> Secret | None:
        from pbisetup.sandbox.conformance.forged import forged
        from pbisetup.sandbox.conformance.run import NotAttempted

        resources = _resources(self._reach.cloud)
        if probe.bearer == "none":
            return None
        if probe.bearer in ("app", "app_other", "operator"):
            who = "operator" if probe.bearer == "operator" else "app"
            other = "powerbi" if probe.service == "graph" else "graph"
            got = self._token(who, resources[other if probe.bearer == "app_other" else probe.service])
            if isinstance(got, str):
                raise NotAttempted(got)
            if probe.person and not _of_a_person(got):
                raise NotAttempted("the operator is no user")
            return got
        return forged(probe.bearer, resources[probe.service] or "", self._reach.now())

    def _token(self, who: str, resource: str | None) -> Secret | str:
        """A token, or why there is none."""
        if resource is None:
            return "no resource of this API is published for this cloud"
        if (who, resource) not in self._tokens:
            self._tokens[who, resource] = self._new_token(who, resource)
        return self._tokens[who, resource]

    def _new_token(self, who: str, resource: str) -> Secret | str:
        from pbisetup.model.errors import PbisetupError
        from pbisetup.services.identity import TokenRefused

        try:
            if who not in self._sources:
                self._sources[who] = self._operator() if who == "operator" else self._app()
            source = self._sources[who]
            if isinstance(source, str):
                return source
            token = source.token(self._reach.cloud.scope(resource))
        except TokenRefused as refused:
            numbers = [f"AADSTS{code}" for code in refused.codes]
            return f"the {who} got no token ({', '.join(numbers) or refused.code})"
        except PbisetupError as error:
            return f"the {who} got no token ({error.code})"
        self.private |= _names(token)
        return token

    def _app(self) -> TokenSource | str:
        from pbisetup.model.secret import Secret
        from pbisetup.services.app_sign_in import Credential, tokens

        tenant = self._common.tenant or os.environ.get("AZURE_TENANT_ID", "")
        client, secret = os.environ.get("AZURE_CLIENT_ID", ""), os.environ.get("AZURE_CLIENT_SECRET", "")
        if not (tenant and client and secret):
            return "AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET are not all set"
        return tokens(self._reach, Credential("secret", tenant, client, "environment variables", secret=Secret(secret)))

    def _operator(self) -> TokenSource | str:
        from pbisetup.observe.session import SignIn, operator_tokens

        if self._common.operator == "none":
            return "nobody signs in without --operator"
        prompt: Callable[[str, str, str], None] = lambda uri, code, _: self._terminal.wrapped(  # noqa: E731
            sign_in_text(uri, code, self._terminal), "", "bold"
        )
        tenant = self._common.tenant or os.environ.get("AZURE_TENANT_ID")
        how = SignIn(self._common.operator, tenant, self._common.operator_client_id, self._terminal.interactive, prompt)
        return operator_tokens(self._reach, how)


def _of_a_person(token: Secret) -> bool:
    from pbisetup.diagnosis.claims import NotDecodable, decode

    try:
        return not decode(token.reveal()).app_only
    except NotDecodable:
        return True


def _names(token: Secret) -> set[str]:
    """What the token says of who uses it, and its own parts."""
    from pbisetup.diagnosis.claims import NotDecodable, decode

    try:
        raw = decode(token.reveal()).raw
    except NotDecodable:
        return {token.reveal()}
    told = {str(raw[name]) for name in _NAMING if isinstance(raw.get(name), str)}
    domains = {text.rpartition("@")[2] for text in told if "@" in text}
    return told | domains | set(token.reveal().split("."))
