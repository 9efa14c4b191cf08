"""The pages that a person sees: HTML made from the templates beside this file.

Each works without JavaScript, loads nothing from elsewhere, and says that it belongs to a local sandbox.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pbisetup.sandbox.entra.refusal import no_store
from pbisetup.sandbox.wire import Reply

if TYPE_CHECKING:
    from jinja2 import Environment

HTML = "text/html; charset=utf-8"


def render(
    name: str,
    status: int = 200,
    *,
    form_targets: Iterable[str] = (),
    values: Mapping[str, Any] | None = None,
    **more: Any,
) -> Reply:
    """A page with its protective headers. `form_targets`: addresses that its form may lead to, also by a redirect."""
    # One nonce a page: nothing that a name or an address brings along can be run or styled.
    nonce = secrets.token_urlsafe(16)
    text = _environment().get_template(f"{name}.html").render({**(values or {}), **more, "nonce": nonce})
    return Reply(status, text, _headers(nonce, form_targets), HTML)


def _headers(nonce: str, form_targets: Iterable[str]) -> dict[str, str]:
    # Chromium holds `form-action` against every redirect that follows the form, so the app's address is named too.
    targets = " ".join(dict.fromkeys(source for source in map(_source, form_targets) if source))
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; img-src data:; "
        f"form-action 'self'{' ' + targets if targets else ''}; base-uri 'none'; frame-ancestors 'none'"
    )
    return {
        **no_store(),
        "Content-Security-Policy": policy,
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
    }


def _source(uri: str) -> str | None:
    """The origin of an address as a policy names it; the scheme alone where there is no host."""
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    scheme = parts.scheme.lower()
    if not scheme or not all(c.isascii() and (c.isalnum() or c in "+-.") for c in scheme):
        return None
    if not host:
        return f"{scheme}:"
    if not all(c.isascii() and (c.isalnum() or c in "-._") for c in host):
        return None
    return f"{scheme}://{host}{f':{port}' if port else ''}"


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    return Environment(
        loader=FunctionLoader(_template),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _template(name: str) -> str | None:
    entry = files(__package__).joinpath(name)
    return entry.read_text("utf-8") if entry.is_file() else None
