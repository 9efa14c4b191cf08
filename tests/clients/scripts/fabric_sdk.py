"""microsoft-fabric-api, fabric-cicd and pbipy, direct or through the proxy: `python fabric_sdk.py CASE` prints JSON."""

import json
import os
import sys

ENV = os.environ
BASE = ENV["PBISETUP_SANDBOX_URL"]
PROXY = "HTTPS_PROXY" in ENV


def credential():
    from azure.identity import ClientSecretCredential

    where = {}
    if not PROXY:
        where = {"authority": BASE, "disable_instance_discovery": True, "connection_verify": ENV["PBISETUP_SANDBOX_CA"]}
    ids = (ENV["PBISETUP_SANDBOX_TENANT"], ENV["CLIENT_ID"], ENV["CLIENT_SECRET"])
    return ClientSecretCredential(*ids, **where)


def fabric() -> dict:
    from azure.core.exceptions import HttpResponseError
    from microsoft_fabric_api import FabricClient

    where = {} if PROXY else {"base_url": BASE + "/", "connection_verify": ENV["PBISETUP_SANDBOX_CA"]}
    client = FabricClient(credential(), **where)
    made = client.core.workspaces.create_workspace({"displayName": "From the SDK"})
    names = [each.display_name for each in client.core.workspaces.list_workspaces()]
    roles = [str(each.role) for each in client.core.workspaces.list_workspace_role_assignments(made.id)]
    settings = [each.setting_name for each in client.admin.tenants.list_tenant_settings()]
    client.core.workspaces.delete_workspace(made.id)
    try:
        client.core.workspaces.get_workspace(made.id)
        gone = None
    except HttpResponseError as error:
        gone = error.status_code
    return {"names": names, "roles": roles, "settings": settings, "gone": gone}


def items() -> dict:
    """A notebook's life, with the long-running operations that the SDK follows."""
    import base64

    from microsoft_fabric_api import FabricClient

    where = {} if PROXY else {"base_url": BASE + "/", "connection_verify": ENV["PBISETUP_SANDBOX_CA"]}
    client = FabricClient(credential(), **where)
    workspace = next(each.id for each in client.core.workspaces.list_workspaces())
    payload = base64.b64encode(b"# Fabric notebook source").decode()
    part = {"path": "notebook-content.py", "payload": payload, "payloadType": "InlineBase64"}
    wanted = {"displayName": "From the SDK", "definition": {"parts": [part]}}
    made = client.notebook.items.create_notebook(workspace, wanted)
    listed = [[str(each.type), each.display_name] for each in client.core.items.list_items(workspace)]
    definition = client.core.items.get_item_definition(workspace, made.id).definition
    lakehouse = client.lakehouse.items.create_lakehouse(workspace, {"displayName": "sales"})
    return {
        "made": made.display_name,
        "listed": listed,
        "parts": {each.path: each.payload == payload for each in definition.parts},
        "lakehouse": lakehouse.display_name,
    }


def cicd() -> dict:
    """Publish a folder with one notebook, as a pipeline does, and say how it ended."""
    import logging
    from pathlib import Path

    from fabric_cicd import FabricWorkspace, publish_all_items

    logging.disable(logging.CRITICAL)
    folder = Path("repository") / "Daily load.Notebook"
    folder.mkdir(parents=True)
    platform = {
        "metadata": {"type": "Notebook", "displayName": "Daily load", "description": "Every night"},
        "config": {"version": "2.0", "logicalId": "99b570c5-0c79-9dc4-4c9b-fa16c621384c"},
    }
    (folder / ".platform").write_text(json.dumps(platform), encoding="utf-8")
    (folder / "notebook-content.py").write_text("# Fabric notebook source\n", encoding="utf-8")
    try:
        workspace = FabricWorkspace(
            workspace_id=ENV["WORKSPACE"],
            repository_directory="repository",
            item_type_in_scope=["Notebook"],
            token_credential=credential(),
        )
        publish_all_items(workspace)
    except Exception as error:
        return {"refused": f"{error} {getattr(error, 'additional_info', None) or ''}"}
    return {"refused": None}


def pbipy() -> dict:
    from pbipy import PowerBI

    if not PROXY:
        PowerBI.BASE_URL = BASE + "/v1.0/myorg"
    token = credential().get_token("https://analysis.windows.net/powerbi/api/.default").token
    return {"names": [each.name for each in PowerBI(token).groups()]}


print(json.dumps({"fabric": fabric, "items": items, "cicd": cicd, "pbipy": pbipy}[sys.argv[1]]()))
