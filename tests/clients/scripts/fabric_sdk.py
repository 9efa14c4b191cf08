"""microsoft-fabric-api and pbipy, direct or through the proxy: `python fabric_sdk.py CASE` prints JSON."""

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


def pbipy() -> dict:
    from pbipy import PowerBI

    if not PROXY:
        PowerBI.BASE_URL = BASE + "/v1.0/myorg"
    token = credential().get_token("https://analysis.windows.net/powerbi/api/.default").token
    return {"names": [each.name for each in PowerBI(token).groups()]}


print(json.dumps({"fabric": fabric, "pbipy": pbipy}[sys.argv[1]]()))
