"""Words for what is taken away."""

from __future__ import annotations

from collections.abc import Iterable

from pbisetup.model.tenant import AppRegistration


def credentials_of_others(app: AppRegistration, environment: str, prefix: str, trust: str) -> str | None:
    """A word about the credentials of the app that were not made for the environment, and die with it."""
    names = [p.display_name or p.key_id for p in app.passwords if not p.display_name.startswith(prefix)]
    names += [c.display_name or c.thumbprint for c in app.certificates if not c.display_name.startswith(prefix)]
    federated = app.federated or ()
    names += [
        each.name for each in federated if each.name != trust and not each.name.startswith(f"pbisetup-{environment}")
    ]
    unread = "; its federated credentials could not be read" if app.federated is None else ""
    if not names and not unread:
        return None
    if not names:
        return unread.removeprefix("; ")
    return f"credentials that pbisetup did not make end with it, whoever uses them: {quoted(names)}{unread}"


def quoted(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names)


def listed(names: Iterable[str]) -> str:
    """Names of which the last is joined by a word."""
    *most, last = map(repr, names)
    return f"{', '.join(most)} and {last}" if most else last
