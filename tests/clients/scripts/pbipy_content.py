"""pbipy over reports, models and embed tokens: `python pbipy_content.py CASE` prints JSON."""

import json
import os
import sys

ENV = os.environ
BASE = ENV["PBISETUP_SANDBOX_URL"]
PROXY = "HTTPS_PROXY" in ENV


def client():
    from azure.identity import ClientSecretCredential
    from pbipy import PowerBI
    from pbipy.resources import Resource

    where = {}
    if not PROXY:
        PowerBI.BASE_URL = Resource.BASE_URL = BASE + "/v1.0/myorg"
        where = {"authority": BASE, "disable_instance_discovery": True, "connection_verify": ENV["PBISETUP_SANDBOX_CA"]}
    ids = (ENV["PBISETUP_SANDBOX_TENANT"], ENV["CLIENT_ID"], ENV["CLIENT_SECRET"])
    token = ClientSecretCredential(*ids, **where).get_token("https://analysis.windows.net/powerbi/api/.default").token
    return PowerBI(token)


def walk() -> dict:
    power_bi = client()
    group = power_bi.groups()[0]
    model = power_bi.datasets(group=group)[0]
    report = power_bi.reports(group=group)[0]
    model.refresh_and_wait(type="Full", check_interval=0)
    made = power_bi.create_group("From pbipy")
    power_bi.delete_group(made)
    return {
        "report": report.name,
        "pages": [page["displayName"] for page in report.pages()],
        "rows": model.execute_queries("EVALUATE Sales")["results"][0]["tables"][0]["rows"],
        "history": [entry["status"] for entry in model.refresh_history()],
        "users": [user["principalType"] for user in group.users()],
        "embed": bool(report.generate_token(access_level="View").token),
        "made": made.name,
        "gateways": len(power_bi.gateways()),
    }


def refused() -> dict:
    from requests import RequestException

    power_bi = client()
    model = power_bi.datasets(group=power_bi.groups()[0])[0]
    try:
        model.execute_queries("EVALUATE Sales")
    except RequestException as error:
        return {"said": str(error)}
    return {"said": None}


print(json.dumps({"walk": walk, "refused": refused}[sys.argv[1]]()))
