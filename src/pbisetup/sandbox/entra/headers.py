"""The headers that the sign-in service puts on every answer.

source: recordings of login.microsoftonline.com in Azure/azure-sdk-for-js (2021 to 2022); names still the same in a log
of 2025-10. The cookies of its gateway (`fpc`, `x-ms-gateway-slice`, `stsservicecookie`) are left out: nothing here
would read them.
"""

from __future__ import annotations

import dataclasses
from typing import Final

from pbisetup.sandbox.wire import Call, Reply, World

_ALWAYS: Final = {
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "P3P": 'CP="DSP CUR OTPi IND OTRi ONL FIN"',
    "x-ms-ests-server": "2.1.22000.1 - WEULR1 ProdSlices",
    "X-XSS-Protection": "0",
}
_OPEN: Final = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "GET, OPTIONS"}
"""Metadata may be read by a page of any origin."""


def dressed(_world: World, call: Call, answer: Reply) -> Reply:
    """The answer as it leaves the service. `x-ms-request-id` is the trace id that an error names."""
    headers = {**_ALWAYS, "x-ms-request-id": call.request_id}
    if isinstance(answer.body, dict):
        headers["Content-Type"] = "application/json; charset=utf-8"
        if call.path.endswith("/token"):
            # MSAL reads it: version, error, suberror, token age, ring (source: MSAL's parser of x-ms-clitelem).
            error = next(iter(answer.body.get("error_codes", ())), 0)
            headers["x-ms-clitelem"] = f"1,{error},0,,"
        if call.method == "GET" and answer.status == 200:
            headers |= _OPEN
    return dataclasses.replace(answer, headers={**headers, **answer.headers})
