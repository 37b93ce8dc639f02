"""Migration records: noted when they change, and made up where a test wants many."""

import time
import uuid

from novalab.auth import PROJECT_ID


def record_transitions(log, lock):
    """Note every status change at the moment it reaches the database.

    Polling the API misses short states; this does not.
    """
    from nova.db.main import api as db

    def note(**entry):
        with lock:
            log.append(dict(entry, t=time.time()))
            del log[:-20000]

    def wrap(name, describe):
        original = getattr(db, name)

        def wrapper(*args, **kwargs):
            result = original(*args, **kwargs)
            describe(args, kwargs, result)
            return result

        setattr(db, name, wrapper)

    def migration(args, kwargs, result):
        values = kwargs.get("values") or args[-1]
        if "status" in values or "dest_compute" in values:
            note(
                kind="migration",
                id=result["id"],
                server=result["instance_uuid"],
                status=result["status"],
                type=result["migration_type"],
                source=result["source_compute"],
                dest=result["dest_compute"],
            )

    def instance(args, kwargs, result):
        keys = ("vm_state", "task_state", "host", "power_state")
        values = args[2] if len(args) > 2 else kwargs["values"]
        if any(k in values for k in keys):
            note(kind="server", server=args[1], **{k: result[1][k] for k in keys})

    wrap("migration_create", migration)
    wrap("migration_update", migration)
    wrap("instance_update_and_get_original", instance)


def seed_migrations(
    hosts,
    cell,
    count=1,
    instance_uuid=None,
    status="completed",
    migration_type="live-migration",
    source=None,
    dest=None,
    user_id="seed",
    project_id=None,
):
    """Write finished migration records straight into the database."""
    from nova import context, objects

    source = source or hosts[0]
    dest = dest or hosts[-1]
    with context.target_cell(context.get_admin_context(), cell) as ctxt:
        node = objects.ComputeNodeList.get_all_by_host(ctxt, dest)[0]
        first = objects.Migration(
            ctxt,
            status=status,
            migration_type=migration_type,
            instance_uuid=instance_uuid or str(uuid.uuid4()),
            source_compute=source,
            source_node=source,
            dest_compute=dest,
            dest_node=dest,
            dest_compute_id=node.id,
            dest_host="127.0.0.1",
            old_instance_type_id=1,
            new_instance_type_id=1,
            user_id=user_id,
            project_id=project_id or PROJECT_ID,
        )
        first.create()
        last = _repeat(ctxt, first, int(count) - 1, instance_uuid) if int(count) > 1 else first.id
    return {"first_id": first.id, "last_id": last}


def _repeat(ctxt, first, count, instance_uuid):
    """Write a record many times more in one statement: Nova's own way takes a transaction each. Return the last id."""
    import sqlalchemy as sa
    from nova.db.main import api as db
    from nova.db.main import models

    table = models.Migration.__table__

    @db.pick_context_manager_writer
    def write(ctxt):
        row = dict(ctxt.session.execute(sa.select(table).where(table.c.id == first.id)).mappings().one())
        rows = [
            {**row, "id": first.id + n, "uuid": str(uuid.uuid4()), "instance_uuid": instance_uuid or str(uuid.uuid4())}
            for n in range(1, count + 1)
        ]
        ctxt.session.execute(table.insert(), rows)

    write(ctxt)
    return first.id + count
