"""The subject of a GitHub Actions job, from what GitHub says of the repository's OIDC tokens. Never from names alone.

Sources, documented: github/docs actions/reference/security/oidc (2026-10): `:` in a value becomes `%3A`; immutable subjects
`repo:OWNER@ID/REPO@ID` for repositories made, renamed or moved after 2026-07-15. Observed live: azure-dev issue 9382 and
PR 9430 (2026-08): `sub_claim_prefix` is what tokens begin with, also where `use_immutable_subject` says false.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from pbisetup.model.manifest import Trust

ISSUER: Final = "https://token.actions.githubusercontent.com"
_PREFIX: Final = re.compile(r"repo:(?P<owner>[^/@:\s]+)(?:@\d+)?/(?P<name>[^/@:\s]+)(?:@\d+)?")
_OF_REPOSITORY: Final = {
    "repository": ("full_name",),
    "repository_owner": ("owner", "login"),
    "repository_id": ("id",),
    "repository_owner_id": ("owner", "id"),
    "repository_visibility": ("visibility",),
}
"""Claims whose values stand in the repository's own description (GET /repos/OWNER/REPO)."""

Json = Mapping[str, Any]


class CannotTell(Exception):
    """What GitHub said does not tell the subject; the text is the reason."""


def claim_keys(settings: Json) -> tuple[str, ...] | None:
    """The claims that the subject is made of where it is customised; empty: as the organization's template says; None: it
    has GitHub's own form. Raises CannotTell.
    """
    default, keys = settings.get("use_default"), settings.get("include_claim_keys") or []
    if not isinstance(default, bool) or not isinstance(keys, list):
        raise CannotTell("GitHub's answer on the repository's OIDC settings has not the form that is known")
    return None if default else tuple(str(key) for key in keys)


def needs_repository(keys: tuple[str, ...] | None) -> bool:
    """Whether the repository's own description is needed."""
    return bool(set(keys or ()) & set(_OF_REPOSITORY))


def subject_of(trust: Trust, settings: Json, keys: tuple[str, ...] | None, repository: Json) -> str:
    """The exact subject. Raises CannotTell, with the claim whose value is not known here."""
    if keys is None:
        return f"{_prefix(trust, settings)}:{_context(trust)}"
    if not keys:
        raise CannotTell("the subject follows a template of the organization, which could not be read")
    return ":".join(_claim(key, trust, settings, repository) for key in keys)


def _prefix(trust: Trust, settings: Json) -> str:
    prefix = settings.get("sub_claim_prefix")
    if not isinstance(prefix, str) or not prefix:
        raise CannotTell("GitHub's answer does not say what subjects of the repository begin with (sub_claim_prefix)")
    match = _PREFIX.fullmatch(prefix)
    if match is None:
        raise CannotTell(f"subjects of the repository begin with {prefix!r}, a form that is not known")
    named = f"{match['owner']}/{match['name']}"
    if named.lower() != (trust.repository or "").lower():
        raise CannotTell(
            f"GitHub answers for {named}: the repository was renamed or moved, and the manifest says otherwise"
        )
    return prefix


def _context(trust: Trust) -> str:
    if trust.environment:
        return f"environment:{_escaped(trust.environment)}"
    return "pull_request" if trust.pull_request else f"ref:{_ref(trust)}"


def _ref(trust: Trust) -> str:
    kind, name = ("heads", trust.branch) if trust.branch else ("tags", trust.tag or "")
    return f"refs/{kind}/{_escaped(name or '')}"


def _escaped(value: str) -> str:
    return value.replace(":", "%3A")


def _claim(key: str, trust: Trust, settings: Json, repository: Json) -> str:
    if key == "repo":
        # source: Azure-Landing-Zones issue 4223 (2026-07): with a template, too, it bears the ids.
        return _prefix(trust, settings)
    if key == "context":
        return _context(trust)
    if key == "environment" and trust.environment:
        return f"environment:{_escaped(trust.environment)}"
    if key == "ref" and (trust.branch or trust.tag):
        return f"ref:{_ref(trust)}"
    value: Any = repository
    for step in _OF_REPOSITORY.get(key, ("",)):
        value = value.get(step) if isinstance(value, Mapping) else None
    if not isinstance(value, str | int) or isinstance(value, bool) or value == "":
        raise CannotTell(
            f"the repository's subjects hold the claim {key!r}, whose value only a job's own assertion shows"
        )
    return f"{key}:{_escaped(str(value))}"
