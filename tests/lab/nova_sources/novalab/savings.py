"""Work that Nova repeats at every request and that the lab lets it do once.

Nothing here changes what Nova does or answers. More than half of the processor time of a run of osmig's tests is
Nova's: together this saves about half of it (``README.md``, Cost).
"""

import gc
import sys

SWITCH_S = 0.02
COLLECT_AFTER = (20_000, 20, 20)


def save_before_imports():
    """Do what must be done before Nova's modules take a copy of what is changed."""
    save_in_databases()
    _load_collections_by_key()
    _compile_schemas_once()
    _check_schemas_once()
    _name_fields_once()
    _name_tables_once()


def save_in_databases():
    """Do what concerns oslo.db alone, which Keystone has, too."""
    _keep_connections()
    _keep_running()


def save_after_start():
    """Do what concerns the process as a whole, once all that stays is there."""
    # Fewer fights of two threads over Python's lock: nothing here needs an answer within five milliseconds.
    sys.setswitchinterval(SWITCH_S)
    # What the start made stays until the end: the collector need not go through its million objects.
    gc.collect()
    gc.freeze()
    # Each request makes thousands that go by themselves: none is looked at forty times for one that does not.
    gc.set_threshold(*COLLECT_AFTER)


def _keep_connections():
    """Give SQLite files a pool of connections, as SQLAlchemy itself does and as other databases have.

    oslo.db opens a connection for each transaction, and each new one reads the whole schema. A file needs no ping.
    """
    from oslo_db.sqlalchemy import engines
    from sqlalchemy import pool

    original = engines._init_connection_args

    def with_pool(url, engine_args, kw):
        original(url, engine_args, kw)
        if engine_args.get("poolclass") is pool.NullPool:
            engine_args.update(poolclass=pool.QueuePool, pool_size=50, max_overflow=-1, pool_pre_ping=False)

    engines._init_connection_args = with_pool


def _load_collections_by_key():
    """Let Nova load what belongs to a server by ``IN (...)`` instead of by the query for the server once more.

    The rows are the same. SQLAlchemy builds the second kind anew at each execution; the first kind it caches.
    """
    from sqlalchemy import orm

    orm.subqueryload = orm.selectinload


def _compile_schemas_once():
    """Make the validator of each of the API's schemas once: making one compiles a class, up to three a request."""
    from nova.api.validation import validators

    make = validators._SchemaValidator
    made = {}

    def find(schema, relax_additional_properties=False, is_body=True):
        key = id(schema), bool(relax_additional_properties), is_body
        if key not in made:
            # Kept with its schema, so that no other one can get the same id.
            made[key] = schema, make(schema, relax_additional_properties, is_body)
        return made[key][1]

    validators._SchemaValidator = find


def _check_schemas_once():
    """Let jsonschema check each of Placement's schemas once, instead of at each request that is compared with it."""
    import jsonschema

    newest = jsonschema.validators.validator_for({})
    check = newest.check_schema
    checked = {}

    def check_once(schema, **options):
        if id(schema) not in checked:
            check(schema, **options)
            checked[id(schema)] = schema

    newest.check_schema = check_once


def _name_fields_once():
    """Let an object know the names of its fields, instead of listing them all whenever it is asked for one.

    What is sent to another service is compared field by field with what it was.
    """
    from oslo_versionedobjects import base

    ask = base.VersionedObject.obj_attr_is_set
    names = {}

    def ask_quickly(self, attrname):
        kind = type(self)
        if kind not in names:
            names[kind] = frozenset(self.obj_fields)
        return hasattr(self, f"_obj_{attrname}") if attrname in names[kind] else ask(self, attrname)

    base.VersionedObject.obj_attr_is_set = ask_quickly


def _name_tables_once():
    """Let Placement name its tables for a query once: naming one copies all of its columns."""
    import sqlalchemy

    make = sqlalchemy.alias
    made = {}

    def find(table, name=None, flat=False):
        if name is None or not isinstance(table, sqlalchemy.Table):
            return make(table, name=name, flat=flat)
        key = table, name, flat
        if key not in made:
            made[key] = make(table, name=name, flat=flat)
        return made[key]

    sqlalchemy.alias = find


def _keep_running():
    """Drop oslo.db's pause for green threads after each use of a connection: here are none."""
    from oslo_db.sqlalchemy import engines

    engines._thread_yield = lambda *_: None
