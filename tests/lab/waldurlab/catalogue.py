"""What is in the double before the first request: users, offerings and one tenant worth replicating.

The ids are those of the recorded pairs, so that a recording can be played against it as it is.
"""

from __future__ import annotations

from lab.waldurlab.objects import (
    Network,
    Offering,
    Plan,
    Resource,
    Subnet,
    Tenant,
    User,
    VolumeType,
    World,
    make_accounts,
)

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


def make_world() -> World:
    """Return all of it."""
    return World(
        SOURCE,
        OFFERING,
        PLAN,
        make_users(),
        make_offerings(),
        make_resources(),
        make_tenants(),
        make_volume_types(),
        make_networks(),
    )


def make_users() -> list[User]:
    """Return the accounts; ``make_accounts`` tells what each may do."""
    names = ("admin", "user", "support", "rival", "manager", "member", "expired", "switched-off")
    others = {name: f"737fd39e9ba64e3db2b0f8f531f0c{number:03}" for number, name in enumerate(names, 2)}
    recorded = {"staff": "7fbea88f93b641dbb221d5fac4feda63", "owner": "737fd39e9ba64e3db2b0f8f531f0c15a"}
    return make_accounts(recorded | others)


def make_offerings() -> list[Offering]:
    """Return the source's offering and the destination's."""
    return [
        Offering(SOURCE_OFFERING, "offering-0", SOURCE_SETTINGS, (Plan(FOREIGN_PLAN, "plan-0"),)),
        Offering(OFFERING, "offering-1", SETTINGS, (Plan(PLAN, "plan-1"),)),
    ]


def make_resources() -> list[Resource]:
    """Return the source, and a second one that has no limits.

    The source's storage is limited by type alone: with both kinds of limits, mapping a type would be refused.
    """
    limits = {"cores": 20, "ram": 51200, "gigabytes_fast": 100}
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
