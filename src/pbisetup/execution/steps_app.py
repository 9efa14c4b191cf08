"""What is done to the app: its registration, its service principal, and the API that it calls."""

from __future__ import annotations

from pbisetup.execution.bench import Outputs, Params, Workbench
from pbisetup.planning.redirects import is_native


def upsert_application(bench: Workbench, params: Params) -> Outputs:
    builder = bench.session.graph.at(f"applications(uniqueName='{params['unique_name']}')")
    made = bench.upsert(builder, params["body"], "the app registration", "id,appId")
    return {"app_object_id": made["id"], "client_id": made["appId"]}


def update_application(bench: Workbench, params: Params) -> Outputs:
    graph = bench.session.graph
    builder = graph.client.applications.by_application_id(params["app_object_id"])
    bench.sent(lambda: graph.send("PATCH", builder, params["changes"]), "the app registration")
    return {}


def create_service_principal(bench: Workbench, params: Params) -> Outputs:
    builder = bench.session.graph.at(f"servicePrincipals(appId='{params['client_id']}')")
    made = bench.upsert(builder, {"appId": params["client_id"]}, "the service principal", "id")
    return {"sp_object_id": made["id"]}


def add_owner(bench: Workbench, params: Params) -> Outputs:
    graph = bench.session.graph
    owners = graph.client.applications.by_application_id(params["app_object_id"]).owners
    bench.sent(lambda: graph.send("POST", owners.ref, bench.reference(params["owner_id"])), "the owner")
    return {}


def enable_service_principal(bench: Workbench, params: Params) -> Outputs:
    """Switch a service principal on again: the app's own, or the one of the API that it calls."""
    graph = bench.session.graph
    principal = graph.client.service_principals.by_service_principal_id(params["sp_object_id"])
    bench.sent(
        lambda: graph.send("PATCH", principal, {"accountEnabled": True}), f"the service principal {params['name']}"
    )
    return {}


def add_resource(bench: Workbench, params: Params) -> Outputs:
    """Give an API of Microsoft's its service principal in this tenant. Hands nothing on: `sp_object_id` is the app's."""
    api = bench.session.graph.at(f"servicePrincipals(appId='{params['client_id']}')")
    bench.upsert(api, {"appId": params["client_id"]}, f"the service principal of {params['name']}", "id")
    return {}


def allow_public_client(bench: Workbench, params: Params) -> Outputs:
    graph = bench.session.graph
    app = graph.client.applications.by_application_id(params["app_object_id"])
    bench.sent(lambda: graph.send("PATCH", app, {"isFallbackPublicClient": True}), "the app registration")
    return {}


def add_redirect_uri(bench: Workbench, params: Params) -> Outputs:
    """One more address, on the platform that fits it; an address that any platform has already is left there."""
    graph, uri = bench.session.graph, params["uri"]
    app = graph.client.applications.by_application_id(params["app_object_id"])
    shown = bench.read(app, "id,publicClient,web,spa", "the app registration")
    platforms = {
        name: list((shown.get(name) or {}).get("redirectUris") or []) for name in ("publicClient", "web", "spa")
    }
    if any(uri in listed for listed in platforms.values()):
        return {}
    name = "publicClient" if is_native(uri) else "web"
    uris = bench.together(f"{params['app_object_id']} {name}", platforms[name], [uri])
    # A complex property is merged: what else the platform says stays.
    bench.sent(lambda: graph.send("PATCH", app, {name: {"redirectUris": uris}}), "the app registration")
    return {}


def add_delegated_permission(bench: Workbench, params: Params) -> Outputs:
    """Declare permissions beside those that are declared: the list is replaced as a whole (entra.md 1.4)."""
    graph, api = bench.session.graph, params["resource_app_id"]
    app = graph.client.applications.by_application_id(params["app_object_id"])
    shown = bench.read(app, "id,requiredResourceAccess", "the app registration")
    declared = [
        (str(each["resourceAppId"]), str(access["id"]), str(access["type"]))
        for each in shown.get("requiredResourceAccess") or []
        for access in each.get("resourceAccess") or []
    ]
    wanted = [(api, str(id_), "Scope") for id_ in params["scope_ids"]]
    if set(wanted) <= set(declared):
        return {}
    merged: dict[str, list[dict[str, str]]] = {}
    for resource, id_, kind in bench.together(f"{params['app_object_id']} access", declared, wanted):
        merged.setdefault(resource, []).append({"id": id_, "type": kind})
    access = [{"resourceAppId": resource, "resourceAccess": listed} for resource, listed in merged.items()]
    bench.sent(lambda: graph.send("PATCH", app, {"requiredResourceAccess": access}), "the app registration")
    return {}


def restore_application(bench: Workbench, params: Params) -> Outputs:
    graph = bench.session.graph
    item = graph.client.directory.deleted_items.by_directory_object_id(params["app_object_id"])
    bench.sent(lambda: graph.send("POST", item.restore), "the deleted app registration")
    return {}


def purge_application(bench: Workbench, params: Params) -> Outputs:
    graph = bench.session.graph
    item = graph.client.directory.deleted_items.by_directory_object_id(params["app_object_id"])
    bench.removed(lambda: graph.send("DELETE", item), "the deleted app registration")
    return {}
