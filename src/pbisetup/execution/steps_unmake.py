"""What takes an environment away again: roles, memberships, the app, its groups, what is kept of it here.

Each looks once more before it removes something for good: what is no longer as the plan showed it stays.
"""

from __future__ import annotations

from collections.abc import Callable

from pbisetup.execution import steps_directory
from pbisetup.execution.bench import Outputs, Params, Workbench
from pbisetup.execution.replication import PASSING
from pbisetup.model.errors import PbisetupError, PlanOutdated, Unavailable
from pbisetup.observe.reading import read_setting
from pbisetup.planning.removal import CLAIM
from pbisetup.services.answer import Answer
from pbisetup.services.clock import count_down

LAG = 30.0
"""Seconds for which a directory that says 404 may only be behind itself."""


def remove_workspace_role(bench: Workbench, params: Params) -> Outputs:
    path = f"/v1.0/myorg/groups/{params['workspace_id']}/users/{params['sp_object_id']}"
    bench.removed(lambda: bench.session.powerbi.request("DELETE", path), "the workspace role")
    return {}


def remove_group_member(bench: Workbench, params: Params) -> Outputs:
    """Take the service principal out of the group; the group and its other members stay."""
    return steps_directory.remove_from_excluded_group(bench, params)


def remove_tags(bench: Workbench, params: Params) -> Outputs:
    """Take our tags off an app that stays, or put others in their place; the list is written as a whole, so it is read
    first.
    """
    graph = bench.session.graph
    app = graph.at(f"applications/{params['app_object_id']}")
    shown = bench.found(lambda: graph.get(app, select="id,tags"), "the app registration")
    present = list(shown.get("tags") or []) if shown else []
    left = [tag for tag in present if tag not in params["tags"]]
    if shown:
        left += [tag for tag in params.get("instead", ()) if tag not in left]
    if left != present:
        bench.sent(lambda: graph.send("PATCH", app, {"tags": left}), "the tags of the app registration")
    return {}


def delete_application(bench: Workbench, params: Params) -> Outputs:
    """Delete the app while it is still proved to be the environment's; one that is gone already is gone."""
    graph, object_id = bench.session.graph, params["app_object_id"]
    app = graph.at(f"applications/{object_id}")
    shown: Params | None = bench.found(lambda: graph.get(app, select="id,uniqueName,tags"), "the app registration")
    if shown is None:
        if _is_deleted(bench, object_id):
            return {}
        shown = _waited_for(bench, object_id)
        if shown is None:
            return {}
    tags = shown.get("tags") or []
    ours = any(tag in params["tags"] for tag in tags)
    kept = any(tag.startswith(CLAIM) and tag not in params["tags"] for tag in tags)
    by_hand = any(tag in params["not_tags"] for tag in tags)
    if shown.get("uniqueName") != params["unique_name"] or not ours or kept or by_hand:
        raise PlanOutdated(
            "PBI906",
            "the app registration no longer bears what proves it to be this environment's alone",
            remedy="It was not deleted. Run again to see how it stands.",
        )
    bench.removed(lambda: graph.send("DELETE", app), "the app registration")
    return {}


def _is_deleted(bench: Workbench, object_id: str) -> bool:
    graph = bench.session.graph
    item = graph.at(f"directory/deletedItems/{object_id}")
    return bench.found(lambda: graph.get(item), "the deleted app registration") is not None


def _waited_for(bench: Workbench, object_id: str) -> Params | None:
    """The app, where a directory that is behind itself shows it only now; None where it is not there for a while."""
    graph = bench.session.graph
    app = graph.at(f"applications/{object_id}")
    answer = _until_shown(bench, lambda: graph.get(app, select="id,uniqueName,tags"), "the app registration")
    return answer.object if answer.ok else None


def purge_deleted_application(bench: Workbench, params: Params) -> Outputs:
    """Remove the deleted app for good, and its service principal.

    That is a deleted object of its own, which outlives the app (MicrosoftDocs/azure-docs#110002).
    """
    graph = bench.session.graph
    item = graph.at(f"directory/deletedItems/{params['app_object_id']}")
    what = "the deleted app registration"
    if params["just_deleted"] and not _until_shown(bench, lambda: graph.get(item), what).ok:
        raise Unavailable(
            "PBI922",
            "the directory does not show the deleted app registration yet",
            remedy="It is deleted; run again with --purge in a minute to remove it for good.",
        )
    bench.removed(lambda: graph.send("DELETE", item), what)
    if params["sp_object_id"]:
        principal = graph.at(f"directory/deletedItems/{params['sp_object_id']}")
        bench.removed(lambda: graph.send("DELETE", principal), "the deleted service principal")
    return {}


def _until_shown(bench: Workbench, call: Callable[[], Answer], what: str) -> Answer:
    """The answer, asked for again while it is 404 or the service is out of order, as long as replicas may disagree."""
    until, pause = bench.clock.monotonic() + LAG, 1.0
    while True:
        answer = call()
        if answer.status != 404 and answer.status not in PASSING:
            if not answer.ok:
                raise answer.refusal(what)
            return answer
        if bench.clock.monotonic() >= until:
            return answer
        count_down(bench.clock, bench.waits, f"{what}: the directory may be behind", pause, until)
        pause = min(pause * 2, 8.0)


def delete_group(bench: Workbench, params: Params) -> Outputs:
    """Delete the group while it is ours, empty, and named by no tenant setting."""
    graph = bench.session.graph
    group = graph.at(f"groups/{params['group_id']}")
    shown = bench.found(lambda: graph.get(group, select="id,uniqueName"), "the security group")
    if shown is None:
        return {}
    if shown.get("uniqueName") != params["unique_name"]:
        raise _changed("the group is not the project's any more")
    members = graph.list(graph.at(f"groups/{params['group_id']}/members"), select="id")
    for answer in members:
        if not answer.ok:
            raise answer.refusal("the members of the security group")
        if any(raw.get("id") != params["sp_object_id"] for raw in answer.objects):
            raise _changed("somebody was put into the group")
    _check_settings(bench, params["group_id"])
    bench.removed(lambda: graph.send("DELETE", group), "the security group")
    return {}


def _check_settings(bench: Workbench, group_id: str) -> None:
    fabric = bench.session.fabric
    if fabric is None:
        raise Unavailable("PBI905", "no address of the Fabric API is published for this cloud")
    for page in fabric.pages("/v1/admin/tenantsettings"):
        if not page.ok:
            raise page.refusal("reading the tenant settings")
        for setting in map(read_setting, page.objects):
            if group_id in setting.enabled_groups or group_id in setting.excluded_groups:
                raise _changed(f"the tenant setting {setting.title!r} names the group")


def _changed(why: str) -> PbisetupError:
    return PlanOutdated("PBI906", f"{why} by now", remedy="It was not deleted. Run again to see how it stands.")


def remove_federated_credential(bench: Workbench, params: Params) -> Outputs:
    """Take one federated credential off the app, by its name."""
    graph = bench.session.graph
    path = f"applications/{params['app_object_id']}/federatedIdentityCredentials/{params['name']}"
    bench.removed(lambda: graph.send("DELETE", graph.at(path)), "the federated credential")
    return {}


def forget_credential(bench: Workbench, params: Params) -> Outputs:
    """Take the app's credential out of where it is kept."""
    if bench.kept is not None:
        bench.kept.forget(params["client_id"])
    return {}
