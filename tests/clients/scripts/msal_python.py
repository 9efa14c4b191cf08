"""MSAL for Python, one case a run: `python msal_python.py CASE` prints what MSAL answers as JSON."""

import json
import os
import sys
from pathlib import Path

import msal

ENV = os.environ
TENANT = ENV["PBISETUP_SANDBOX_TENANT"]
APP = ENV.get("CLIENT_ID") or ENV["PBISETUP_SANDBOX_OPERATOR_ID"]
SECRET = ENV.get("CLIENT_SECRET") or ENV["PBISETUP_SANDBOX_OPERATOR_SECRET"]
GRAPH = ["https://graph.microsoft.com/.default"]
POWER_BI = ["https://analysis.windows.net/powerbi/api/.default"]
if "HTTPS_PROXY" in ENV:
    WHERE = {"authority": f"https://login.microsoftonline.com/{TENANT}"}
else:
    WHERE = {"authority": f"{ENV['PBISETUP_SANDBOX_URL']}/{TENANT}", "instance_discovery": False}
    WHERE["verify"] = ENV["PBISETUP_SANDBOX_CA"]


def confidential(proof) -> dict:
    app = msal.ConfidentialClientApplication(APP, client_credential=proof, **WHERE)
    first = app.acquire_token_for_client(GRAPH)
    again = app.acquire_token_for_client(GRAPH)
    return {**first, "cached": again.get("token_source") == "cache"}


def public(sign_in) -> dict:
    app = msal.PublicClientApplication(APP, **WHERE)
    first = sign_in(app)
    if "access_token" not in first:
        return first
    silent = app.acquire_token_silent(POWER_BI, account=app.get_accounts()[0])
    return {**first, "silent": silent["access_token"], "account": app.get_accounts()[0]["username"]}


def device(app) -> dict:
    flow = app.initiate_device_flow(GRAPH)
    return app.acquire_token_by_device_flow(flow)


def certificate() -> dict:
    text = Path(ENV["CERTIFICATE_FILE"]).read_text()
    begin = text.index("-----BEGIN CERTIFICATE")
    return {"private_key": text[:begin], "thumbprint": ENV["THUMBPRINT"], "public_certificate": text[begin:]}


CASES = {
    "secret": lambda: confidential(SECRET),
    "certificate_sha1": lambda: confidential(certificate()),
    "certificate_sha256": lambda: confidential({"private_key_pfx_path": ENV["PFX_FILE"], "public_certificate": True}),
    "device_code": lambda: public(device),
    "interactive": lambda: public(lambda app: app.acquire_token_interactive(GRAPH, timeout=60)),
    "password": lambda: public(
        lambda app: app.acquire_token_by_username_password(
            ENV["SIGN_IN_AS"], ENV.get("PASSWORD") or ENV["PBISETUP_SANDBOX_PASSWORD"], GRAPH
        )
    ),
}
print(json.dumps(CASES[sys.argv[1]]()))
