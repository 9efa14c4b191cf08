"""Who else is in a group: what a person wants to know before a tenant setting is opened to it."""

from __future__ import annotations

from pbisetup.model.errors import PbisetupError
from pbisetup.model.facts import Known
from pbisetup.observe.reading import values_fact
from pbisetup.observe.session import Session

FEW = 3
"""How many are called by their names."""
_PAGE = 999
"""The most that Graph gives at once."""


def who_else(session: Session, group_id: str, besides: str | None = None) -> tuple[int, tuple[str, ...]] | None:
    """How many members the group has besides the service principal `besides`, and the names of the first few.

    Direct members only. None where they could not be read. In a group of more than 999 the one who is left out is counted
    where they do not stand on its first page.
    """
    members = session.graph.client.groups.by_group_id(group_id).members
    try:
        answer = session.graph.get(members, select="id,displayName", top=str(_PAGE))
        listed = values_fact(answer)
        if not isinstance(listed, Known):
            return None
        count = len(listed.value)
        if "@odata.nextLink" in answer.object:
            counted = session.graph.send("GET", members.count, headers={"ConsistencyLevel": "eventual"})
            if not counted.ok or not isinstance(counted.json, int):
                return None
            count = counted.json
    except PbisetupError:
        return None
    others = [each for each in listed.value if each.get("id") != besides]
    count -= len(listed.value) - len(others)
    return count, tuple(str(each.get("displayName") or each.get("id") or "") for each in others[:FEW])


def in_words(found: tuple[int, tuple[str, ...]] | None) -> str:
    """What `who_else` found, as the plan's warnings say it: `12 others: Nightly load, Jo Smith, ETL and 9 more`."""
    if found is None:
        return "its members could not be read"
    count, names = found
    if not count:
        return "nobody else"
    more = count - len(names)
    listed = f"{', '.join(names)}{f' and {more} more' if more > 0 else ''}" if names else ""
    return f"{count} {'other' if count == 1 else 'others'}{f': {listed}' if listed else ''}"
