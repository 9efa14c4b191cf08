"""Questions to `az --query`: what an answer says, and what is to be sent back, decided by the Azure CLI itself.

A script needs nothing but bash and az for a read-merge-write: JMESPath joins the lists that were read with what they lack
and writes the request's body as JSON. Every name and id is a JSON literal between backticks, in which no backtick of its
own is left, so that none of them is ever read as a question.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pbisetup.planning.handoff.operations import AddKey, AdmitGroup, Listed, Merge
from pbisetup.planning.handoff.text import ascii_json

_EMPTY: Final = "`[]`"


def literal(value: Any) -> str:
    """A value as JMESPath reads it literally."""
    return "`" + ascii_json(value).replace("`", "\\u0060") + "`"


def _list(of: str) -> str:
    return f"not_null({of}, {_EMPTY})"


def _has(of: str, value: Any) -> str:
    return f"contains({_list(of)}, {literal(value)})"


def _all(conditions: Iterable[str]) -> str:
    return " && ".join(f"({each})" for each in conditions) or "`true`"


def count(asked: Listed) -> str:
    """How many entries of the list bear these fields; the list is `value`, or a property that is asked for alone."""
    return f"length({_list(f'{_listing(asked)}[?{_bears(asked.fields)}]')})"


def _listing(asked: Listed) -> str:
    return "passwordCredentials" if asked.at.path.endswith("$select=passwordCredentials") else "value"


def _bears(fields: Mapping[str, str]) -> str:
    return " && ".join(_same(key, value) for key, value in fields.items())


def _same(key: str, value: str) -> str:
    if key != "capacityId":
        return f"{key} == {literal(value)}"
    spellings = dict.fromkeys((value, value.lower(), value.upper()))
    return "(" + " || ".join(f"{key} == {literal(each)}" for each in spellings) + ")"


def pages(asked: Listed) -> str:
    """Two lines: the count, and where the list goes on."""
    return f'[to_string({count(asked)}), not_null("@odata.nextLink", {_NOTHING})]'


def merged(asked: Merge) -> str:
    """Two lines: whether nothing is missing, and the body to send."""
    return f"[to_string({_all(_there(asked))}), to_string({_body(asked.properties)})]"


def _there(asked: Merge) -> Iterable[str]:
    for key, value in asked.properties.items():
        yield from _holds(key, value, asked.elsewhere)


def _holds(at: str, value: Any, elsewhere: tuple[str, ...]) -> Iterable[str]:
    if isinstance(value, Mapping):
        for inner, each in value.items():
            yield from _holds(f"{at}.{inner}", each, elsewhere)
    elif _is_access(value):
        for api in value:
            held = f"{at}[?resourceAppId == {literal(api['resourceAppId'])}].resourceAccess[].id"
            yield from (_has(held, each["id"]) for each in api["resourceAccess"])
    elif isinstance(value, list):
        for each in value:
            yield " || ".join(_has(place, each) for place in (at, *elsewhere))
    else:
        yield f"{at} == {literal(value)}"


def _body(properties: Mapping[str, Any], at: str = "") -> str:
    return "{" + ", ".join(f"{key}: {_value(at + key, value)}" for key, value in properties.items()) + "}"


def _value(at: str, value: Any) -> str:
    if isinstance(value, Mapping):
        return _body(value, f"{at}.")
    if _is_access(value):
        return _access(at, value)
    return _together(at, value) if isinstance(value, list) else literal(value)


def _together(of: str, entries: Iterable[Any]) -> str:
    """The list as it is, and behind it those entries that it lacks."""
    lacking = (_unless(_has(of, each), each) for each in entries)
    return f"[{', '.join((_list(of), *lacking))}][]"


def _unless(condition: str, entry: Any) -> str:
    """A list of this one entry, or an empty one. An empty list counts as false, so it stands last."""
    return f"(!{condition} && {literal([entry])} || {_EMPTY})"


def _is_access(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(each, Mapping) and "resourceAppId" in each for each in value)


def _access(key: str, wanted: Iterable[Mapping[str, Any]]) -> str:
    """What an app asks for: the APIs of others as they are, ours with what their list lacks."""
    wanted = list(wanted)
    others = " && ".join(f"resourceAppId != {literal(api['resourceAppId'])}" for api in wanted)
    parts = [_list(f"{key}[?{others}]")]
    for api in wanted:
        held = f"{key}[?resourceAppId == {literal(api['resourceAppId'])}].resourceAccess[]"
        lacking = (_unless(_has(f"{held}.id", each["id"]), each) for each in api["resourceAccess"])
        entries = f"[{', '.join((_list(held), *lacking))}][]"
        parts.append(f"{{resourceAppId: {literal(api['resourceAppId'])}, resourceAccess: {entries}}}")
    return f"[{', '.join(parts)}][]"


def key_added(asked: AddKey) -> str:
    """Two lines: whether the certificate is there, and the list with it."""
    held = [_has("keyCredentials[].customKeyIdentifier", each) for each in asked.identifiers]
    held.append(_has("keyCredentials[].key", asked.key))
    body = f"{{keyCredentials: [{_list('keyCredentials')}, {literal(dict(asked.entry))}][]}}"
    return f"[to_string({' || '.join(held)}), to_string({body})]"


# -- tenant settings -------------------------------------------------------------------------------------------------

_GROUPS: Final = _list("enabledSecurityGroups")
_EXCLUDED: Final = _list("excludedSecurityGroups")
_KEPT: Final = ("excludedSecurityGroups", "properties", "delegateToCapacity", "delegateToWorkspace", "delegateToDomain")
"""What an update sends back as it was read (powerbi.md 7)."""


def setting_state(asked: AdmitGroup) -> str:
    """A word for how the setting stands to the group: open, member, excluded, unsuited, lists, or change."""
    group = literal(asked.group_id)
    return (
        f"enabled && length({_GROUPS}) == `0` && {literal('open')}"
        f" || enabled && contains({_GROUPS}[].graphId, {group}) && {literal('member')}"
        f" || contains({_EXCLUDED}[].graphId, {group}) && {literal('excluded')}"
        f" || canSpecifySecurityGroups == `false` && {literal('unsuited')}"
        f" || !enabled && {_unannounced(asked)} > `0` && {literal('lists')}"
        f" || {literal('change')}"
    )


def _unannounced(asked: AdmitGroup) -> str:
    """How many groups are listed that whoever asks did not know of."""
    return f"length({_GROUPS}[?!contains({literal([*asked.announced, asked.group_id])}, graphId)])"


def setting_body(asked: AdmitGroup) -> str:
    """The update: on, for the groups that are listed and this one."""
    mine = literal({"graphId": asked.group_id, "name": asked.group_name})
    others = f"{_GROUPS}[?graphId != {literal(asked.group_id)}].{{graphId: graphId, name: name}}"
    kept = "".join(f", {key} != `null` && {{{key}: {key}}} || `{{}}`" for key in _KEPT)
    return f"merge({{enabled: `true`, enabledSecurityGroups: [{others}, {mine}][]}}{kept})"


def named_setting(name: str) -> str:
    # Older answers say `tenantSettings` instead of `value` (powerbi.md 7).
    return f"not_null(value, tenantSettings)[?settingName == {literal(name)}] | [0]"


def setting_page(asked: AdmitGroup) -> str:
    """Two lines: how the setting stands, the groups it lists and the update, with tabs between them (all three empty where
    it is not on this page); and where the list goes on.
    """
    names = f"to_string({_GROUPS}[].not_null(name, graphId))"
    said = f"[{setting_state(asked)}, {names}, to_string({setting_body(asked)})]"
    found = f'not_null({named_setting(asked.setting)} | {said}, `["", "", ""]`)'
    return f"[{found}, not_null(continuationUri, {_NOTHING})]"


def setting_update(asked: AdmitGroup) -> str:
    """The update alone, or nothing where it must not be sent: where the setting is on for everybody, where it is off and
    lists others, where it excludes the group or cannot be limited to groups.
    """
    excluded = f"contains({_EXCLUDED}[].graphId, {literal(asked.group_id)})"
    limited = f"enabled && enabledSecurityGroups || !enabled && {_unannounced(asked)} == `0`"
    may = f"({limited}) && !{excluded} && canSpecifySecurityGroups != `false`"
    return f"{named_setting(asked.setting)} | @ && {may} && to_string({setting_body(asked)}) || {_NOTHING}"


_NOTHING: Final = '`""`'
