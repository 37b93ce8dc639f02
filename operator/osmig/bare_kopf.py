"""kopf, imported without the Kubernetes client.

kopf looks for the client, to know its models among what handlers hand over, and so imports all of it: 0.2 s and 10 MiB.
Handlers of ours hand over none.
"""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["Identity", "errors", "kopf", "scanning", "watching"]

_modules: dict[str, Any] = sys.modules
_is_hidden = _modules.setdefault("kubernetes", None) is None  # to import it now fails as if it were not there
try:
    import kopf
    from kopf._cogs.clients import errors, scanning, watching
    from kopf._core.engines.peering import Identity
finally:
    if _is_hidden:
        del _modules["kubernetes"]
