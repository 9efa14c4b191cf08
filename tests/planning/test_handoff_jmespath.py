"""The questions to az: what it works out for a script, with the very language that it answers in."""

from __future__ import annotations

import json
from typing import Any

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbisetup.planning.handoff.jmespath import (
    count,
    key_added,
    literal,
    merged,
    pages,
    setting_page,
    setting_update,
)
from pbisetup.planning.handoff.operations import AddKey, AdmitGroup, Listed, Merge, Place

APP = Place("graph", "/v1.0/applications/a1")
ASKED = AdmitGroup("Wanted", "g1", "the group", announced=("told",))


def setting(**changes: Any) -> dict[str, Any]:
    wanted = {"settingName": "Wanted", "enabled": False, "canSpecifySecurityGroups": True, **changes}
    return {"value": [{"settingName": "Other", "enabled": True}, wanted]}


def groups(*ids: str) -> list[dict[str, str]]:
    return [{"graphId": each, "name": f"name of {each}"} for each in ids]


MINE = {"graphId": "g1", "name": "the group"}


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_any_value_is_a_literal(value: Any) -> None:
    unmarked = json.loads(json.dumps(value, ensure_ascii=False).replace("\ue000", "").replace("\ue001", ""))
    assert jmespath.search(literal(unmarked), {}) == unmarked
    assert literal(unmarked).isascii()
    assert literal(unmarked).count("`") == 2


STATES = {
    "off": (setting(), "change"),
    "on for everybody": (setting(enabled=True), "open"),
    "on for everybody, with an empty list": (setting(enabled=True, enabledSecurityGroups=[]), "open"),
    "on for this group": (setting(enabled=True, enabledSecurityGroups=groups("x", "g1")), "member"),
    "on for others": (setting(enabled=True, enabledSecurityGroups=groups("x")), "change"),
    "off, listing others": (setting(enabledSecurityGroups=groups("x")), "lists"),
    "off, listing one that was told": (setting(enabledSecurityGroups=groups("told")), "change"),
    "off, listing this one": (setting(enabledSecurityGroups=groups("g1")), "change"),
    "on for others, excluding this one": (
        setting(enabled=True, enabledSecurityGroups=groups("x"), excludedSecurityGroups=groups("g1")),
        "excluded",
    ),
    "for the whole organisation only": (setting(canSpecifySecurityGroups=False), "unsuited"),
    "older answer": ({"tenantSettings": setting()["value"]}, "change"),
}


@pytest.mark.parametrize("case", STATES)
def test_the_setting_is_judged_as_apply_judges_it(case: str) -> None:
    answer, state = STATES[case]
    [[said, names, body], further] = jmespath.search(setting_page(ASKED), answer)
    assert (said, further) == (state, "")
    listed = next(each for each in next(iter(answer.values())) if each["settingName"] == "Wanted")
    held = listed.get("enabledSecurityGroups") or []
    assert json.loads(names) == [each["name"] for each in held]
    # No group that is there is ever left out of what would be sent.
    sent = json.loads(body)
    assert sent["enabled"] is True
    assert {each["graphId"] for each in held} | {"g1"} == {each["graphId"] for each in sent["enabledSecurityGroups"]}
    # The command of a ticket sends only where the script would send without being told to.
    alone = jmespath.search(setting_update(ASKED), answer)
    assert bool(alone) is (state in ("change", "member"))
    assert not alone or json.loads(alone) == sent


def test_what_else_a_setting_says_is_sent_back() -> None:
    more = {
        "excludedSecurityGroups": groups("y"),
        "properties": [{"name": "p", "value": "v"}],
        "delegateToCapacity": False,
    }
    [[_, _, body], _] = jmespath.search(
        setting_page(ASKED), setting(enabled=True, enabledSecurityGroups=groups("x"), **more)
    )
    assert json.loads(body) == {"enabled": True, "enabledSecurityGroups": [*groups("x"), MINE], **more}


def test_a_setting_on_another_page_is_looked_for_there() -> None:
    nowhere = {"value": [{"settingName": "Other"}], "continuationUri": "https://next"}
    assert jmespath.search(setting_page(ASKED), nowhere) == [["", "", ""], "https://next"]
    assert not jmespath.search(setting_update(ASKED), nowhere)


