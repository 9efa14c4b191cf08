"""The first doctor's rules: from what the app's token got, and what the operator saw, to checks and findings.

Root cause first: once a link is broken, what hangs behind it is skipped, not reported as a fault of its own.
"""

from __future__ import annotations

from datetime import UTC, datetime

from pbisetup.catalog.findings import finding
from pbisetup.catalog.wellknown import ADMISSION_CODE, OLD_PUBLIC_API_SETTING, PUBLIC_API_SETTING
from pbisetup.model.claims import Claims
from pbisetup.model.errors import Evidence
from pbisetup.model.facts import Known
from pbisetup.model.finding import Certainty, Check, Examination, Finding
from pbisetup.model.probe import Expected, Probe
from pbisetup.model.snapshot import Snapshot

BY_AADSTS: dict[int, tuple[str, Certainty]] = {
    7000222: ("secret_expired", "certain"),
    7000229: ("sp_missing_in_tenant", "certain"),
    7000112: ("app_disabled", "certain"),
    500014: ("resource_sp_disabled", "certain"),
    53003: ("conditional_access_blocked", "certain"),
    530034: ("conditional_access_blocked", "certain"),
    65001: ("consent_missing", "certain"),
    700016: ("app_not_in_tenant", "likely"),
    90002: ("tenant_unknown", "likely"),
    500011: ("resource_sp_missing", "likely"),
    7000215: ("invalid_secret", "likely"),
}
"""What a number of the token endpoint means by itself, and how sure that is (entra.md 5, documented)."""


def examine(
    environment: str | None,
    probe: Probe,
    expected: Expected,
    snapshot: Snapshot | None,
    now: datetime | None = None,
) -> Examination:
    """Checks in the order of the chain, findings with the root cause first."""
    examiner = _Examiner(environment, probe, expected, snapshot, now or datetime.now(UTC))
    examiner.run()
    failing = any(f.severity == "error" for f in examiner.findings) or any(c.status == "fail" for c in examiner.checks)
    issued = probe.token is not None and probe.token.issued
    reached = issued and probe.groups is not None and probe.groups.ok and all(w.visible for w in probe.workspaces)
    return Examination(
        environment, tuple(examiner.checks), tuple(examiner.findings), reached and not failing, probe.requests
    )


_NO_ANSWER = {
    "PBI102": "conflicting_auth_configuration",
    "PBI207": "redirected_away",
    "PBI210": "not_its_own",
}
"""What is found where an error kept a service from being heard; anything else is the network."""


