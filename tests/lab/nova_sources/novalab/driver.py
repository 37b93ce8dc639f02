"""A hypervisor whose migrations follow a script.

``ScriptedDriver`` differs from the drivers in ``nova.virt.fake`` in ways that
matter for tests of a migration client:

* state is kept per server, so several migrations can run at once (Nova's
  FakeLiveMigrateDriver keeps one flag per host);
* "hang" really never ends (FakeLiveMigrateDriver gives up after five seconds
  and then *completes*);
* it fills memory_*/disk_* and the server's ``progress`` the way the libvirt
  driver does, on the same Migration object, at a chosen interval;
* failures can be placed at every step, and a run can be steered from outside.
"""

import threading
import time

from nova import exception
from nova.virt import fake
from oslo_log import log as logging

from novalab import plan as plans

LOG = logging.getLogger(__name__)
METADATA_KEY = "lab.plan"
LOOK_EVERY_S = 0.05


class Run:
    """One live migration in the hypervisor."""

    def __init__(self, host, instance_uuid, dest, plan, migration):
        self.host = host
        self.instance_uuid = instance_uuid
        self.dest = dest
        self.plan = plan
        self.migration_id = migration.id if migration else None
        self.started = time.time()
        self.cond = threading.Condition()
        self.verdict = None  # finish | fail | crash | cancel | lost
        self.forced = False
        self.overrides = {}  # memory_remaining=..., status=..., ...
        self.dirty = False  # write progress now, not at the next tick

    def decide(self, verdict):
        with self.cond:
            if self.verdict is None:
                self.verdict = verdict
            self.cond.notify_all()

    def override(self, **values):
        with self.cond:
            self.overrides.update(values)
            self.dirty = True
            self.cond.notify_all()

    def as_dict(self):
        return {
            "server": self.instance_uuid,
            "source": self.host,
            "dest": self.dest,
            "migration_id": self.migration_id,
            "elapsed": round(time.time() - self.started, 3),
            "verdict": self.verdict,
            "forced": self.forced,
            "plan": vars(self.plan),
        }


class Registry:
    """Shared by every driver instance in the process and by the control API."""

    def __init__(self):
        self.lock = threading.Lock()
        self.host_plans = {}
        self.server_plans = {}
        self.runs = {}  # instance uuid -> Run
        self.drivers = {}  # host -> ScriptedDriver
        self.calls = []  # (time, host, method, instance uuid)

    def plan_for(self, host, instance):
        metadata = {}
        try:
            metadata = plans.parse((instance.metadata or {}).get(METADATA_KEY))
        except Exception as exc:
            LOG.warning("ignoring %s of %s: %s", METADATA_KEY, instance.uuid, exc)
        with self.lock:
            return plans.build(self.host_plans.get(host), metadata, self.server_plans.get(instance.uuid))

    def note(self, host, method, instance):
        with self.lock:
            self.calls.append((time.time(), host, method, instance.uuid))
            del self.calls[:-2000]


REGISTRY = Registry()


