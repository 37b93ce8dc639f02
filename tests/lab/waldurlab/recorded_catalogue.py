"""The world in which ``recorded/waldur_reads.json`` was recorded: sources, offerings and networks of every odd kind.

Each constant has the name that ``recorded/waldur_reads_ids.json`` has for its id, in capitals. What is not named there,
such as the ids of most of 130 networks, is made up.
"""

from __future__ import annotations

from lab.waldurlab.objects import (
    SERVERS,
    Network,
    Offering,
    Plan,
    Resource,
    Subnet,
    Tenant,
    VolumeType,
    World,
    make_accounts,
)

SRC_RESOURCE = "84bbbac5add243c6854ccaffcbbefcda"
"""The ordinary source: limits of two volume types, two networks."""
SRC_RESOURCE_NOLIMITS = "4bdaba4d25c94a48862d27319b444f4d"
SRC_BOTH = "3dff2874e40347e88da3b70e8a43fb7b"
"""A source with a storage limit and a limit of a volume type."""
SRC_STORAGE = "518f1c2b07a1455b86c113af3a93dae6"
SRC_ODD = "484732f72f1b4d8d85bbd3c24479e84c"
"""A source with one CIDR in two networks, a /23, a /28 and a public network."""
SRC_VM = "c07fdee8c6af4d398f3a2096a44f217f"
SRC_ERRED = "ba573e69643f4ebd873c981ee04dfa9e"
SRC_FOREIGN = "44b455c9e8f9485b8c8094c849dd8921"
"""A source of another customer."""
SRC_BIG = "80a6f7091e26421a8def9871c73e6a76"
"""A source with 130 networks."""
SRC_WITHOUT_SCOPE = "1a9a2bdb26ae418c8a8aa86f78d26ed1"
"""A source whose tenant is gone."""
SRC_TERMINATED = "dad5fdaa9eb84d7c87267074f356dfe7"
SRC_RUNS0 = "0bafb390e4304eaa86d06131fb3620c2"
"""A source without networks, that nothing has replicated yet."""
SRC_RUNS10 = "e87b2bb07999442481ef638a178368b9"
SRC_RUNS11 = "ae042f4c0e9040558ce9fe13fe515ed6"
SRC_RUNS100 = "501f2cee36ed434b82b2d1d4c9f772bc"
SRC_RUNS101 = "14892994ea9149de8d4a76d199d0515c"
SRC_RUNS246 = "3044586c1c0248498745f771dbf5b6e0"
SRC_MIXED = "b0e2f8007a2d42d68cc969e46bcbeeec"

SRC_OFFERING = "9f1236bc3df0421c8a07a5ad10946c3b"
SRC_PLAN = "a23d5f8458be47e58e574c6e93b27ed0"
DST_OFFERING = "09101abd1d2445318cc5635d3d8ee992"
DST_PLAN = "e3ea5cfb55fd4266880d94f006fa72b2"
PLAN_ARCHIVED = "873a57f09ca44eef8a1c2e9853c7328e"
PLAN_FULL = "30af338ba0d1402780d8b6ed7898cfdf"
PAUSED_OFFERING = "e3af3e5989024450886b3aa5f7e6a130"
PAUSED_PLAN = "ede1876191e448ca8ef9b2a9b7709ecb"
DRAFT_OFFERING = "ad5835df823e4cf088f8efd63f4f96c2"
DRAFT_PLAN = "39b82f6c645648488b3d6d85cefab6da"
PRIVATE_OFFERING = "d004a15a2e1e41c080e3687cf8f26267"
PRIVATE_PLAN = "8984d03f52fc4da98d887fba302bb3dc"
VM_OFFERING = "32cef57364564780869ead5cb32a7d08"
VM_PLAN = "f483da0ce7904ef08cea794913776bb6"
OFFERING_WITHOUT_PLANS = "356e2ea5222a4ca28f69af5c2e8d1341"
OFFERING_130_PLANS = "a888a4f2e4b4407a8a8bef7093e306ec"
OFFERING_11_PLANS = "d65a0562a0e14a148451a88d69e2c653"

