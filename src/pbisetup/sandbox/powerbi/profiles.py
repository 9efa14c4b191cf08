"""Service principal profiles: each service principal's own, made, named and removed by it.

source: powerbi-swagger.json (the operations of the tag Profiles: for service principals only); answers to a profile that is
not there are guesses.
"""

from __future__ import annotations

import uuid
from typing import Final

from pbisetup.sandbox import access, limits
from pbisetup.sandbox.gate.request import Request
from pbisetup.sandbox.powerbi import body as given
from pbisetup.sandbox.powerbi.causes import Refused
from pbisetup.sandbox.powerbi.groups import window
from pbisetup.sandbox.powerbi.service import collection, context, route
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

MOST: Final = 100_000


def list_profiles(request: Request) -> Reply:
    mine = [_shown(each) for each in _mine(request)]
    return collection(request, "profiles", window(request, mine))


def get_profile(request: Request) -> Reply:
    return _entity(request, _profile(request))


def create_profile(request: Request) -> Reply:
    """200, not 201."""
    if len(_mine(request)) >= limits.limit(request.world, "profiles", MOST):
        raise Refused("input_invalid")
    made = {"id": str(uuid.uuid4()), "displayName": _name(request), "servicePrincipalId": request.caller.object_id}
    request.tenant.profiles.add(made)
    request.changed()
    return _entity(request, made)


def update_profile(request: Request) -> Reply:
    item = _profile(request)
    item["displayName"] = _name(request)
    request.changed()
    return _entity(request, item)


def delete_profile(request: Request) -> Reply:
    """Its workspace roles go with it."""
    item = _profile(request)
    request.tenant.profiles.remove(item["id"])
    for workspace in request.tenant.workspaces:
        held = workspace.get("roleAssignments", [])
        workspace["roleAssignments"] = [each for each in held if each["principal"]["id"] != item["id"]]
    request.changed()
    return Reply(200)


def _mine(request: Request) -> list[Object]:
    return request.tenant.profiles.where(servicePrincipalId=request.caller.object_id)


def _profile(request: Request) -> Object:
    found = request.tenant.profiles.get(request.call.params["profileId"])
    if found is None or found.get("servicePrincipalId") != request.caller.object_id:
        raise Refused("item_unknown")
    return found


def _name(request: Request) -> str:
    return given.text(given.read(request), "displayName")


def _shown(item: Object) -> Object:
    return {"id": item["id"], "displayName": item.get("displayName")}


def _entity(request: Request, item: Object) -> Reply:
    return Reply(200, {"@odata.context": context(request, "profiles/$entity"), **_shown(item)})


routes: Final[list[Route]] = [
    route("Profiles_GetProfiles", list_profiles, app_settings=(access.PROFILES,)),
    route("Profiles_CreateProfile", create_profile, app_settings=(access.PROFILES,)),
    route("Profiles_GetProfile", get_profile, app_settings=(access.PROFILES,)),
    route("Profiles_UpdateProfile", update_profile, app_settings=(access.PROFILES,)),
    route("Profiles_DeleteProfile", delete_profile, app_settings=(access.PROFILES,)),
]