class _Examiner:
    def __init__(
        self,
        environment: str | None,
        probe: Probe,
        expected: Expected,
        snapshot: Snapshot | None,
        now: datetime,
    ) -> None:
        self.env = environment or ""
        self.probe = probe
        self.expected = expected
        self.seen = snapshot
        self.now = now
        self.checks: list[Check] = []
        self.findings: list[Finding] = []

    def run(self) -> None:
        if not (self._configuration() and self._token()):
            for id_, title in (
                ("claims", "Claims of the token"),
                ("api.groups", "Power BI API"),
                ("api.workspaces", "Workspaces"),
            ):
                self._check(id_, title, "skip", "not examined because there is no token")
            return
        self._claims()
        self._signature()
        if self._api():
            self._workspaces()
        else:
            self._check("api.workspaces", "Workspaces", "skip", "not examined because the API did not admit the app")

    # -- links of the chain --------------------------------------------------------------------------------------

    def _configuration(self) -> bool:
        shape = self.probe.configured
        if shape is None:
            return True
        evidence = (Evidence(shape.where, "local", f"client id {shape.client_id}, tenant {shape.tenant_id}"),)
        if not shape.has_secret:
            self._check("config.credential", "Credential", "fail", f"{shape.where} holds no secret", evidence)
            self._find(
                "conflicting_auth_configuration",
                "certain",
                evidence,
                message=f"{shape.where} holds no secret.",
            )
            return False
        if shape.secret_has_odd_ends:
            self._check(
                "config.credential",
                "Credential",
                "warn",
                "the secret begins or ends with quotes or white space",
                evidence,
            )
            return True
        self._check("config.credential", "Credential", "pass", f"from {shape.where}", evidence)
        return True

    def _token(self) -> bool:
        attempt = self.probe.token
        if attempt is None:
            return False
        title = "Token from Entra"
        if attempt.issued:
            claims = attempt.claims
            whom = "the token is opaque; its claims cannot be read"
            if claims is not None:
                whom = f"issued to {'the service principal' if claims.app_only else claims.account} {claims.object_id}"
            self._check("token.acquire", title, "pass", whom)
            return True
        self._check("token.acquire", title, "fail", attempt.message, attempt.evidence)
        if attempt.failure:
            self._no_answer(attempt.failure, attempt.message, attempt.evidence)
            return False
        name, certainty = next((BY_AADSTS[c] for c in attempt.codes if c in BY_AADSTS), ("entra_other", "possible"))
        shape = self.probe.configured
        if name == "invalid_secret" and shape and shape.secret_looks_like_guid:
            name = "secret_id_used_as_value"
        self._find(
            name,
            certainty,
            attempt.evidence,
            message=attempt.message,
            client_id=shape.client_id if shape else "",
            tenant_id=shape.tenant_id if shape else "",
        )
        return False

    def _claims(self) -> None:
        claims = self.probe.token.claims if self.probe.token else None
        if claims is None:
            self._check("claims", "Claims of the token", "unknown", "the token is opaque")
            return
        seen = (Evidence("access token", "app", f"aud {claims.audience}, tid {claims.tenant_id}"),)
        if claims.audience.rstrip("/") in {a.rstrip("/") for a in self.expected.audiences}:
            self._check("claims.audience", "Audience", "pass", claims.audience)
        else:
            self._check("claims.audience", "Audience", "fail", f"{claims.audience} is not Power BI's", seen)
            self._find("wrong_audience", "certain", seen, audience=claims.audience, wanted=self.expected.audiences[0])
        issuers = {i.rstrip("/") for i in self.expected.issuers}
        fits = not issuers or claims.issuer.rstrip("/") in issuers
        self._check("claims.issuer", "Issuer", "pass" if fits else "warn", claims.issuer)
        self._same("claims.tenant", "Tenant", claims.tenant_id, self.expected.tenant_id)
        self._same("claims.client", "Client id", claims.client_id, self.expected.client_id)
        if self.expected.sign_in == "app":
            self._same("claims.object", "Service principal", claims.object_id, self.expected.sp_object_id)
            self._roles(claims, seen)
        else:
            missing = self.expected.scopes - claims.scopes
            if missing:
                self._check("claims.scopes", "Scopes", "fail", f"missing: {' '.join(sorted(missing))}", seen)
                self._find("consent_missing", "likely", seen)
            else:
                self._check("claims.scopes", "Scopes", "pass", " ".join(sorted(claims.scopes)))
        self._life(claims)

    def _roles(self, claims: Claims, seen: tuple[Evidence, ...]) -> None:
        if not claims.roles:
            self._check(
                "claims.roles",
                "Application permissions",
                "pass",
                "none, as it should be for a service principal",
            )
            return
        named = " ".join(sorted(claims.roles))
        self._check("claims.roles", "Application permissions", "warn", named, seen)
        self._find("power_bi_app_role", "certain", seen, roles=named)

    def _life(self, claims: Claims) -> None:
        if claims.expires is None:
            self._check("claims.life", "Life", "unknown", "the token names no end")
        elif claims.expires <= self.now:
            self._check("claims.life", "Life", "fail", f"expired {claims.expires:%Y-%m-%d %H:%M} UTC")
            self._find("token_expired", "certain", expires=f"{claims.expires:%Y-%m-%d %H:%M} UTC")
        else:
            minutes = round((claims.expires - self.now).total_seconds() / 60)
            self._check("claims.life", "Life", "pass", f"{minutes} minutes left")

    def _same(self, id_: str, title: str, actual: str, wanted: str | None) -> None:
        if wanted is None:
            self._check(id_, title, "unknown", f"{actual} (nothing to compare it with)")
        elif actual.lower() == wanted.lower():
            self._check(id_, title, "pass", actual)
        else:
            evidence = (Evidence("access token", "app", f"{title.lower()} {actual}, expected {wanted}"),)
            self._check(id_, title, "fail", f"{actual}, not {wanted}", evidence)
            self._find(
                "unexpected_token",
                "certain",
                evidence,
                message=f"Its {title.lower()} is {actual}, not {wanted}.",
            )

    def _signature(self) -> None:
        said = {
            "verified": ("pass", "verifies with the tenant's published key"),
            "wrong": (
                "warn",
                "does not verify; Microsoft's own APIs may sign in a private way, so this is information only",
            ),
            "no key": ("unknown", "the tenant publishes no key of this id"),
            "not checked": ("skip", "not a token whose signature can be checked"),
        }
        status, because = said[self.probe.signature]
        self._check("token.signature", "Signature", status, because)

    def _api(self) -> bool:
        title = "Power BI API"
        answer = self.probe.groups
        if answer is None:
            because = self.probe.unreachable or "not asked"
            self._check("api.groups", title, "fail", because)
            self._no_answer(self.probe.failure, because, ())
            return False
        if answer.ok:
            self._check(
                "api.groups",
                title,
                "pass",
                "admits the app: GET /v1.0/myorg/groups answered 200",
                (answer.evidence,),
            )
            return True
        said = f"HTTP {answer.status} {answer.code or answer.message or 'with an empty body'}"
        self._check("api.groups", title, "fail", said, (answer.evidence,))
        if any(f.severity == "error" for f in self.findings):
            # What is wrong with the token is reason enough; nothing follows from what the API says to such a token.
            return False
        if answer.code == ADMISSION_CODE:
            self._admission((answer.evidence,))
        elif answer.status >= 500 or answer.status == 429:
            self._find("service_trouble", "likely", (answer.evidence,), message=f"It answered HTTP {answer.status}.")
        elif answer.status == 401 and not answer.code and not answer.message:
            # An empty 401 is the generic refusal: setting or group, in whatever way (powerbi.md 6.1).
            for name in ("tenant_setting_off", "sp_not_in_allowed_group"):
                self._find(name, "possible", (answer.evidence,))
        else:
            self._find("undetermined", "possible", (answer.evidence,), message=said + ".")
        return False

    def _no_answer(self, code: str, message: str, evidence: tuple[Evidence, ...]) -> None:
        """The service itself was not heard: what stood in between, by the code of the error."""
        self._find(_NO_ANSWER.get(code, "unreachable"), "certain", evidence, message=message + ".")

    def _admission(self, evidence: tuple[Evidence, ...]) -> None:
        """The API says that the tenant does not let the app in: which of its three reasons, if the operator can see it."""
        seen = self.seen
        listed = seen.settings if seen else None
        setting = None
        if isinstance(listed, Known):
            setting = listed.value.get(PUBLIC_API_SETTING) or listed.value.get(OLD_PUBLIC_API_SETTING)
        if seen is None or setting is None or not isinstance(listed, Known):
            for name in ("tenant_setting_off", "sp_not_in_allowed_group"):
                self._find(name, "likely", evidence)
            self._find("propagation_delay", "possible", evidence)
            return
        evidence = (*evidence, listed.evidence)
        if not setting.enabled:
            self._find("tenant_setting_off", "certain", evidence)
            return
        if not isinstance(seen.memberships, Known):
            if setting.scoped:
                self._find("sp_not_in_allowed_group", "likely", evidence)
            elif setting.excluded_groups:
                self._find("sp_in_excluded_group", "likely", evidence)
            self._find("propagation_delay", "possible", evidence)
            return
        evidence = (*evidence, seen.memberships.evidence)
        if seen.memberships.value & set(setting.excluded_groups):
            self._find("sp_in_excluded_group", "likely", evidence)
            return
        inside = seen.memberships.value & set(setting.enabled_groups)
        if setting.scoped and not inside:
            self._find("sp_not_in_allowed_group", "certain", evidence)
            return
        groups = [seen.groups.get(group_id) for group_id in inside]
        if groups and all(isinstance(g, Known) and not g.value.admits_service_principals for g in groups):
            # One source only, so never certain.
            self._find("wrong_group_type", "likely", evidence)
            return
        self._find("propagation_delay", "likely", evidence)
        if groups and not any(isinstance(g, Known) and g.value.admits_service_principals for g in groups):
            self._find("wrong_group_type", "possible", evidence)

    def _workspaces(self) -> None:
        for each in self.probe.workspaces:
            id_, title = f"api.workspace.{each.key}", f"Workspace {each.key!r}"
            evidence = (each.answer.evidence,) if each.answer else ()
            if each.visible:
                self._check(id_, title, "pass", "the API shows it to the app", evidence)
                continue
            self._check(id_, title, "fail", "the API does not show it to the app", evidence)
            certainty: Certainty = "likely"
            known = self.seen.workspaces.get(each.key) if self.seen else None
            sp = self.seen.service_principal if self.seen else None
            if isinstance(known, Known) and isinstance(sp, Known) and known.value.roles is not None:
                if sp.value.object_id in known.value.roles:
                    self._find("propagation_delay", "likely", evidence)
                    continue
                certainty, evidence = "certain", (*evidence, known.evidence)
            self._find("sp_not_in_workspace", certainty, evidence, workspace=repr(each.key))

    # -- helpers -------------------------------------------------------------------------------------------------

    def _check(self, id_: str, title: str, status: str, because: str, evidence: tuple[Evidence, ...] = ()) -> None:
        self.checks.append(Check(id_, title, status, because, evidence))  # type: ignore[arg-type]

    def _find(self, name: str, certainty: Certainty, evidence: tuple[Evidence, ...] = (), **values: str) -> None:
        self.findings.append(
            finding(name, certainty, evidence, environment=self.env, portal=self.expected.portal, **values)
        )
