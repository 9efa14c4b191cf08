"""Steps that let the service principal through the tenant setting: group, membership, setting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pbisetup.catalog.wellknown import PUBLIC_API_SETTING, PUBLIC_API_SETTING_TITLE
from pbisetup.model.facts import Known, value_of
from pbisetup.model.plan import Action, Step
from pbisetup.planning import rights
from pbisetup.planning.admission import Admission, decide, unsuited
from pbisetup.planning.situation import Situation
from pbisetup.planning.wanted import public_api_setting, wanted_group


def admission_steps(s: Situation) -> Iterator[Step]:
    if not any(purpose.settings for purpose in s.purposes):
        return
    memberships = value_of(s.seen.memberships) or frozenset()
    admission = decide(
        public_api_setting(s.seen.settings),
        memberships,
        s.seen.groups,
        wanted_group(s.env),
        admitted=s.seen.admitted,
    )
    title = f"Tenant setting {PUBLIC_API_SETTING_TITLE!r}"
    if admission.state in ("open", "admitted"):
        yield Step("setting", "keep", title, admission.why)
    elif admission.state in ("excluded", "unsuited"):
        yield Step(
            "setting",
            "keep",
            title,
            f"does not admit the app, and is left as it is: {admission.why}",
            warning="the API will refuse the app until a Fabric administrator changes that",
        )
    elif admission.state == "unknown":
        yield from _admission_unseen(s, title, admission)
    else:
        yield from _through_group(s, title, admission)


def _admission_unseen(s: Situation, title: str, admission: Admission) -> Iterator[Step]:
    """Nobody here can read the setting. The app's own token tells whether it is needed, once there is one."""
    refused = isinstance(s.seen.admitted, Known) and not s.seen.admitted.value
    if refused or s.somebody_else_makes_the_app:
        if problem := unsuited(s.seen.groups, wanted_group(s.env)):
            yield Step("setting", "keep", title, f"{admission.why}; {problem}", warning="the API may refuse the app")
            return
        why = "the API refuses the app's token" if refused else "without it the API refuses every service principal"
        yield from _through_group(s, title, replace(admission, why=why))
        return
    yield Step(
        "setting",
        "add",
        title,
        f"{admission.why}; whether it admits the app is seen as soon as the app has a token",
        Action("update_tenant_setting", {}),
        ("fabric administrator",),
        None,
        admission.why,
        deferred=True,
    )


def _through_group(s: Situation, title: str, admission: Admission) -> Iterator[Step]:
    operator = s.seen.operator
    group_ref = admission.group_id or "{group_id}"
    memberships = value_of(s.seen.memberships) or frozenset()
    needs: tuple[str, ...] = ()
    creates = admission.group_id is None
    create_right = s.unless_refused("group", rights.create_group(operator, s.seen.may_create_groups))
    if s.somebody_else_makes_the_app:
        create_right = rights.Right(False, ("groups administrator",), "it goes together with the rest")
    if creates:
        needs = ("group",)
        yield Step(
            "group",
            "add",
            f"Security group {admission.group_name!r}",
            "the setting is limited to it, so that no other app is let in",
            Action(
                "create_group",
                {
                    "display_name": admission.group_name,
                    "mail_nickname": _nickname(admission.group_name),
                    "unique_name": f"pbisetup-{s.manifest.project_id}-api",
                },
            ),
            create_right.who,
            create_right.allowed,
            create_right.because,
            undo="delete the group",
        )
    if group_ref not in memberships:
        fact = s.seen.groups.get(group_ref)
        group = fact.value if isinstance(fact, Known) else None
        owns = (create_right.allowed if creates else None) if group is None else group.operator_owns
        right = rights.add_member(operator, owns_group=owns, role_assignable=bool(group and group.role_assignable))
        if creates and create_right.allowed is False:
            right = rights.Right(False, right.who, "there is no group yet")
        right = s.after_app(right)
        yield Step(
            "member",
            "add",
            f"Service principal into the group {admission.group_name!r}",
            admission.why if admission.state == "join" else "the setting is limited to this group",
            Action(
                "add_group_member",
                {
                    "group_id": group_ref,
                    "group_name": admission.group_name,
                    "sp_object_id": s.sp_ref,
                },
            ),
            right.who,
            right.allowed,
            right.because,
            needs=(*needs, "service-principal"),
            takes="up to 15 minutes" if admission.state == "join" else None,
            undo="remove the member",
            warning=admission.warning if admission.state == "join" else None,
        )
    if admission.state == "join":
        return
    can_read = isinstance(s.seen.settings, Known)
    right = rights.change_setting(operator, can_read=can_read)
    verb = "extend by the group" if admission.state == "add_group" else "switch on, limited to the group"
    yield Step(
        "setting",
        "change",
        f"{title}: {verb} {admission.group_name!r}",
        admission.why,
        Action(
            "update_tenant_setting",
            {
                "setting": admission.setting.name if admission.setting else PUBLIC_API_SETTING,
                "group_id": group_ref,
                "group_name": admission.group_name,
                "announced": sorted(admission.setting.enabled_groups) if admission.setting else [],
            },
        ),
        right.who,
        right.allowed if can_read or right.allowed is False else None,
        right.because,
        needs=(*needs, "service-principal"),
        takes="up to 15 minutes",
        undo="never switched back by pbisetup: others may rely on it by then",
        warning=admission.warning,
    )


def _nickname(name: str) -> str:
    """A mailNickname, which every group must have: letters, digits and '-' only, at most 64."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c == "-") else "-" for c in name).strip("-")
    return kept[:64] or "pbi-service-principals"
