"""`doctor --fix --yes` as an administrator: what can be mended from here is mended, and then all is well."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.doctor import bedside, telling
from tests.support.tenant import SandboxTenant

FIXABLE = {
    "admin-app-role-left-over", "admin-group-missing", "admin-setting-off", "admin-update-setting-off",
    "admin-with-app-role", "app-disabled", "app-in-group-instead", "consent-missing", "consent-of-another",
    "creation-off", "delegated-permissions-only", "embedding-off", "group-nested", "in-excluded-group", "items-off",
    "not-in-allowed-group", "not-in-workspace", "other-identity", "profile-setting-off", "public-client-off", "queries-off",
    "redirect-mismatch", "resource-disabled", "resource-missing", "resource-not-required", "role-too-low", "scope-missing",
    "secret-expired", "secret-id-as-value", "secret-wrong", "service-principal-missing", "tenant-setting-off",
    "user-in-group-instead", "xmla-off",
    "app-role-and-admin-off", "app-role-and-not-in-group", "no-principal-and-setting-off", "public-client-and-consent",
    "secret-expired-and-not-in-group", "secret-id-and-setting-off", "setting-off-and-no-role",
}  # fmt: skip
"""What somebody with every right can mend without touching the program or another person."""


NOT_FIXABLE = (
    "app-barred-by-microsoft", "capacity-paused", "classic-workspace", "conditional-access", "federated-subject",
    "group-synced", "my-workspace-route", "password-expired", "setting-too-fresh", "tenant-wrong", "token-old",
)  # fmt: skip
"""One of each kind of what is only for the program's owner, another person or time to mend."""


@pytest.mark.parametrize("name", [*sorted(FIXABLE), *NOT_FIXABLE])
def test_what_can_be_mended_is_mended_and_nothing_else_is_touched(
    sandbox: SandboxTenant, tmp_path: Path, name: str
) -> None:
    sandbox.reset(name)
    with bedside(sandbox, folder=tmp_path) as run:
        run.examine()
        first = run.examination
        sandbox.clear_requests()
        run.mend(yes=True)
        done = run.examination
        offered = any(r.fixable for f in first.findings if f.severity == "error" for r in f.remedies)
        written = [outcome for outcome in run.outcomes.values() if outcome.status == "done"]
    if name in FIXABLE:
        assert offered, telling(first)
        assert done.healthy, telling(done)
        assert written
    else:
        assert not done.healthy, telling(done)
    if not written:
        sent = [(w["method"], w["path"]) for w in sandbox.writes() if not w["path"].startswith("/v1.0/myorg/")]
        assert [each for each in sent if "/metadata/" not in each[1]] == []


def test_a_second_run_finds_nothing_left_to_do(sandbox: SandboxTenant, tmp_path: Path) -> None:
    sandbox.reset("setting-off-and-no-role")
    for _ in range(2):
        with bedside(sandbox, folder=tmp_path) as run:
            run.examine()
            sandbox.clear_requests()
            run.mend(yes=True)
            assert run.examination.healthy, telling(run.examination)
    assert sandbox.writes() == []
