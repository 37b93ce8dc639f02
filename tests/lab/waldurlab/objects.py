"""What a Waldur knows before the first order: accounts, offerings with plans, resources, and what OpenStack has."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

OURS = "ours"
"""The customer whose owner, admin and so on the users are."""
TENANTS, SERVERS = "OpenStack.Tenant", "OpenStack.Instance"
"""The two kinds of offerings and resources."""


@dataclass(slots=True)
class User:
    """One account; staff and support see everything, a stranger nothing that is not his own.

    Attributes:
        may_create: May make tenants in the project at all.
        may_replicate: Has APPROVE_ORDER.
        may_terminate: Has TERMINATE_RESOURCE.
        is_active: The account is switched on.
        is_expired: The token's lifetime is over.
        token_lifetime: In seconds; None for no end.
    """

    name: str
    uuid: str
    full_name: str
    token: str
    is_staff: bool = False
    is_support: bool = False
    is_stranger: bool = False
    may_create: bool = False
    may_replicate: bool = False
    may_terminate: bool = False
    is_active: bool = True
    is_expired: bool = False
    token_lifetime: int | None = None

    @property
    def sees_all(self) -> bool:
        """Whether the records of other users and customers are visible."""
        return self.is_staff or self.is_support

    def sees(self, customer: str) -> bool:
        """Whether what belongs to a customer is visible."""
        return self.sees_all or (customer == OURS and not self.is_stranger)


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan of an offering; ``most`` is how many resources may use it."""

    uuid: str
    name: str
    archived: bool = False
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Offering:
    """What can be ordered; a private one only by staff, a draft by nobody.

    Attributes:
        settings: The service behind it; empty for an offering of servers.
        state: Active, Paused or Draft.
    """

    uuid: str
    name: str
    settings: str
    plans: tuple[Plan, ...] = ()
    state: str = "Active"
    kind: str = TENANTS
    is_shared: bool = True

    def is_visible(self, user: User) -> bool:
        """Whether a user may read it and order from it."""
        return self.state != "Draft" and (self.is_shared or user.is_staff)


@dataclass(slots=True)
class Tenant:
    """A tenant, the source's or one that a replication has made.

    Attributes:
        routes: Of its routers: pairs of destination and nexthop.
        rules: The CIDRs in the rules of its security groups.
    """

    uuid: str
    name: str
    settings: str
    state: str = "OK"
    error_message: str = ""
    customer: str = OURS
    routes: list[tuple[str, str]] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Resource:
    """The marketplace's record of a tenant, or of a server.

    Attributes:
        tenant: What it stands for; empty, or of no tenant that is there, if that is gone.
    """

    uuid: str
    name: str
    offering: str
    plan: str
    tenant: str
    state: str = "OK"
    limits: dict[str, int] = field(default_factory=dict)
    customer: str = OURS


@dataclass(frozen=True, slots=True)
class VolumeType:
    """A volume type of one service, available in some of its tenants; a disabled one is in no list."""

    uuid: str
    name: str
    settings: str
    tenants: tuple[str, ...] = ()
    is_disabled: bool = False


@dataclass(slots=True)
class Subnet:
    """A subnet of a network."""

    uuid: str
    name: str
    cidr: str
    state: str = "OK"


@dataclass(slots=True)
class Network:
    """A network of a tenant with its subnets."""

    uuid: str
    name: str
    tenant: str
    subnets: list[Subnet]
    state: str = "OK"


@dataclass(frozen=True, slots=True)
class World:
    """All that is there at the start.

    Attributes:
        source: What rows replicate that a test makes without a POST.
        offering: And from which offering.
        plan: And with which plan.
    """

    source: str
    offering: str
    plan: str
    users: list[User]
    offerings: list[Offering]
    resources: list[Resource]
    tenants: list[Tenant]
    volume_types: list[VolumeType]
    networks: list[Network]


def parse_uuid(text: object) -> str | None:
    """Return the server's own form, 32 lower-case digits; None if it is no UUID."""
    try:
        return UUID(text).hex if isinstance(text, str) else None
    except ValueError:
        return None


def make_token(name: str) -> str:
    """Return the first token of a user: 40 hexadecimal digits that spell the name."""
    return name.encode().hex().ljust(40, "0")[:40]


def make_accounts(uuids: dict[str, str]) -> list[User]:
    """Return one account for each role, with the ids by name.

    rival has the owner's rights and another account: whoever uses his token does not see the owner's records. admin,
    manager and member are of the project and may not replicate; user is a stranger; expired has a token that is too
    old, and switched-off an account that is.
    """
    all_rights = {"may_create": True, "may_replicate": True, "may_terminate": True}
    rights: dict[str, dict[str, bool]] = {
        "staff": {"is_staff": True, **all_rights},
        "owner": all_rights,
        "admin": {"may_create": True},
        "user": {"is_stranger": True},
        "support": {"is_support": True},
        "rival": all_rights,
        "manager": {"may_create": True},
        "member": {},
        "expired": {"is_expired": True, **all_rights},
        "switched-off": {"is_active": False, **all_rights},
    }
    numbered = enumerate(rights.items())
    return [
        User(name, uuids[name], f"John{number} Doe{number}", make_token(name), **given)
        for number, (name, given) in numbered
    ]
