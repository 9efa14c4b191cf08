"""msgraph-sdk in stock form, without one word about the sandbox: only for the proxy. Prints JSON."""

import asyncio
import json
import os

from azure.identity import ClientSecretCredential
from msgraph import GraphServiceClient
from msgraph.generated.models.application import Application
from msgraph.generated.models.o_data_errors.o_data_error import ODataError

ENV = os.environ


async def main() -> dict:
    credential = ClientSecretCredential(
        ENV["PBISETUP_SANDBOX_TENANT"],
        ENV["PBISETUP_SANDBOX_OPERATOR_ID"],
        ENV["PBISETUP_SANDBOX_OPERATOR_SECRET"],
    )
    graph = GraphServiceClient(credential, ["https://graph.microsoft.com/.default"])
    made = await graph.applications.post(Application(display_name="from the SDK"))
    found = await graph.applications.by_application_id(made.id).get()
    await graph.applications.by_application_id(made.id).delete()
    try:
        await graph.applications.by_application_id(made.id).get()
        code = None
    except ODataError as error:
        code = error.error.code
    return {"made": made.app_id, "found": found.app_id, "afterwards": code}


print(json.dumps(asyncio.run(main())))