class ScriptedDriver(fake.FakeDriver):
    """nova.virt.fake.FakeDriver + a script for every move operation."""

    # Roomy, but finite: "no valid host" can be provoked with a big flavor.
    vcpus = 1000
    memory_mb = 800000
    local_gb = 600000

    def init_host(self, host):
        super().init_host(host)
        REGISTRY.drivers[host] = self

    def _plan(self, instance):
        return REGISTRY.plan_for(self._host, instance)

    def _stay(self, instance, delay):
        """Wait as long as the plan says now: a test that makes it shorter lets the step go on at once."""
        begin = time.monotonic()
        while time.monotonic() - begin < getattr(self._plan(instance), delay):
            time.sleep(LOOK_EVERY_S)

    # ---- live migration, destination side ------------------------------

    def check_can_live_migrate_destination(self, context, instance, *args, **kwargs):
        plan = self._plan(instance)
        REGISTRY.note(self._host, "check_dest", instance)
        self._stay(instance, "precheck_delay")
        if plan.precheck == "dest":
            raise exception.MigrationPreCheckError(reason=f"novalab: destination {self._host} refuses")
        return super().check_can_live_migrate_destination(context, instance, *args, **kwargs)

    def pre_live_migration(self, context, instance, *args, **kwargs):
        plan = self._plan(instance)
        REGISTRY.note(self._host, "pre_live_migration", instance)
        self._stay(instance, "pre_delay")
        if plan.pre == "fail":
            raise exception.NovaException(f"novalab: pre_live_migration fails on {self._host}")
        return super().pre_live_migration(context, instance, *args, **kwargs)

    def post_live_migration_at_destination(self, context, instance, *args, **kwargs):
        plan = self._plan(instance)
        self._stay(instance, "post_delay")
        if plan.post == "fail":
            raise exception.NovaException(f"novalab: post_live_migration fails on {self._host}")
        super().post_live_migration_at_destination(context, instance, *args, **kwargs)

    # ---- live migration, source side ------------------------------------

    def check_can_live_migrate_source(self, context, instance, *args, **kwargs):
        plan = self._plan(instance)
        REGISTRY.note(self._host, "check_source", instance)
        if plan.precheck == "source":
            raise exception.MigrationPreCheckError(reason=f"novalab: source {self._host} refuses")
        return super().check_can_live_migrate_source(context, instance, *args, **kwargs)

    def live_migration(
        self, context, instance, dest, post_method, recover_method, block_migration=False, migrate_data=None
    ):
        REGISTRY.note(self._host, "live_migration", instance)
        plan = self._plan(instance)
        migration = migrate_data.migration
        run = Run(self._host, instance.uuid, dest, plan, migration)
        REGISTRY.runs[instance.uuid] = run
        try:
            verdict = self._watch(run, instance, migration)
            if verdict == "lost":  # nova-compute itself died: no callback
                return
            if verdict == "crash":
                raise exception.NovaException(f"novalab: hypervisor connection lost on {self._host}")
            if verdict == "cancel":
                recover_method(context, instance, dest, migrate_data, migration_status="cancelled")
            elif verdict == "fail":
                recover_method(context, instance, dest, migrate_data)
            else:
                post_method(context, instance, dest, block_migration, migrate_data)
        finally:
            REGISTRY.runs.pop(instance.uuid, None)

    def _watch(self, run, instance, migration):
        plan = run.plan
        next_save = 0.0
        while True:
            now = time.time() - run.started
            if run.verdict is None and plan.live != "hang" and now >= plan.duration:
                run.decide(plan.live)
            if run.verdict is not None and run.verdict != "finish":
                return run.verdict
            shows = plan.duration or plan.live == "hang" or run.overrides
            if shows and (now >= next_save or run.verdict or run.dirty):
                run.dirty = False
                self._save_progress(run, instance, migration, now)
                next_save = now + plan.tick
            if run.verdict is not None:
                return run.verdict
            with run.cond:
                if run.verdict is None and not run.dirty:
                    wait = next_save - now
                    if plan.live != "hang":
                        wait = min(wait, plan.duration - now)
                    run.cond.wait(max(wait, 0.01))

    def _save_progress(self, run, instance, migration, elapsed):
        plan = run.plan
        floor = plan.stall / 100.0 if plan.live == "hang" else 0.0
        span = plan.duration or 2.0
        left = max(1.0 - elapsed / span, floor)
        if run.verdict == "finish":
            left = 0.0
        values = {}
        if plan.memory:
            total = int(plan.memory * plans.MIB)
            values.update(
                memory_total=total,
                memory_remaining=int(total * left),
                # like qemu: dirtied pages are sent again, so this
                # may grow beyond memory_total
                memory_processed=int(total * elapsed / span),
            )
            disk = int(plan.disk * plans.MIB)
            values.update(disk_total=disk, disk_remaining=int(disk * left), disk_processed=disk - int(disk * left))
        values.update(run.overrides)
        status = values.pop("status", None)
        if status:
            migration.status = status
        for key, value in values.items():
            setattr(migration, key, value)
        migration.save()
        if values.get("memory_total"):
            instance.progress = 100 - round(values["memory_remaining"] * 100 / values["memory_total"])
            instance.save()

    def live_migration_force_complete(self, instance):
        REGISTRY.note(self._host, "force_complete", instance)
        run = REGISTRY.runs.get(instance.uuid)
        if run is None:
            raise exception.NoActiveMigrationForInstance(instance_id=instance.uuid)
        plan = run.plan
        if plan.force == "raise":
            raise exception.NovaException("novalab: force-complete refused")
        if plan.force == "ignore":
            return
        run.forced = True
        if plan.force == "postcopy":
            run.override(status="running (post-copy)")
        if plan.force_delay:
            threading.Timer(plan.force_delay, run.decide, ("finish",)).start()
        else:
            run.decide("finish")

    def live_migration_abort(self, instance):
        REGISTRY.note(self._host, "abort", instance)
        run = REGISTRY.runs.get(instance.uuid)
        if run is None:
            raise exception.NoActiveMigrationForInstance(instance_id=instance.uuid)
        plan = run.plan
        if plan.abort == "raise":
            raise exception.NovaException("novalab: abort refused")
        if plan.abort == "ignore":
            return
        if plan.abort_delay:
            threading.Timer(plan.abort_delay, run.decide, ("cancel",)).start()
        else:
            run.decide("cancel")

    def post_live_migration(self, context, instance, block_device_info, migrate_data=None):
        # FakeDriver forgets to drop the guest on the source.
        if instance.uuid in self.instances:
            self.destroy(context, instance, network_info=None, block_device_info=block_device_info)

    # ---- cold migration ---------------------------------------------------

    def migrate_disk_and_power_off(self, context, instance, *args, **kwargs):
        plan = self._plan(instance)
        REGISTRY.note(self._host, "migrate_disk", instance)
        self._stay(instance, "cold_delay")
        if plan.cold == "fail_source":
            raise exception.NovaException(f"novalab: disk copy fails on {self._host}")
        return super().migrate_disk_and_power_off(context, instance, *args, **kwargs)

    def finish_migration(self, context, migration, instance, *args, **kwargs):
        plan = self._plan(instance)
        REGISTRY.note(self._host, "finish_migration", instance)
        self._stay(instance, "finish_delay")
        if plan.cold == "fail_dest":
            raise exception.NovaException(f"novalab: finish_migration fails on {self._host}")
        return super().finish_migration(context, migration, instance, *args, **kwargs)

    def confirm_migration(self, context, migration, instance, network_info):
        plan = self._plan(instance)
        REGISTRY.note(self._host, "confirm_migration", instance)
        self._stay(instance, "confirm_delay")
        if plan.confirm == "fail":
            raise exception.NovaException("novalab: confirm fails")
        return super().confirm_migration(context, migration, instance, network_info)

    def finish_revert_migration(self, context, instance, *args, **kwargs):
        plan = self._plan(instance)
        REGISTRY.note(self._host, "finish_revert_migration", instance)
        self._stay(instance, "revert_delay")
        if plan.revert == "fail":
            raise exception.NovaException("novalab: revert fails")
        return super().finish_revert_migration(context, instance, *args, **kwargs)