SETTINGS_SRC = "c81b84ca45cc4280851917131d0c6ec8"
SETTINGS_DST = "41ce0e79e70f4af28dac057ff975e4de"
VT_SRC = "0c73f994351b4a988cb63250b6a3d66f"
VT_SRC2 = "58bee572a5f746dc8ab80b896797edb8"
VT_SRC_UNATTACHED = "b2c98bab084541f78ebfd612c8883132"
"""A type of the source's service that no tenant has."""
VT_SRC_DISABLED = "29058dbd91a448078c297ff564547fcf"
VT_DST = "e944d688013d42a7815a9a0204560118"
VT_DST2 = "821ae6ad3763406c854580c8387fe36c"
VT_DST_DISABLED = "36c91de83a9e4f498ddafd65d457177e"

SRC_TENANT = "5aa302031eeb46e684031ba577f8a8fc"
TENANT_12_TYPES = "af3bebadadac45a58e3c8991db68bc58"
TENANT_NO_NETWORKS = "3f9d1b43406b4f708009ee7636fbef5a"
TENANT_TROUBLED = "c58edc78f9714d008085428f76f50c75"
TENANT_BIG = "d007a521d5ae4bab8f37ec0570951e06"
TENANT_FOREIGN = "64a4271acb3f47f1882ab7c4a29956e4"
TENANT_ODD = "f6e23d2904664ec3845530d7df805410"
TENANT_NOLIMITS = "8151451cd0c3414984d2eb4d42b34da0"
TENANT_BOTH = "7a28e790f7014e1e8b9c0a0cb9713f9d"
TENANT_STORAGE = "86f34aecd2824d858ea2508fb6ee0835"
TENANT_ERRED = "ab796a9d016d41bd8784b8c0f0ed37c8"

NET_A = "728ecc03422844168c04eba2b9429d6c"
"""Of the ordinary source, with 192.168.1.0/24."""
NET_B = "3cf95e01788c48618a35c0fa77d48c3e"
"""Of the ordinary source, with 10.0.0.0/24."""
NET_FOREIGN = "24fcb88f8bf740e6807c1a8c1cade960"
"""Of another tenant of the same customer."""
NET_OTHER_CUSTOMER = "aed4190a0c424a0383ef5c0edf6b7c09"
NET_DUP1 = "a06bef5bd36543238d8863eaf671f7da"
NET_T1 = "44f5f0e229ec47d68f2026e9c672f93a"
NET_T2 = "c9440bdc84fd40df8616cc5976203067"

_NAMED = {
    "big_nets": {
        0: "bba30475443d41ac8f99e4340122e7ee",
        71: "6df85b81b72f4ae789ce914bff8fb7c4",
        72: "17ea213f998e49028b59c4e466d71a99",
        90: "733fd3dac9524fa588d358ae79f76e19",
        99: "4c33ab4c088848d58656ad92a1a0ef42",
        106: "158a4d77f8d24fce85536fe8de396361",
    },
    "many_plans": {0: "f409a6d194fc492e8d37dd8d64f2a4b6", 129: "e41d0848a08b42b88f44205103f0cd0a"},
    "eleven_plans": {0: "5adba9885d224ecf8c712c78caccb099", 10: "1cd584c4a8c145b5867e3a797206e42b"},
    "twelve_types": {
        0: "147cfe9adbd54c368def56f7bd8fcd09",
        9: "7c375a7977874fd383e7dd975592d7cf",
        10: "8fdc4e9e293542768c3b4c42d6c35268",
        11: "1fd67907f96e48ba82e5563319da0168",
    },
}


def _many(name: str, count: int) -> tuple[str, ...]:
    named = _NAMED[name]
    prefix = name.encode().hex()[:24].ljust(24, "0")
    return tuple(named.get(number, f"{prefix}{number:08x}") for number in range(count))


BIG_NETS = _many("big_nets", 130)
"""Their names sort as texts do: big0, big1, big10, so that the last one of a list is big99."""
MANY_PLANS = _many("many_plans", 130)
ELEVEN_PLANS = _many("eleven_plans", 11)
TWELVE_TYPES = _many("twelve_types", 12)

