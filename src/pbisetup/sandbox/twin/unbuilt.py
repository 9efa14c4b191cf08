"""What was recorded of the machine and the network, and answers that no state is built for: said, not built."""

from __future__ import annotations

from typing import Final

from pbisetup.model.recording import Json
from pbisetup.sandbox.twin.draft import GROUPS_PROBE, Draft, shown

_MOST: Final = 160


def unbuilt(draft: Draft) -> None:
    """List it."""
    broken = draft.object("credential").get("broken")
    if broken:
        draft.missing.append(f"why the credential could not be tried: {_line(broken)}")
    for each in draft.value("variables") or ():
        if each.get("suspect"):
            draft.missing.append(f"the environment variable {_line(each.get('variable'))} of that machine")
    request = draft.object("asked").get("request") or {}
    if request and request.get("method") not in ("GET", "DELETE", "HEAD"):
        draft.missing.append("the body of the request: pass one of your own")
    _network(draft)
    for kind, what in (("model", "the semantic model"), ("refresh", "the newest refresh at")):
        for fact in draft.recording.all(kind):
            if fact.status == "known":
                draft.missing.append(f"{what} {shown(fact.of or '')}")
    for fact in draft.recording.all("probe"):
        status = (fact.value or {}).get("status") if fact.status == "known" else None
        if fact.of != GROUPS_PROBE and isinstance(status, int) and status >= 400:
            answer = f"HTTP {status} {_line(fact.value.get('code') or '')}".rstrip()
            draft.missing.append(f"whatever else made {shown(fact.of or '')} be answered {answer}")


def _network(draft: Draft) -> None:
    for fact in draft.recording.all("host"):
        if fact.status == "unknown":
            draft.missing.append(f"that {shown(fact.of or '')} could not be reached ({fact.code or 'no code'})")
        elif fact.status == "known" and fact.value.get("proxy"):
            draft.missing.append(f"the proxy on the way to {shown(fact.of or '')}")
        elif fact.status == "known" and fact.value.get("certificate_issuer"):
            draft.missing.append(f"who signed the certificate of {shown(fact.of or '')}")


def _line(text: Json) -> str:
    return " ".join(str(text).split())[:_MOST]
