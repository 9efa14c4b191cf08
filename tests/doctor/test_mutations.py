"""One thing of a healthy tenant is changed at random: the doctor finds it unhealthy exactly where the app no longer reaches
what it is for, names what was changed, and is certain of nothing that is not so.

Whether the app reaches it is told by plain HTTP (`outside`), what is so by the state itself (`truths`). A longer run, with
other changes each time: `PBISETUP_MUTATIONS=400 python -m pytest tests/doctor/test_mutations.py`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pbisetup.catalog.purposes import purposes
from pbisetup.model.finding import Examination, Finding
from pbisetup.sandbox.scenarios import listing
from tests.doctor.mutations import KINDS, Changed, Pick, World, with_bystanders
from tests.doctor.outside import Reached, reached
from tests.doctor.truths import holds, may_hold, name_of, said
from tests.support.doctor import examined, telling
from tests.support.tenant import SandboxTenant

HEALTHY: Final = tuple(each.name for each in listing() if each.group == "healthy" and each.name != "default")
EXAMPLES: Final = int(os.environ.get("PBISETUP_MUTATIONS") or 0)


@dataclass(frozen=True)
class Story:
    """One change, and what came of it."""

    changed: Changed
    world: World
    """After the change."""
    outside: Reached
    done: Examination
    operator: str | None

    @property
    def errors(self) -> list[Finding]:
        return [each for each in self.done.findings if each.severity == "error"]

    def __str__(self) -> str:
        return f"{self.changed.told}\n-- outside\n{self.outside}\n-- doctor\n{telling(self.done)}"


# -- what may differ, and why --------------------------------------------------------------------------------------

_SETTINGS: Final = ("admin_api_setting_off", "create_setting_off", "feature_tenant_setting_off", "tenant_setting_off")


def _setting_of_the_purpose(story: Story, found: Finding) -> bool:
    """A purpose needs more settings than its calls show: no call that changes nothing asks for them."""
    world = story.world
    needed = [world.by("tenantSettings", settingName=name) for name in purposes()[world.caller["purpose"]].settings]
    return name_of(found) in _SETTINGS and any(each and each["title"] in found.explanation for each in needed)


def _permission_against_the_purpose(story: Story, found: Finding) -> bool:
    """What changes things through the admin APIs is refused with this permission, and no call tries it."""
    wanted = name_of(found) == "admin_consented_permission_blocks_admin_api"
    return wanted and story.world.caller["purpose"] == "admin-write"


def _scope_of_the_purpose(story: Story, found: Finding) -> bool:
    """A purpose asks for more delegated permissions than its calls use."""
    wanted = purposes()[story.world.caller["purpose"]].delegated
    return name_of(found) == "missing_delegated_scope" and any(scope in found.explanation for scope in wanted)


def _another_way_to_sign_in(story: Story, found: Finding) -> bool:
    """A person enters a device code here, also where the app's own program opens a browser."""
    browser = story.world.caller.get("grant") == "authorization_code"
    return browser and name_of(found) in ("public_client_flow_disabled", "conditional_access_blocked")


MORE_THAN_THE_CALLS: Final = (
    _setting_of_the_purpose, _permission_against_the_purpose, _scope_of_the_purpose, _another_way_to_sign_in,
)  # fmt: skip
"""Errors that may be found though every call is answered."""


def _kind_of_program(story: Story) -> bool:
    """Whether a program is a page, a server or none of both is configured nowhere; the address it names is listed."""
    told = str(story.outside)
    browser = story.world.caller.get("grant") == "authorization_code"
    return browser and ("AADSTS9002327" in told or "AADSTS7000218" in told)


UNSEEN: Final[tuple[Callable[[Story], bool], ...]] = (_kind_of_program,)
"""What keeps a caller out, and nobody but its program could see."""


# -- what must be so -----------------------------------------------------------------------------------------------


def _healthy_exactly_where_all_is_reached(story: Story) -> bool:
    healthy, wanted = story.done.healthy, story.outside.all
    if healthy and not wanted:
        return any(each(story) for each in UNSEEN)
    if wanted and not healthy:
        excused = [any(each(story, found) for each in MORE_THAN_THE_CALLS) for found in story.errors]
        return bool(excused) and all(excused)
    return True


def _an_error_says_why(story: Story) -> bool:
    return story.done.healthy or bool(story.errors)


def _an_error_names_what_was_changed(story: Story) -> bool:
    """To somebody who may look; where the change is why not all is reached."""
    names = story.changed.names
    if story.outside.all or story.done.healthy or story.operator is None or not names:
        return True
    told = "\n".join(map(said, story.errors)).lower()
    return any(name.lower() in told for name in names if name)


def _what_is_certain_is_so(story: Story) -> bool:
    return all(holds(story.world, each) for each in story.done.findings if each.certainty == "certain")


def _what_is_told_first_is_so(story: Story) -> bool:
    """To somebody who may look."""
    if story.operator is None or not story.errors:
        return True
    return may_hold(story.world, story.errors[0])


PROPERTIES: Final[tuple[Callable[[Story], bool], ...]] = (
    _healthy_exactly_where_all_is_reached, _an_error_says_why, _an_error_names_what_was_changed, _what_is_certain_is_so,
    _what_is_told_first_is_so,
)  # fmt: skip


def told(sandbox: SandboxTenant, scenario: str, kind: str, operator: str | None, pick: Pick) -> Story | None:
    """Change one thing, look from outside, examine. None where this tenant has nothing of the kind."""
    sandbox.reset(with_bystanders(scenario))
    world = World(sandbox.state(), sandbox.app_secret)
    changed = KINDS[kind](world, pick)
    if changed is None:
        return None
    sandbox.put_state(world.state)
    state = sandbox.state()
    outside = reached(sandbox)
    sandbox.put_state(state)  # what the caller has made, and how late it is by now, is no part of the change
    done = examined(sandbox, operator)
    return Story(changed, World(state, sandbox.app_secret), outside, done, operator)


@settings(
    max_examples=EXAMPLES or 30,
    deadline=None,
    derandomize=not EXAMPLES,
    database=None,
    phases=(Phase.explicit, Phase.generate),  # one change is as small as a story gets
    suppress_health_check=list(HealthCheck),
)
@given(
    st.sampled_from(HEALTHY), st.sampled_from(sorted(KINDS)), st.sampled_from(["admin", "admin", "admin", None]), st.data()
)  # fmt: skip
def test_a_tenant_with_one_thing_changed_is_unhealthy_where_the_app_is_kept_out_and_a_finding_names_the_change(
    sandbox: SandboxTenant, scenario: str, kind: str, operator: str | None, data: st.DataObject
) -> None:
    story = told(sandbox, scenario, kind, operator, lambda options: data.draw(st.sampled_from(options)))
    if story is not None:
        broken = [each.__name__.strip("_").replace("_", " ") for each in PROPERTIES if not each(story)]
        assert not broken, f"not so: {', '.join(broken)}\n{scenario}, {kind}: {story}"