USERS = {
    "staff": "69199f6a8e05473d8eb26cc8b0dbe113",
    "owner": "03cc09c72f124b308315a3f6db851bd7",
    "rival": "d2a413faa7604640891ca7ce73f067c6",
    "admin": "c93c16cb96c64946836fb5cabe3bb53d",
    "manager": "83df9843e0af47698d7a41a5ba1df1db",
    "user": "93d1ada5fc204135829a38a3d05f29f9",
    "support": "0d9ec92c2ea94e1583f4e796ccbbbc38",
    "member": "8eb8e81c4301487e8bab166d1af7da86",
    "expired": "8eb8e81c4301487e8bab166d1af7da87",
    "switched-off": "8eb8e81c4301487e8bab166d1af7da88",
}
SERVER = "268a0dc7dc5b493e827251e2d98b6ccc"
"""The server that ``SRC_VM`` stands for."""
OTHER_CUSTOMER = "another"
_SOURCES_WITH_RUNS = (SRC_RUNS10, SRC_RUNS11, SRC_RUNS100, SRC_RUNS101, SRC_RUNS246, SRC_MIXED)
_SMALL = {"ram": 8192, "cores": 4}
_ORDINARY = {"ram": 16384, "cores": 8, "gigabytes_hdd": 50, "gigabytes_ssd": 100}


def make_recorded_world() -> World:
    """Return all of it; the runs of the recording are no part of it."""
    return World(
        SRC_RESOURCE,
        DST_OFFERING,
        DST_PLAN,
        make_accounts(USERS),
        _make_offerings(),
        _make_resources(),
        _make_tenants(),
        _make_volume_types(),
        _make_networks(),
    )


def _make_offerings() -> list[Offering]:
    plans = Plan(DST_PLAN, "plan-dst"), Plan(PLAN_ARCHIVED, "plan-archived", archived=True)
    full = Plan(PLAN_FULL, "plan-full", most=1)
    many = tuple(Plan(uuid, f"plan-{number:03}") for number, uuid in enumerate(MANY_PLANS))
    eleven = tuple(Plan(uuid, f"plan-{number:02}") for number, uuid in enumerate(ELEVEN_PLANS))
    paused, draft, private = (_make_settings(number) for number in range(3))
    return [
        Offering(SRC_OFFERING, "offering-src", SETTINGS_SRC, (Plan(SRC_PLAN, "plan-src"),)),
        Offering(DST_OFFERING, "offering-dst", SETTINGS_DST, (*plans, full)),
        Offering(PAUSED_OFFERING, "offering-paused", paused, (Plan(PAUSED_PLAN, "plan-paused"),), state="Paused"),
        Offering(DRAFT_OFFERING, "offering-draft", draft, (Plan(DRAFT_PLAN, "plan-5"),), state="Draft"),
        Offering(PRIVATE_OFFERING, "offering-private", private, (Plan(PRIVATE_PLAN, "plan-6"),), is_shared=False),
        Offering(VM_OFFERING, "offering-vm", "", (Plan(VM_PLAN, "plan-7"),), kind=SERVERS),
        Offering(OFFERING_WITHOUT_PLANS, "offering-without-plans", SETTINGS_DST),
        Offering(OFFERING_130_PLANS, "offering-130-plans", SETTINGS_DST, many),
        Offering(OFFERING_11_PLANS, "offering-11-plans", SETTINGS_DST, eleven),
    ]


def _make_settings(number: int) -> str:
    return f"5e771465{number:024x}"


def _make_resource(uuid: str, name: str, tenant: str, limits: dict[str, int], **fields: str) -> Resource:
    return Resource(uuid, name, SRC_OFFERING, SRC_PLAN, tenant, limits=dict(limits), **fields)


def _make_resources() -> list[Resource]:
    both = {"ram": 8192, "cores": 4, "storage": 204800, "gigabytes_ssd": 100}
    storage = {"ram": 8192, "cores": 4, "storage": 204800}
    with_runs = [_make_resource(uuid, f"runs-{uuid[:4]}", _tenant_of(uuid), _SMALL) for uuid in _SOURCES_WITH_RUNS]
    return [
        _make_resource(SRC_RESOURCE, "prod-tenant", SRC_TENANT, _ORDINARY),
        _make_resource(SRC_RESOURCE_NOLIMITS, "no-limits", TENANT_NOLIMITS, {}),
        _make_resource(SRC_BOTH, "both-limits", TENANT_BOTH, both),
        _make_resource(SRC_STORAGE, "storage-only", TENANT_STORAGE, storage),
        _make_resource(SRC_ODD, "odd", TENANT_ODD, _SMALL),
        Resource(SRC_VM, "instance0", VM_OFFERING, VM_PLAN, SERVER, limits={"x": 1}),
        _make_resource(SRC_ERRED, "erred-src", TENANT_ERRED, _SMALL, state="Erred"),
        _make_resource(SRC_FOREIGN, "foreign", TENANT_FOREIGN, _ORDINARY, customer=OTHER_CUSTOMER),
        _make_resource(SRC_BIG, "big", TENANT_BIG, _SMALL),
        _make_resource(SRC_WITHOUT_SCOPE, "without-scope", "", {"cores": 1}),
        _make_resource(SRC_TERMINATED, "terminated-before", "", {"cores": 1}, state="Terminated"),
        _make_resource(SRC_RUNS0, "runs0", TENANT_NO_NETWORKS, _SMALL),
        Resource("f0110000000000000000000000000001", "first-of-full", DST_OFFERING, PLAN_FULL, TENANT_TROUBLED),
        *with_runs,
    ]


