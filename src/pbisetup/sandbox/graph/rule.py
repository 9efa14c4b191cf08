"""The shape of one entry in the tables of who may do what."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """Who may do one operation. `A+B` means both permissions in one token."""

    scopes: tuple[str, ...]
    """Delegated permissions, any of which opens it; none: not for users."""
    app_roles: tuple[str, ...]
    """Application permissions, any of which opens it; none: not for apps."""
    owned: tuple[str, ...] = ()
    """Application permissions that count only on objects the app owns."""
    directory_roles: tuple[str, ...] = ()
    """Directory roles that give a principal the right."""
    others: tuple[str, ...] = ()
    """Rights without a role: `anyone` (guests too), `member`, `owner`, `nothing_yet` (the handler asks again
    for creating), or the name of a policy for members."""
    source: str = ""
    own_application: bool = False
    """An app may do it to its own application, with no permission at all."""
    without_permission: str = "denied"
    """The error where the token lacks the permission."""
    without_right: str = "denied"
    """The error where the user lacks the right."""
