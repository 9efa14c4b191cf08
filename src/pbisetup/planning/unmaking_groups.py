"""What becomes of the project's groups, which its environments share, and of the tenant settings that name groups."""

from __future__ import annotations

from collections.abc import Iterator

from pbisetup.model.belongings import OwnGroup
from pbisetup.model.facts import Known, Unknown, value_of
from pbisetup.model.plan import Action, Step
from pbisetup.model.tenant import Operator, TenantSetting
from pbisetup.planning import rights
from pbisetup.planning.removal import Removal
from pbisetup.planning.unmaking_words import quoted


def group_steps(s: Removal) -> Iterator[Step]:
    """A group goes only with the last environment that used it, empty, and where it lets nobody in by going."""
    unread = [fact.reason for fact in s.seen.groups.values() if isinstance(fact, Unknown)]
    if unread:
        why = f"whether there are any could not be read ({unread[0]}); left as they are"
        yield Step("groups", "leave", "Security groups of the project", why)
    for key, fact in s.seen.groups.items():
        if not isinstance(fact, Known):
            continue
        own, group = fact.value, fact.value.group
        if reasons := list(_reasons(s, own)):
            why = f"stays: {'; '.join(reasons)}"
            yield Step(f"group-{key}", "leave", f"Security group {group.name!r}", why)
            continue
        right = _delete_right(s.seen.operator, own)
        needs = [s.parting] if s.parting else []
        if s.ownership == "adopted" and not s.keepers and s.sp_id in (own.members or ()):
            needs.append(f"member-{group.id}")
        yield Step(
            f"group-{key}",
            "remove",
            f"Security group {group.name!r}",
            "pbisetup made it, nobody else is in it and no tenant setting names it",
            Action(
                "delete_group",
                {
                    "group_id": group.id,
                    "group_name": group.name,
                    "unique_name": s.manifest.group_unique_name(key),
                    "sp_object_id": s.sp_id,
                },
            ),
            right.who,
            right.allowed,
            right.because,
            needs=tuple(needs),
            undo="a security group cannot be brought back; `pbisetup apply` makes a new one where it needs one",
        )


def _reasons(s: Removal, own: OwnGroup) -> Iterator[str]:
    """Why the group is left."""
    siblings, settings = s.seen.siblings, s.seen.settings
    if not isinstance(siblings, Known):
        yield "whether other environments of the project use it could not be seen"
    elif siblings.value:
        yield f"other environments of the project share it: {quoted(each.display_name for each in siblings.value)}"
    if own.members is None:
        yield "who is in it could not be read"
    elif others := own.members - {s.sp_id or ""}:
        yield f"it has {len(others)} other member{'s' if len(others) > 1 else ''}"
    if s.keepers and s.sp_id in (own.members or ()):
        yield f"the app is in it, which {quoted(s.keepers)} keeps"
    if own.used_by is None:
        yield "where else it is used could not be read"
    elif own.used_by:
        yield f"it is {', '.join(own.used_by)}"
    places = [w.name for f in s.seen.workspaces.values() if (w := value_of(f)) and own.group.id in (w.roles or {})]
    if places:
        yield f"it has a role in {quoted(places)}"
    if not isinstance(settings, Known):
        yield "the tenant settings could not be read, and one that loses its last group could open to everybody"
    elif names := [setting.title for setting in settings.value.values() if _names(setting, own.group.id)]:
        yield (
            f"the tenant setting{'s' if len(names) > 1 else ''} {quoted(names)} "
            f"name{'' if len(names) > 1 else 's'} it, and one that loses its last group could open to everybody"
        )


def _names(setting: TenantSetting, group_id: str) -> bool:
    return group_id in setting.enabled_groups or group_id in setting.excluded_groups


def _delete_right(operator: Operator, own: OwnGroup) -> rights.Right:
    """Whoever may change a group's members may delete it, but a program needs the permission on the group itself."""
    group = own.group
    right = rights.add_member(operator, owns_group=group.operator_owns, role_assignable=group.role_assignable)
    held = operator.graph_permissions
    if operator.kind == "service principal" and right.allowed and "Group.ReadWrite.All" not in held:
        return rights.Right(False, right.who, "the operator's service principal does not hold Group.ReadWrite.All")
    return right


def setting_words(s: Removal) -> Iterator[Step]:
    """Which tenant settings name a group that the environment was let in through: they are told, never switched back."""
    settings = s.seen.settings
    if not isinstance(settings, Known):
        if s.ownership in ("own", "adopted"):
            why = f"left as they are, unread: {settings.reason if isinstance(settings, Unknown) else 'there are none'}"
            yield Step("settings", "leave", "Tenant settings", why)
        return
    joined = {group.id: group.name for group in value_of(s.seen.memberships) or ()}
    joined |= {f.value.group.id: f.value.group.name for f in s.seen.groups.values() if isinstance(f, Known)}
    for setting in settings.value.values():
        groups = [name for id_, name in joined.items() if _names(setting, id_)]
        if groups:
            yield Step(
                f"setting-{setting.name}",
                "leave",
                f"Tenant setting {setting.title!r}",
                f"names {quoted(groups)}, and is never switched back: others may rely on it by now. A Fabric administrator "
                "can change it in the admin portal",
            )
