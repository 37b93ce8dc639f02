"""Whose request it is, or why the server does not want to know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.waldurlab.answers import EXPIRED_TOKEN, INACTIVE_USER, INVALID_TOKEN, NO_CREDENTIALS, Answer, answer_detail

if TYPE_CHECKING:
    from lab.waldurlab.cloud import Cloud
    from lab.waldurlab.objects import User


def authenticate(cloud: Cloud, authorization: str | None) -> User | Answer:
    """Return whose ``Authorization: Token ...`` it is, or the 401 that refuses it."""
    user = identify(cloud, authorization)
    if user is None:
        return _refuse(INVALID_TOKEN if authorization else NO_CREDENTIALS)
    if not user.is_active:
        return _refuse(INACTIVE_USER)
    return _refuse(EXPIRED_TOKEN) if user.is_expired else user


def identify(cloud: Cloud, authorization: str | None) -> User | None:
    """Return whose token it is, also if it is not good any more."""
    scheme, _, token = (authorization or "").partition(" ")
    return cloud.find_user(token.strip()) if scheme == "Token" else None


def _refuse(text: str) -> Answer:
    refusal = answer_detail(text, 401)
    return Answer(401, refusal.content, {**refusal.headers, "www-authenticate": "Token"})
