"""Judging a token that somebody handed over: for whom it is, for which API, how long, and whether Power BI would take it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pbisetup.diagnosis.claims import NotDecodable, decode, find_token
from pbisetup.model.claims import Claims
from pbisetup.model.cloud import Cloud


@dataclass(frozen=True)
class Verdict:
    """What a token is and what speaks against it; `usable` when nothing does."""

    claims: Claims | None
    problems: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def usable(self) -> bool:
        return self.claims is not None and not self.problems

    def lines(self) -> list[str]:
        """For a person."""
        width = max((len(name) for name in self.facts), default=0)
        shown = [f"  {name.ljust(width)}  {value}" for name, value in self.facts.items()]
        shown += [f"  ✗ {problem}" for problem in self.problems]
        shown += [f"  ! {remark}" for remark in self.remarks]
        if self.usable:
            shown.append(
                "  ✓ nothing in its claims speaks against it for the Power BI API; the signature was not checked"
            )
        return shown

    def to_json(self) -> dict[str, Any]:
        return {
            "usable": self.usable,
            "problems": list(self.problems),
            "remarks": list(self.remarks),
            "claims": dict(self.claims.raw) if self.claims else None,
        }


def inspect_text(raw: bytes, cloud: Cloud, now: datetime | None = None) -> Verdict:
    """The verdict on the token in these bytes: bare, quoted, in JSON, behind `Bearer`, in any usual encoding."""
    text = _text(raw).strip()
    if not text:
        return Verdict(None, ("nothing came in on standard input",))
    token = find_token(text) or text
    try:
        claims = decode(token)
    except NotDecodable as error:
        return Verdict(None, (str(error),))
    return _judge(claims, cloud, now or datetime.now(UTC))


def _text(raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):  # PowerShell 5.1 writes UTF-16 (entra.md 12)
        return raw.decode("utf-16", errors="replace")
    return raw.decode("utf-8-sig", errors="replace").replace("\x00", "")


def _judge(claims: Claims, cloud: Cloud, now: datetime) -> Verdict:
    problems, remarks = [], []
    ours = {cloud.powerbi_resource, cloud.powerbi_app_id, cloud.fabric_resource}
    if not claims.audience:
        problems.append("it names no audience, so no API takes it")
    elif claims.audience.rstrip("/") not in ours:
        problems.append(
            f"its audience is {_plain(claims.audience)}; Power BI takes {cloud.powerbi_resource}, "
            "other audiences get 403 (PBI306)"
        )
    issuer = cloud.token_issuer.format(tenant=claims.tenant_id)
    if claims.issuer and claims.issuer.rstrip("/") != issuer.rstrip("/"):
        remarks.append(f"its issuer is {_plain(claims.issuer)}; Power BI's tokens come from {_plain(issuer)}")
    if claims.algorithm.lower() in ("", "none"):
        problems.append("it is not signed; no API takes it")
    if claims.expires is None:
        remarks.append("it names no end")
    elif claims.expires <= now:
        problems.append(f"it expired {claims.expires:%Y-%m-%d %H:%M} UTC; get a new one (PBI307)")
    if claims.app_only and claims.roles:
        remarks.append(
            f"it carries the application permissions {_plain(', '.join(sorted(claims.roles)))}: "
            "they make Power BI's admin APIs refuse a service principal (PBI406)"
        )
    if not claims.app_only and not claims.scopes and not claims.roles:
        remarks.append("it has neither scopes nor roles nor the marks of a service principal")
    return Verdict(claims, tuple(problems), tuple(remarks), _facts(claims, now))


def _facts(claims: Claims, now: datetime) -> dict[str, str]:
    kinds = {"0": "public client", "1": "client secret", "2": "certificate or assertion"}
    facts = {
        "issued to": f"service principal {claims.object_id}"
        if claims.app_only
        else (claims.account or claims.object_id),
        "client id": claims.client_id,
        "tenant": claims.tenant_id,
        "audience": claims.audience,
        "scopes": " ".join(sorted(claims.scopes)),
        "roles": " ".join(sorted(claims.roles)) or ("none" if claims.app_only else ""),
        "credential": kinds.get(claims.credential, ""),
    }
    if claims.expires:
        left = round((claims.expires - now).total_seconds() / 60)
        facts["ends"] = f"{claims.expires:%Y-%m-%d %H:%M} UTC ({f'in {left} minutes' if left > 0 else 'past'})"
    return {name: _plain(value) for name, value in facts.items() if value}


def _plain(value: str) -> str:
    """A claim made harmless for a terminal; it may hold anything."""
    shown = "".join(c if c.isprintable() else "?" for c in value)
    return shown if len(shown) <= 200 else shown[:200] + "..."
