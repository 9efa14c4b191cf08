"""Names without regard to case, as ASP.NET binds parameters and Newtonsoft's Json.NET the properties of a body.

That Power BI reads bodies so is inferred: its own samples write `NotifyOption` where its swagger has `notifyOption`.
"""

from __future__ import annotations

from typing import Any


class Fields(dict[str, Any]):
    """A JSON object, or the parameters of a query: an exact name wins, else one that differs in case only."""

    def __getitem__(self, name: str) -> Any:
        return super().__getitem__(self._spelled(name))

    def __contains__(self, name: object) -> bool:
        return super().__contains__(self._spelled(name) if isinstance(name, str) else name)

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(self._spelled(name), default)

    def _spelled(self, name: str) -> str:
        if super().__contains__(name):
            return name
        return next((each for each in self if each.lower() == name.lower()), name)


def fields(value: Any) -> Any:
    """A JSON value whose objects, at every depth, are read so."""
    if isinstance(value, dict):
        return Fields({name: fields(each) for name, each in value.items()})
    return [fields(each) for each in value] if isinstance(value, list) else value
