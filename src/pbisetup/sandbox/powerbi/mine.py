"""What is about the caller: features, and permissions to be read anew."""

from __future__ import annotations

from typing import Final

from pbisetup.sandbox.gate.request import Request
from pbisetup.sandbox.powerbi.causes import Refused
from pbisetup.sandbox.powerbi.embed import trial_usage
from pbisetup.sandbox.powerbi.service import context, route
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route


def available_features(request: Request) -> Reply:
    """Needs no scope (source: swagger)."""
    return Reply(200, {"@odata.context": context(request, "availableFeatures"), "features": [_trial(request)]})


def available_feature(request: Request) -> Reply:
    if request.call.params["featureName"].lower() != "embedtrial":
        raise Refused("item_unknown")
    return Reply(200, {"@odata.context": context(request, "availableFeatures/$entity"), **_trial(request)})


def refresh_permissions(request: Request) -> Reply:
    """New workspace roles act soon for whoever asked (`weather.workspace_role_seconds`)."""
    found = request.tenant.principal(request.caller.object_id)
    holder = request.profile or (found[1] if found else None)
    if holder is not None:
        holder["_permissionsRefreshed"] = request.world.now().timestamp()
        request.changed()
    return Reply(200)


def _trial(request: Request) -> Object:
    """What it says when the trial is used up was not published."""
    usage = trial_usage(request)
    return {"name": "embedTrial", "state": "Enabled", "extendedState": "Enabled", "additionalInfo": {"usage": usage}}


routes: Final[list[Route]] = [
    route("AvailableFeatures_GetAvailableFeatures", available_features),
    route("AvailableFeatures_GetAvailableFeatureByName", available_feature),
    route("Users_RefreshUserPermissions", refresh_permissions),
]
