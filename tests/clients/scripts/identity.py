"""azure-identity, one case a run: `python identity.py CASE` prints {"token": ...} or {"error": ...} as JSON.

Everything about the sandbox comes from the environment that `pbisetup sandbox env` prints, and from CLIENT_ID and its
kin where the case is about an app of the test's. DIRECT is what a program has to say when it does not use the proxy.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

ENV = os.environ
TENANT = ENV["PBISETUP_SANDBOX_TENANT"]
APP = ENV.get("CLIENT_ID") or ENV["PBISETUP_SANDBOX_OPERATOR_ID"]
SECRET = ENV.get("CLIENT_SECRET") or ENV["PBISETUP_SANDBOX_OPERATOR_SECRET"]
SCOPE = ENV.get("SCOPE", "https://graph.microsoft.com/.default")
POWER_BI = "https://analysis.windows.net/powerbi/api/.default"
PROXY = "HTTPS_PROXY" in ENV
DIRECT = (
    {}
    if PROXY
    else {
        "authority": ENV["PBISETUP_SANDBOX_URL"],
        "disable_instance_discovery": True,
        "connection_verify": ENV["PBISETUP_SANDBOX_CA"],
    }
)


def assertion() -> str:
    return Path(ENV["ASSERTION_FILE"]).read_text()


def credential(name: str, aio: bool):
    if aio:
        from azure.identity import aio as identity
    else:
        from azure import identity
    if name == "secret":
        return identity.ClientSecretCredential(TENANT, APP, SECRET, **DIRECT)
    if name in ("certificate", "certificate_chain"):
        chain = name == "certificate_chain"
        return identity.CertificateCredential(
            TENANT, APP, ENV["CERTIFICATE_FILE"], send_certificate_chain=chain, **DIRECT
        )
    if name == "assertion":
        return identity.ClientAssertionCredential(TENANT, APP, assertion, **DIRECT)
    if name == "environment":  # AZURE_* and AZURE_AUTHORITY_HOST say it all
        return identity.EnvironmentCredential(**DIRECT)
    if name == "workload":  # AZURE_CLIENT_ID, AZURE_TENANT_ID, AZURE_FEDERATED_TOKEN_FILE
        return identity.WorkloadIdentityCredential(**DIRECT)
    if name == "managed":  # IDENTITY_ENDPOINT, IDENTITY_HEADER
        verify = {"connection_verify": ENV["PBISETUP_SANDBOX_CA"]}
        return identity.ManagedIdentityCredential(client_id=ENV.get("MANAGED_ID"), **verify)
    if name == "azure_cli":
        return identity.AzureCliCredential(process_timeout=60)
    if name == "default":
        return identity.DefaultAzureCredential(**DIRECT)
    if name == "device_code":
        return identity.DeviceCodeCredential(client_id=APP, tenant_id=TENANT, prompt_callback=lambda *_: None, **DIRECT)
    if name == "interactive":
        return identity.InteractiveBrowserCredential(client_id=APP, tenant_id=TENANT, timeout=60, **DIRECT)
    raise SystemExit(f"no case {name}")


async def aio(name: str) -> str:
    async with credential(name, True) as found:
        return (await found.get_token(SCOPE)).token


def main(name: str) -> None:
    from azure.core.exceptions import ClientAuthenticationError

    try:
        if name.endswith("_aio"):
            answer = {"token": asyncio.run(aio(name.removesuffix("_aio")))}
        else:
            with credential(name, False) as found:
                answer = {"token": found.get_token(SCOPE).token}
                if name in ("device_code", "interactive"):  # silently, by the refresh token
                    answer["silent"] = found.get_token(POWER_BI).token
    except ClientAuthenticationError as error:
        answer = {"error": error.message}
    print(json.dumps(answer))


main(sys.argv[1])
