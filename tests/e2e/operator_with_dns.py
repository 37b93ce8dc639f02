"""``osmig`` on a machine whose resolver changes its mind about one name, as the DNS of an attacker does.

An entry point for tests, run as a process of its own. The first question for ``changing.test`` is answered with the
first of the addresses in ``DNS_ANSWERS``, the next with the next, all further ones with the last. Nothing of osmig is
changed: only what the machine's resolver says.
"""

from __future__ import annotations

import os
import socket
from itertools import chain, repeat
from typing import Any

from osmig.__main__ import main

NAME = "changing.test"


def change_answers(addresses: list[str]) -> None:
    """Let the resolver of this process answer for ``NAME`` with one address after the other."""
    ask, answers = socket.getaddrinfo, chain(addresses, repeat(addresses[-1]))

    def resolve(host: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - the library's own signature
        return ask(next(answers) if host == NAME else host, *args, **options)

    socket.getaddrinfo = resolve


if __name__ == "__main__":
    change_answers(os.environ["DNS_ANSWERS"].split(","))
    main()
