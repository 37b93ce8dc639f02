"""What is in the double before the first request: users, offerings and one tenant worth replicating.

The ids are those of the recorded pairs, so that a recording can be played against it as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

SOURCE = "b8444897d6e64277adb048b2cf09fca5"
"""The resource to replicate."""
SOURCE_WITHOUT_LIMITS = "1f4dee8dfb3445e19cab513b23513ace"
SOURCE_TENANT = "5d4bd0b7a3a54b0f8b0f4f4e0a9f1c01"
FOREIGN_TENANT = "5d4bd0b7a3a54b0f8b0f4f4e0a9f1c02"
"""The tenant of the resource without limits, in the same service."""
SOURCE_OFFERING = "1e61404a791445d69899a0dd72412cdd"
OFFERING = "433d309398ba4d92bf550acea7544378"
"""The destination."""
PLAN = "5ea6b1114485478daad4872d1b790ce7"
FOREIGN_PLAN = "450563012e674069a3b5f8188fd78d1c"
"""A plan of the source's offering."""
SOURCE_SETTINGS = "a0c1d1f5e3d94a7e9a53c5b1f0a0e001"
SETTINGS = "a0c1d1f5e3d94a7e9a53c5b1f0a0e002"
"""The service behind the destination's offering."""
VOLUME_TYPE = "57e26c4f29414e8f9d6da35110ca7b02"
FOREIGN_VOLUME_TYPE = "11bf4e5b234642928ee56579907ff330"
"""Of the source's service, but not available in the source's tenant."""
DESTINATION_VOLUME_TYPE = "c5a010952cbf4272a5ccf57a7027c7a6"
NETWORK = "23d07620bbc346beafe5fb01a515e91b"
"""The source's network with 192.168.1.0/24."""
SECOND_NETWORK = "23d07620bbc346beafe5fb01a515e91c"
"""The source's network with 10.0.0.0/24."""
FOREIGN_NETWORK = "23d07620bbc346beafe5fb01a515e91d"


@dataclass(slots=True)
class User:
    """One account; staff and support see everything, a stranger nothing that is not his own."""

    name: str
    uuid: str
    full_name: str
    token: str
    is_staff: bool = False
    is_support: bool = False
    is_stranger: bool = False
    may_replicate: bool = False
    may_terminate: bool = False
    token_lifetime: int | None = None

    @property
    def sees_all(self) -> bool:
        """Whether the records of other users are visible."""
        return self.is_staff or self.is_support


@dataclass(frozen=True, slots=True)
class Offering:
    """What a tenant can be ordered from; plans are pairs of id and name."""

    uuid: str
    name: str
    settings: str
    plans: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Tenant:
    """A tenant, the source's or one that a replication has made."""

    uuid: str
    name: str
    settings: str
    state: str = "OK"
    error_message: str = ""


@dataclass(slots=True)
class Resource:
    """The marketplace's record of a tenant."""

    uuid: str
    name: str
    offering: str
    plan: str
    tenant: str
    state: str = "OK"
    limits: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VolumeType:
    """A volume type of one service, available in some of its tenants."""

    uuid: str
    name: str
    settings: str
    tenants: tuple[str, ...] = ()


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


def parse_uuid(text: object) -> str | None:
    """Return the server's own form, 32 lower-case digits; None if it is no UUID."""
    try:
        return UUID(text).hex if isinstance(text, str) else None
    except ValueError:
        return None


def make_token(name: str) -> str:
    """Return the first token of a user: 40 hexadecimal digits that spell the name."""
    return name.encode().hex().ljust(40, "0")[:40]


def make_users() -> list[User]:
    """Return staff, owner (may replicate), admin (of the project, may not), support, user (a stranger) and rival.

    rival has the owner's rights and another account: whoever uses his token does not see the owner's records.
    """
    rights = {"may_replicate": True, "may_terminate": True}
    john = [f"John{number} Doe{number}" for number in range(6)]
    return [
        User("staff", "7fbea88f93b641dbb221d5fac4feda63", john[0], make_token("staff"), is_staff=True, **rights),
        User("owner", "737fd39e9ba64e3db2b0f8f531f0c15a", john[1], make_token("owner"), **rights),
        User("admin", "737fd39e9ba64e3db2b0f8f531f0c002", john[2], make_token("admin")),
        User("user", "737fd39e9ba64e3db2b0f8f531f0c003", john[3], make_token("user"), is_stranger=True),
        User("support", "737fd39e9ba64e3db2b0f8f531f0c004", john[4], make_token("support"), is_support=True),
        User("rival", "737fd39e9ba64e3db2b0f8f531f0c005", john[5], make_token("rival"), **rights),
    ]


def make_offerings() -> list[Offering]:
    """Return the source's offering and the destination's."""
    return [
        Offering(SOURCE_OFFERING, "offering-0", SOURCE_SETTINGS, ((FOREIGN_PLAN, "plan-0"),)),
        Offering(OFFERING, "offering-1", SETTINGS, ((PLAN, "plan-1"),)),
    ]


def make_resources() -> list[Resource]:
    """Return the source, and a second one that has no limits."""
    limits = {"cores": 20, "ram": 51200, "storage": 1048576, "gigabytes_fast": 100}
    return [
        Resource(SOURCE, "prod-tenant", SOURCE_OFFERING, FOREIGN_PLAN, SOURCE_TENANT, limits=limits),
        Resource(SOURCE_WITHOUT_LIMITS, "bare-tenant", SOURCE_OFFERING, FOREIGN_PLAN, FOREIGN_TENANT),
    ]


def make_tenants() -> list[Tenant]:
    """Return the tenants behind the resources."""
    return [
        Tenant(SOURCE_TENANT, "prod-tenant", SOURCE_SETTINGS),
        Tenant(FOREIGN_TENANT, "bare-tenant", SOURCE_SETTINGS),
    ]


def make_volume_types() -> list[VolumeType]:
    """Return one type of the source, one that its tenant lacks, and one of the destination."""
    return [
        VolumeType(VOLUME_TYPE, "fast", SOURCE_SETTINGS, (SOURCE_TENANT,)),
        VolumeType(FOREIGN_VOLUME_TYPE, "slow", SOURCE_SETTINGS, (FOREIGN_TENANT,)),
        VolumeType(DESTINATION_VOLUME_TYPE, "ssd", SETTINGS),
    ]


def make_networks() -> list[Network]:
    """Return two networks of the source, each with a subnet, and one of the other tenant."""
    subnets = [
        Subnet(f"9c0e4a4b1f6b4d0db0b3f1d2c3a4e50{number}", f"subnet-{number}", cidr)
        for number, cidr in enumerate(("192.168.1.0/24", "10.0.0.0/24", "172.16.5.0/24"))
    ]
    return [
        Network(NETWORK, "net-0", SOURCE_TENANT, [subnets[0]]),
        Network(SECOND_NETWORK, "net-1", SOURCE_TENANT, [subnets[1]]),
        Network(FOREIGN_NETWORK, "net-2", FOREIGN_TENANT, [subnets[2]]),
    ]