def _tenant_of(source: str) -> str:
    return f"7e4a{source[4:]}"


def _make_tenants() -> list[Tenant]:
    names = {
        SRC_TENANT: "prod-tenant",
        TENANT_12_TYPES: "twelve-types",
        TENANT_NO_NETWORKS: "runs0",
        TENANT_BIG: "big",
        TENANT_ODD: "odd",
        TENANT_NOLIMITS: "no-limits",
        TENANT_BOTH: "both-limits",
        TENANT_STORAGE: "storage-only",
        TENANT_ERRED: "erred-src",
    }
    words = "Quota exceeded for resources: ['network']"
    return [
        *(Tenant(uuid, name, SETTINGS_SRC) for uuid, name in names.items()),
        *(Tenant(_tenant_of(uuid), f"runs-{uuid[:4]}", SETTINGS_SRC) for uuid in _SOURCES_WITH_RUNS),
        Tenant(TENANT_FOREIGN, "foreign", SETTINGS_SRC, customer=OTHER_CUSTOMER),
        Tenant(TENANT_TROUBLED, "troubled", SETTINGS_DST, state="ERRED", error_message=words),
    ]


def _make_volume_types() -> list[VolumeType]:
    of_tenants = (SRC_TENANT, TENANT_BOTH, TENANT_STORAGE)
    twelve = enumerate(TWELVE_TYPES)
    return [
        VolumeType(VT_SRC, "ssd", SETTINGS_SRC, of_tenants),
        VolumeType(VT_SRC2, "hdd", SETTINGS_SRC, of_tenants),
        VolumeType(VT_SRC_UNATTACHED, "gold", SETTINGS_SRC),
        VolumeType(VT_SRC_DISABLED, "old", SETTINGS_SRC, of_tenants, is_disabled=True),
        VolumeType(VT_DST, "fast", SETTINGS_DST),
        VolumeType(VT_DST2, "slow", SETTINGS_DST),
        VolumeType(VT_DST_DISABLED, "retired", SETTINGS_DST, is_disabled=True),
        *(VolumeType(uuid, f"type-{number:02}", SETTINGS_SRC, (TENANT_12_TYPES,)) for number, uuid in twelve),
    ]


def _make_network(uuid: str, name: str, tenant: str, *cidrs: str, state: str = "OK") -> Network:
    subnets = [Subnet(f"5{number:x}{uuid[2:]}", f"{name}-sub{number}", cidr) for number, cidr in enumerate(cidrs)]
    return Network(uuid, name, tenant, subnets, state)


def _make_networks() -> list[Network]:
    odd = {"dup2": "192.168.8.0/24", "narrow": "192.168.24.0/28", "public": "203.0.113.0/24", "wide": "192.168.20.0/23"}
    big = enumerate(BIG_NETS)
    return [
        _make_network(NET_A, "net-a", SRC_TENANT, "192.168.1.0/24"),
        _make_network(NET_B, "net-b", SRC_TENANT, "10.0.0.0/24"),
        _make_network(NET_FOREIGN, "net-f", TENANT_NOLIMITS, "172.16.5.0/24"),
        _make_network(NET_OTHER_CUSTOMER, "net-x", TENANT_FOREIGN),
        _make_network(NET_DUP1, "dup1", TENANT_ODD, "192.168.8.0/24"),
        *(_make_network(f"0dd{n:029x}", name, TENANT_ODD, cidr) for n, (name, cidr) in enumerate(odd.items())),
        _make_network(NET_T1, "net-t1", TENANT_TROUBLED, "192.168.40.0/24", state="ERRED"),
        _make_network(NET_T2, "net-t2", TENANT_TROUBLED, "192.168.41.0/24", state="CREATION_SCHEDULED"),
        *(_make_network(uuid, f"big{n}", TENANT_BIG, f"10.50.{n}.0/24") for n, uuid in big),
    ]
