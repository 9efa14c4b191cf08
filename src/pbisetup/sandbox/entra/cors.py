"""Requests by pages of other origins: what the token endpoint and the metadata let a browser see."""

from __future__ import annotations

from dataclasses import replace

from pbisetup.sandbox.wire import Call, Reply, World

EXPOSED = "Content-Length,Content-Encoding,x-ms-srs"
"""Source: general knowledge of the service's answers to MSAL.js; guess where no log shows it."""


def allow(call: Call, reply: Reply) -> Reply:
    """An answer that a page of another origin may read, where one asked."""
    if "origin" not in call.headers:
        return reply
    more = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": EXPOSED}
    return replace(reply, headers={**reply.headers, **more})


def preflight(_world: World, call: Call) -> Reply:
    """`OPTIONS`: what a browser asks before it sends such a request. guess: the exact headers."""
    headers = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "GET, POST, OPTIONS"}
    if asked := call.headers.get("access-control-request-headers"):
        names = [each.strip() for each in asked.split(",")]
        headers["Access-Control-Allow-Headers"] = ", ".join(each for each in names if each.replace("-", "").isalnum())
    return Reply(200, None, {**headers, "Access-Control-Max-Age": "86400"})
