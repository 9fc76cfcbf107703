"""OAuth2 with a refresh token that a person gave once."""

from __future__ import annotations

from audiform.connectors.auth.scheme import Context, Flow, Scheme, fill
from audiform.connectors.auth.token import OAuth2, token_flow


class OAuth2Refresh(OAuth2):
    """Settings of `oauth2_refresh`."""

    refresh_token: str = "{{ credentials.refresh_token }}"  # noqa: S105 - a reference, no token


def _flow(config: OAuth2Refresh, context: Context) -> Flow:
    grant = {"grant_type": "refresh_token", "refresh_token": fill(config.refresh_token, context)}
    return (yield from token_flow(config, context, grant))


SCHEME = Scheme(OAuth2Refresh, _flow, refreshable=True)