def test_lists_are_extended_and_never_cut() -> None:
    asked = Merge(
        APP,
        {
            "displayName": "new",
            "tags": ["a", "b"],
            "publicClient": {"redirectUris": ["http://localhost"]},
            "requiredResourceAccess": [
                {
                    "resourceAppId": "P",
                    "resourceAccess": [{"id": "1", "type": "Scope"}, {"id": "2", "type": "Scope"}],
                },
                {"resourceAppId": "N", "resourceAccess": [{"id": "3", "type": "Scope"}]},
            ],
        },
    )
    held = {
        "displayName": "old",
        "tags": ["theirs", "b"],
        "publicClient": {"redirectUris": ["https://theirs"]},
        "requiredResourceAccess": [
            {"resourceAppId": "T", "resourceAccess": [{"id": "9", "type": "Role"}]},
            {"resourceAppId": "P", "resourceAccess": [{"id": "8", "type": "Role"}, {"id": "1", "type": "Scope"}]},
        ],
    }
    [there, body] = jmespath.search(merged(asked), held)
    assert there == "false"
    sent = json.loads(body)
    assert sent == {
        "displayName": "new",
        "tags": ["theirs", "b", "a"],
        "publicClient": {"redirectUris": ["https://theirs", "http://localhost"]},
        "requiredResourceAccess": [
            {"resourceAppId": "T", "resourceAccess": [{"id": "9", "type": "Role"}]},
            {
                "resourceAppId": "P",
                "resourceAccess": [
                    {"id": "8", "type": "Role"},
                    {"id": "1", "type": "Scope"},
                    {"id": "2", "type": "Scope"},
                ],
            },
            {"resourceAppId": "N", "resourceAccess": [{"id": "3", "type": "Scope"}]},
        ],
    }
    # What was written is all there the next time; an app that has nothing yet gets all of it.
    assert jmespath.search(merged(asked), sent)[0] == "true"
    assert json.loads(jmespath.search(merged(asked), {})[1])["tags"] == ["a", "b"]


def test_an_address_that_another_platform_has_is_there_already() -> None:
    asked = Merge(APP, {"publicClient": {"redirectUris": ["http://localhost"]}}, ("web.redirectUris",))
    assert jmespath.search(merged(asked), {"web": {"redirectUris": ["http://localhost"]}})[0] == "true"
    assert jmespath.search(merged(asked), {"web": {"redirectUris": ["http://other"]}})[0] == "false"


@pytest.mark.parametrize(
    ("held", "there"),
    [
        (None, False),
        ([], False),
        ([{"keyId": "1", "key": None, "customKeyIdentifier": "OTHER"}], False),
        ([{"keyId": "1", "key": None, "customKeyIdentifier": "AB12"}], True),
        ([{"keyId": "1", "key": "MII", "customKeyIdentifier": None}], True),
    ],
)
def test_a_certificate_goes_beside_those_that_are_there(held: Any, there: bool) -> None:
    asked = AddKey(APP, "MII", ("AB12", "qxI="), {"key": "MII", "type": "AsymmetricX509Cert"})
    [said, body] = jmespath.search(key_added(asked), {"keyCredentials": held})
    assert said == ("true" if there else "false")
    assert json.loads(body)["keyCredentials"] == [*(held or []), {"key": "MII", "type": "AsymmetricX509Cert"}]


def test_a_list_is_looked_through_page_by_page() -> None:
    asked = Listed(Place("graph", "/v1.0/x"), {"id": "1", "resourceId": "2"})
    entries = [{"id": "1", "resourceId": "3"}, {"id": "1", "resourceId": "2"}]
    page = {"value": entries, "@odata.nextLink": "https://next"}
    assert jmespath.search(pages(asked), page) == ["1", "https://next"]
    assert jmespath.search(pages(asked), {"value": entries[:1]}) == ["0", ""]
    secrets = Listed(Place("graph", "/v1.0/x?$select=passwordCredentials"), {"keyId": "k"})
    assert jmespath.search(pages(secrets), {"passwordCredentials": [{"keyId": "k"}]}) == ["1", ""]


def test_the_id_of_a_capacity_is_the_same_in_capitals() -> None:
    asked = Listed(Place("powerbi", "/v1.0/x"), {"capacityId": "0f084df7"})
    assert jmespath.search(count(asked), {"value": [{"capacityId": "0F084DF7"}]}) == 1
