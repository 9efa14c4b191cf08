"""The clouds, read from `data/clouds.toml`; the sandbox is one more, built from where it listens."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from functools import cache
from importlib.resources import files
from urllib.parse import urlsplit

from pbisetup.model.cloud import Cloud


@cache
def clouds() -> dict[str, Cloud]:
    """Every published cloud by name. The sandbox is not among them: see `sandbox_cloud`."""
    text = files("pbisetup.catalog").joinpath("data/clouds.toml").read_text(encoding="utf-8")
    return {name: _cloud(name, entry) for name, entry in tomllib.loads(text).items()}


def _cloud(name: str, entry: dict[str, object]) -> Cloud:
    fields = {"fabric": None, "fabric_resource": None, **entry}
    fields["cross_hosts"] = tuple(fields.get("cross_hosts", ()))  # type: ignore[arg-type]
    return Cloud(name=name, **fields)  # type: ignore[arg-type]


def sandbox_cloud(url: str, ca_bundle: str | None, like: str = "public") -> Cloud:
    """The local tenant as a cloud: one origin for every service, another cloud's audiences and issuers."""
    origin = url.rstrip("/")
    meant = clouds()[like]
    hosts = [urlsplit(each).netloc for each in (*meant.origins(), *([meant.arm] if meant.arm else []))]
    return replace(
        meant,
        name="sandbox",
        like=like,
        arm=origin,
        # By path: names below localhost resolve on some systems only.
        vault=f"{origin}/vaults/{{name}}",
        stands_for=dict.fromkeys(hosts, origin),
        login=origin,
        graph=origin,
        powerbi=origin,
        fabric=origin,
        cross_hosts=(),
        instance_discovery=False,
        operator_routes=("device",),
        ca_bundle=ca_bundle,
    )
