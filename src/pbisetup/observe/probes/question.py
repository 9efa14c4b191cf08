"""What an examination starts from, and what its probes hand on that is no fact: tokens and connections."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pbisetup.model.case import Asked
from pbisetup.model.facts import Fact, Unknown
from pbisetup.model.probe import ApiAnswer
from pbisetup.model.secret import Secret
from pbisetup.model.tenant import StoredCredential
from pbisetup.observe.session import Entered, Session, SignIn
from pbisetup.services.app_sign_in import Credential
from pbisetup.services.network import Network
from pbisetup.services.rest import RestClient


@dataclass
class Question:
    """What is to be looked at, and with whose eyes."""

    asked: Asked
    network: Network
    credential: Credential | None
    where: str = ""
    """Where the credential was looked for."""
    operator: SignIn | None = None
    """How somebody signs in who looks at directory and settings; None: nobody does."""
    stored: Fact[StoredCredential] = field(default_factory=lambda: Unknown("the app is in no manifest"))
    body: str | None = None
    """Of the request that is asked for."""
    query: str = ""
    """Of the same; it may hold a key, so it is in no fact."""
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    heard: Callable[[str], None] = lambda _: None
    """Told of what a person should know while probes run."""
    tokens: dict[str, Secret] = field(default_factory=dict)
    """By audience, as the app got them in this run. In no fact, and in no recording."""
    door: Entered | None = None
    """The operator's connections, once they are signed in."""
    opened: dict[tuple[str, str], RestClient] = field(default_factory=dict)
    """The app's connections, by audience and origin: calls that run side by side share one."""
    borrowed: bool = False
    """Whether the door is somebody else's."""
    done: dict[str, Fact[ApiAnswer]] = field(default_factory=dict)
    """How a request was answered that changed something: it is not sent again, however often one looks."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def somebody_looks(self) -> bool:
        """Whether somebody can try to look into the directory: an operator, else the app by itself."""
        itself = self.credential is not None and self.credential.kind in ("secret", "certificate", "federated")
        return self.operator is not None or itself

    def look_with(self, session: Session) -> None:
        """Look with the eyes of somebody who is signed in already; their connections stay theirs."""
        self.operator = SignIn(route=session.operator.route)
        self.door, self.borrowed = session.door, True

    def forget(self) -> None:
        """Give up the app's tokens, and the connections that send them: the next look gets new ones."""
        for client in self.opened.values():
            client.close()
        self.opened.clear()
        self.tokens.clear()

    def close(self) -> None:
        """End every connection that was opened here. The question can be asked again afterwards."""
        self.forget()
        if self.door is not None and not self.borrowed:
            self.door.close()
            self.door = None
