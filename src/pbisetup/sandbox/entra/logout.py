"""Signing out: the session ends, and the browser goes back to the app where that is safe."""

from __future__ import annotations

import dataclasses

from pbisetup.sandbox.entra import pages, reply, session, signin
from pbisetup.sandbox.entra.authority import check_tenant
from pbisetup.sandbox.entra.refusal import Refused
from pbisetup.sandbox.wire import BadBody, Call, Reply, World


def logout(world: World, call: Call) -> Reply:
    """`GET` and `POST /{tenant}/oauth2[/v2.0]/logout`. `post_logout_redirect_uri` counts where an app of this tenant
    has registered it; other addresses are left out, so that nobody is sent anywhere (entra-docs, v2-protocols-oidc).
    """
    try:
        check_tenant(world, call.params["tenant"])
        given = {**call.query, **(call.form() if call.method == "POST" else {})}
    except Refused as refused:
        return signin.error_page(world, call, refused)
    except BadBody:
        given = dict(call.query)
    session.sign_out(world, session.browser_of(world, call))
    cookie = {"Set-Cookie": session.clear_cookie(world)}
    uri = given.get("post_logout_redirect_uri", "").strip()
    if uri and _is_registered(world, uri):
        sent = {"state": given["state"]} if "state" in given else {}
        answer = reply.send(world, reply.Target(uri, "web"), "query", sent)
    else:
        answer = pages.render(
            "message",
            organization=world.tenant.section("tenant")["displayName"],
            title="You signed out of your account",
            text="It's a good idea to close all browser windows.",
        )
    return dataclasses.replace(answer, headers={**answer.headers, **cookie})


def _is_registered(world: World, uri: str) -> bool:
    # guess: without a client id or an id_token_hint, any app of the tenant will do.
    for application in world.tenant.applications:
        for platform in reply.PLATFORMS:
            for each in (application.get(platform) or {}).get("redirectUris") or ():
                if reply.same(str(each), uri):
                    return True
    return False
