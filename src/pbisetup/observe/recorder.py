"""From what an examination knows to a recording of it: every fact with who saw it, none of them guessed.

docs/recording.md names the facts, `recorded.py` their keys. Values hold no data in their keys, so that names and ids can
be replaced where they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from pbisetup.model import case as of
from pbisetup.model.case import Case, Sighting
from pbisetup.model.errors import Evidence
from pbisetup.model.facts import Known, Unknown
from pbisetup.model.hiding import hide_secrets
from pbisetup.model.manifest import Environment, Manifest
from pbisetup.model.probe import Expected
from pbisetup.model.recording import Json, RecordedFact, Recording
from pbisetup.model.redaction import redact
from pbisetup.model.secret import known_secrets
from pbisetup.observe.recorded import ASKED, EVIDENCE, IMPLIED, KINDS, REQUESTS

_MOST_WORDS: Final = 50_000
"""A reason is not longer: readers take no more."""


def record(
    case: Case,
    version: str,
    *,
    manifest: Manifest | None = None,
    environment: Environment | None = None,
    expected: Expected | None = None,
    names: bool = False,
) -> Recording:
    """The recording. Names and ids are replaced by stand-ins unless `names`; secrets and tokens are in neither.

    `manifest`, `environment` and `expected` are for those who build a twin; `replay` needs the case alone.
    """
    from pbisetup.observe.wellknown import is_telling, well_known_ids, well_known_words

    facts = [*_local(manifest, environment, expected)]
    facts.append(RecordedFact("asked", "known", value=ASKED.write(case.asked), observer="local"))
    facts.append(RecordedFact("requests", "known", value=REQUESTS.write(case.requests), observer="local"))
    facts += [_fact(case, each) for each in _in_order(case)]
    made = Recording(case.now, version, case.asked.cloud, case.asked.environment or None, "original", tuple(facts))
    made = hide_secrets(made, known_secrets())
    return made if names else redact(made, well_known_ids(), well_known_words(), is_telling)


def _local(
    manifest: Manifest | None, environment: Environment | None, wanted: Expected | None
) -> Iterator[RecordedFact]:
    """What the files of this machine want."""
    if manifest is not None and environment is not None:
        value: Json = {
            "project_id": manifest.project_id,
            "app": manifest.name,
            "purposes": list(environment.purposes),
            "scopes": list(environment.delegated),
            "workspaces": [{"key": each.key, "role": each.role} for each in environment.workspaces],
            "groups": [{"purpose": purpose, "group": group} for purpose, group in environment.groups.items()],
        }
        yield RecordedFact("manifest", "known", value=value, observer="local", source="manifest")
    if wanted is not None:
        value = {
            "tenant_id": wanted.tenant_id,
            "client_id": wanted.client_id,
            "service_principal_id": wanted.sp_object_id,
            "audiences": list(wanted.audiences),
            "issuers": list(wanted.issuers),
            "portal": wanted.portal,
            "sign_in": wanted.sign_in,
            "scopes": sorted(wanted.scopes),
        }
        yield RecordedFact("expected", "known", value=value, observer="local")


def _in_order(case: Case) -> list[Sighting]:
    """As they were seen; of the tokens Power BI's stands first, because readers of before took the first for it."""
    order = {"powerbi": 0, "asked": 1}
    tokens = iter(
        sorted(
            (each for each in case.sightings if each.key == of.TOKEN), key=lambda token: order.get(token.of or "", 2)
        )
    )
    return [next(tokens) if each.key == of.TOKEN else each for each in case.sightings]


def _fact(case: Case, sighting: Sighting) -> RecordedFact:
    kind, of_, fact = sighting.key.name, sighting.of, sighting.fact
    if isinstance(fact, Known):
        value = _value(case, sighting, fact)
        return RecordedFact(kind, "known", of=of_, value=value, **_seen(fact.evidence, case.now))
    if isinstance(fact, Unknown):
        reason = fact.reason[:_MOST_WORDS] or "no reason given"
        return RecordedFact(
            kind, "unknown", of=of_, reason=reason, code=fact.code or None, **_seen(fact.evidence, case.now)
        )
    return RecordedFact(kind, "absent", of=of_, **_seen(fact.evidence, case.now))


def _value(case: Case, sighting: Sighting, fact: Known[Any]) -> Json:
    kind = sighting.key.name
    value = KINDS[kind].write(fact.value)
    said = {"key": sighting.of, "evidence": EVIDENCE.write(fact.evidence)}
    for name in IMPLIED.get(kind, ()):
        if value.get(name) == said[name]:
            del value[name]
    if sighting.key == of.ROLE_GRANTS:
        names = _permissions(case)
        value = [{**each, "permission": names[each["role_id"]]} if each["role_id"] in names else each for each in value]
    return value


def _permissions(case: Case) -> dict[str, str]:
    """The names of Power BI's application permissions by their ids: a twin looks for them by name."""
    published = case.value(of.POWER_BI)
    return {id_: name for name, id_ in published.roles.items()} if published else {}


def _seen(evidence: Evidence | None, time: datetime) -> dict[str, Any]:
    if evidence is None:
        return {"time": time}
    return {
        "observer": evidence.observer,
        "source": evidence.source,
        "said": evidence.fact,
        "request_id": evidence.request_id,
        "time": time,
    }
