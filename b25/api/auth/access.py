"""Access, put together: what the gateway joins, and what the local operator's commands work with."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

from b25.api.auth.access_token import AccessTokens
from b25.api.auth.authenticator import AccessAuthenticator
from b25.api.auth.key_ring import open_keys
from b25.api.auth.means import Alarm, Means, SlowWork
from b25.api.auth.membership import Membership
from b25.api.auth.own_access import OwnAccess, Tickets
from b25.api.auth.passwords import Hasher
from b25.api.auth.program_keys import ProgramKeys
from b25.api.auth.sign_in import SignIns
from b25.api.auth.standing import Standing
from b25.api.auth.throttle import Throttle
from b25.config.settings import Settings
from b25.runner.alarms import Alarms
from b25.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Everything about who is who.

    Attributes
    ----------
    authenticator : AccessAuthenticator
        What the gateway is made with.
    """

    means: Means
    slow: SlowWork
    sign_ins: SignIns
    own: OwnAccess
    tickets: Tickets
    membership: Membership
    keys: ProgramKeys
    authenticator: AccessAuthenticator
    say: Callable[[str], None]

    def start(self) -> None:
        """Read who there is; where there is nobody, say how the first one comes in."""
        self.means.standing.reload()
        path = self.membership.offer_set_up()
        if path is not None:
            self.say(
                f"nobody is set up yet: POST /api/v1/auth/setup with the token in {path}, or `b25 user add NAME --role admin`"
            )

    def stop(self) -> None:
        """Let the threads go."""
        self.slow.close()


def open_access(
    settings: Settings,
    store: Store,
    now_ns: Callable[[], int],
    *,
    alarm: Alarm | None = None,
    say: Callable[[str], None] | None = None,
    keyring: str = "",
) -> Access:
    """Put it together.

    Parameters
    ----------
    alarm : callable, optional
        Told of what somebody must look at; the run folder's alarms when left out.
    say : callable, optional
        Told what the operator should read; standard error when left out.
    keyring : str
        Name of the service in the OS keyring that holds the keys, in place of the secrets folder.

    Raises
    ------
    Misuse
        When the secrets folder is open to others, or what lies there is no secret.
    """
    speak = say or _say
    ring = open_keys(settings.secrets_folder, now_ns(), keyring=keyring)
    if alarm is None:
        settings.run_folder.mkdir(parents=True, exist_ok=True)
        alarm = Alarms(settings.run_folder, "gateway", speak).alarm
    means = Means(
        store=store, ring=ring, tokens=AccessTokens(ring, settings.gateway.access_s), hasher=Hasher(), throttle=Throttle(store),
        standing=Standing(store, now_ns), now_ns=now_ns, alarm=alarm, refresh_s=settings.gateway.refresh_s,
    )  # fmt: skip
    sign_ins, tickets = SignIns(means), Tickets()
    return Access(
        means=means, slow=SlowWork(), sign_ins=sign_ins, own=OwnAccess(means, sign_ins), tickets=tickets,
        membership=Membership(means, settings.secrets_folder), keys=ProgramKeys(means),
        authenticator=AccessAuthenticator(means, tickets), say=speak,
    )  # fmt: skip


def _say(text: str) -> None:
    print(f"b25: {text}", file=sys.stderr, flush=True)
