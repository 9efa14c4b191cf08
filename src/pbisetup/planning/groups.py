"""The groups that pbisetup makes where the manifest names none."""

from __future__ import annotations

from typing import Final

ADMIN_GROUPS: Final = {"admin-read": "pbi-admin-readers", "admin-write": "pbi-admin-writers"}
"""Groups of their own, because whoever is in them sees or changes the whole tenant."""
