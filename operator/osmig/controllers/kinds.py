"""Which kinds are controlled, and what makes each one's controller. A new kind is a line here and one in ``keys``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from osmig.api.names import Kind
from osmig.controllers import mappings, migrations, plans, providers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from osmig.controllers.controller import Controller
    from osmig.controllers.parts import Parts

KINDS: Final[Mapping[Kind, Callable[[Parts], Controller[Any]]]] = {
    Kind.PROVIDER: providers.build,
    Kind.MAPPING: mappings.build,
    Kind.MIGRATION: migrations.build,
    Kind.PLAN: plans.build,
}
