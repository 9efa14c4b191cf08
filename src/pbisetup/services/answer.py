"""One HTTP answer, whoever gave it, with what a diagnosis reads from it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pbisetup.model.errors import Evidence, Observer, Refused
from pbisetup.services.network import MAX_WAIT, request_id


@dataclass(frozen=True)
class Answer:
    """Status, headers (lower-case names) and body; `json` is None where the body is not JSON."""

    method: str
    url: str
    status: int
    headers: Mapping[str, str]
    json: Any
    observer: Observer
    text: str = ""
    """The beginning of the body as it came, whatever it is."""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def object(self) -> dict[str, Any]:
        """The JSON object, or an empty one where the body is none: whoever answered may not be the service."""
        return self.json if isinstance(self.json, dict) else {}

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The objects of a list, under either name that the services use; empty where there is no list."""
        listed = self.object.get("value", self.object.get("tenantSettings"))
        return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []

    @property
    def request_id(self) -> str | None:
        return request_id(self.headers)

    @property
    def where(self) -> str:
        """`GET /v1.0/myorg/groups`, for evidence lines."""
        from urllib.parse import urlsplit

        return f"{self.method} {urlsplit(self.url).path}"

    @property
    def service_code(self) -> str | None:
        """The service's own error code, from wherever this service puts it.

        Power BI: header x-powerbi-error-info, else the body; Fabric: x-ms-public-api-error-code or errorCode; Graph:
        error.code (powerbi.md 6, entra.md 6.4).
        """
        for header in ("x-powerbi-error-info", "x-ms-public-api-error-code"):
            if self.headers.get(header):
                return self.headers[header]
        if isinstance(self.json, dict):
            error = self.json.get("error")
            if isinstance(error, dict) and error.get("code"):
                return str(error["code"])
            if self.json.get("errorCode"):
                return str(self.json["errorCode"])
        return None

    @property
    def message(self) -> str:
        """The service's own words, or an empty text."""
        if isinstance(self.json, dict):
            error = self.json.get("error")
            if isinstance(error, dict) and error.get("message"):
                return str(error["message"])
            for key in ("message", "Message"):
                if self.json.get(key):
                    return str(self.json[key])
        return ""

    def evidence(self, note: str = "") -> Evidence:
        """This answer as one line of evidence."""
        said = " ".join(part for part in (f"HTTP {self.status}", self.service_code, note) if part)
        return Evidence(self.where, self.observer, said, self.request_id)

    def refusal(self, what: str, code: str = "PBI901") -> Refused:
        """This answer as an error: `what` was refused."""
        said = self.message or self.service_code or f"HTTP {self.status}"
        return Refused(
            code,
            f"{what}: {said}",
            status=self.status,
            service_code=self.service_code,
            evidence=(self.evidence(),),
        )


def wait_before_retry(answer: Answer, method: str, attempt: int, most: float = MAX_WAIT) -> float | None:
    """Seconds to wait before the same request is sent again, or None to leave it at this answer.

    429 says that nothing was done, so any request may be repeated; after a 5xx only a read may.
    """
    if attempt >= 3:
        return None
    if answer.status == 429 or (answer.status in (500, 502, 503, 504) and method == "GET"):
        said = answer.headers.get("retry-after", "")
        wait = float(said) if re.fullmatch(r"[0-9]{1,6}(\.[0-9]+)?", said) else 1.0 * 2**attempt
        return wait if wait <= most else None
    return None
