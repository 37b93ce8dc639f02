"""Nova itself: databases, placement, conductor, scheduler, computes, API.

Import this module only after ``OS_NOVA_DISABLE_EVENTLET_PATCHING=1`` is set:
Nova must run on native threads here.
"""

import os
import sys
import threading
import time

from novalab import configuration, idling, savings


class _FakeTest:
    """The few methods of nova.test.TestCase that the fixtures use."""

    def __init__(self, conf):
        self.conf = conf
        self.cleanups = []

    def flags(self, group=None, **values):
        for key, value in values.items():
            self.conf.set_override(key, value, group)

    def useFixture(self, fixture):
        fixture.setUp()
        self.cleanups.append(fixture.cleanUp)
        return fixture

    def stub_out(self, target, replacement):
        import fixtures

        self.useFixture(fixtures.MonkeyPatch(target, replacement))

    def addCleanup(self, function, *args, **kwargs):
        self.cleanups.append(lambda: function(*args, **kwargs))


class Lab:
    """One cloud. ``opts`` is the namespace made by cli.py."""

    def __init__(self, opts, state, keystone=None):
        self.opts = opts
        self.state_dir = state
        self.keystone = keystone  # None or {"url":..., "password":...}
        self.services = {}  # host -> nova.service.Service
        self.servers = []
        self.started_at = None
        self.timings = {}
        self.transitions = []
        self.lock = threading.Lock()
        self.lock_log = threading.Lock()

    # ---- start ------------------------------------------------------------

    def _mark(self, name, since):
        self.timings[name] = round(time.time() - since, 2)
        return time.time()

    def start(self):
        begin = t = time.time()
        configuration.copy_databases(self.opts, self.state_dir)
        t = self._mark("databases", t)
        self._import_nova()
        t = self._mark("imports", t)
        self._start_placement()
        t = self._mark("placement", t)
        self._configure()
        self._map_cells()
        t = self._mark("configure", t)
        self._service("nova-conductor", "novalab-conductor", "conductor")
        self._service("nova-scheduler", "novalab-scheduler", "scheduler")
        for host in self.opts.computes:
            self._start_compute(host)
        t = self._mark("services", t)
        self._discover()
        self._flavors()
        t = self._mark("flavors", t)
        self._start_api()
        t = self._mark("api", t)
        savings.save_after_start()
        self.started_at = time.time()
        self._mark("total", begin)

    def _import_nova(self):
        assert os.environ.get("OS_NOVA_DISABLE_EVENTLET_PATCHING") == "1"
        from nova import monkey_patch

        monkey_patch.patch(backend="threading")
        savings.save_before_imports()
        idling.sleep_when_idle()
        import nova.conf
        import nova.tests.fixtures
        from nova import objects

        from novalab import driver

        # Nova only loads drivers from its own namespace.
        sys.modules["nova.virt.novalab"] = driver
        objects.register_all()
        self.conf = nova.conf.CONF
        self.registry = driver.REGISTRY
        self.registry.host_plans.update(self.opts.computes)
        self.test = _FakeTest(self.conf)

    def _start_placement(self):
        from oslo_config import cfg
        from placement import conf as placement_conf
        from placement import db_api, deploy

        from novalab import server

        config = cfg.ConfigOpts()
        placement_conf.register_opts(config)
        config.set_override("connection", f"sqlite:///{self.state_dir}/placement.sqlite", group="placement_database")
        config([], project="placement", default_config_files=[])
        config.set_override("sqlite_synchronous", False, group="placement_database")
        config.set_override("auth_strategy", "noauth2", group="api")
        db_api.configure(config)
        app = deploy.loadapp(config)
        http = server.Server(0, app, threads=8, name="placement")
        self.placement_port = http.port
        http.start()
        self.servers.append(http)

    def _configure(self):
        from nova import config
        from nova.tests import fixtures as nova_fixtures
        from oslo_log import log as logging

        conf_file = configuration.write_conf(self.opts, self.state_dir, self.keystone, self.placement_port)
        configuration.write_paste(self.state_dir, self.keystone)
        config.parse_args(["novalab"], default_config_files=[conf_file])
        logging.setup(self.conf, "nova")
        # SQLite: one writer at a time per file, instead of "database locked".
        self.test.useFixture(nova_fixtures.DatabaseWriteLock())
        # Several computes in one process must not share a node identity file.
        self.test.useFixture(nova_fixtures.ComputeNodeIdFixture())
        # A stopped compute must not close the executors of all the others.
        import nova.thread_pool_factory

        nova.thread_pool_factory.shutdown_all_executors = lambda: None
        # Read at every claim, a request per server of the host, for drivers that reshape their providers: ours do not.
        from nova.scheduler.client import report

        report.SchedulerReportClient.get_allocations_for_provider_tree = lambda *_: {}
        from nova.conf import neutron as neutron_conf

        neutron_conf.register_dynamic_opts(self.conf)
        if self.opts.confirm_window:
            # Nova looks for what it shall confirm once a minute, beginning within the first one.
            from nova.compute import manager

            self.conf.set_override("periodic_fuzzy_delay", 1)
            manager.ComputeManager._periodic_spacing["_poll_unconfirmed_resizes"] = 1
        from novalab import records

        records.record_transitions(self.transitions, self.lock_log)
        self.neutron = self.test.useFixture(nova_fixtures.NeutronFixture(self.test))
        self.glance = self.test.useFixture(nova_fixtures.GlanceFixture(self.test))
        self.cinder = self.test.useFixture(nova_fixtures.CinderFixture(self.test))

    def _map_cells(self):
        from nova import context, objects

        ctxt = context.get_admin_context()
        for name, uuid, transport in (
            ("cell0", objects.CellMapping.CELL0_UUID, "none:///"),
            ("cell1", "11111111-1111-4111-8111-111111111111", "fake:///"),
        ):
            objects.CellMapping(
                ctxt,
                uuid=uuid,
                name=name,
                transport_url=transport,
                database_connection=f"sqlite:///{self.state_dir}/{name}.sqlite",
            ).create()
        self.cell1 = objects.CellMapping.get_by_uuid(ctxt, "11111111-1111-4111-8111-111111111111")

    def _service(self, binary, host, topic, topic_alt=None):
        from nova import service

        svc = service.Service.create(host=host, binary=binary, topic=topic, topic_alt=topic_alt)
        svc.start()
        self.services[host] = svc
        return svc

    def _start_compute(self, host, driver=None):
        from unittest import mock

        from nova.compute import rpcapi

        with self.lock:
            self.conf.set_override("host", host)
            self.conf.set_override("compute_driver", self.opts.drivers.get(host) or "novalab.ScriptedDriver")
            try:
                if driver is not None:
                    with mock.patch("nova.virt.driver.load_compute_driver", return_value=driver):
                        return self._service("nova-compute", host, "compute", rpcapi.RPC_TOPIC_ALT)
                return self._service("nova-compute", host, "compute", rpcapi.RPC_TOPIC_ALT)
            finally:
                self.conf.clear_override("host")

    def _discover(self):
        from nova import context
        from nova.objects import host_mapping

        host_mapping.discover_hosts(context.get_admin_context())

    def _flavors(self):
        from nova import context, objects

        ctxt = context.get_admin_context()
        for flavorid, name, ram, cpus, disk in (
            ("1", "m1.tiny", 512, 1, 1),
            ("2", "m1.small", 2048, 1, 20),
            ("3", "m1.medium", 4096, 2, 40),
            ("99", "m1.impossible", 10**7, 1, 1),
        ):
            objects.Flavor(
                context=ctxt,
                flavorid=flavorid,
                name=name,
                memory_mb=ram,
                vcpus=cpus,
                root_gb=disk,
                ephemeral_gb=0,
                swap=0,
                rxtx_factor=1.0,
                disabled=False,
                is_public=True,
            ).create()

    def _start_api(self):
        from nova.api.openstack import wsgi_app
        from paste import deploy

        from novalab import front, server

        wsgi_app._setup_service(self.conf.host, "osapi_compute")
        app = deploy.loadapp(f"config:{self.state_dir}/api-paste.ini", name="osapi_compute")
        self.front = front.Front(app, self)
        http = server.Server(self.opts.port, self.front, threads=self.opts.threads, name="nova-api")
        self.api_port = http.port
        http.start()
        self.servers.append(http)

    # ---- control ------------------------------------------------------------

    def state(self):
        return {
            "timings": self.timings,
            "computes": {
                host: {
                    "guests": sorted(getattr(drv, "instances", {})),
                    "plan": self.registry.host_plans.get(host),
                    "running": host in self.services,
                }
                for host, drv in self.registry.drivers.items()
            },
            "runs": [r.as_dict() for r in list(self.registry.runs.values())],
            "threads": threading.active_count(),
        }

    def service(self, host, verb):
        """stop | start | restart: what a crash of the service does.

        Live migrations that a compute was running are lost without a trace,
        as with a killed process.
        """
        binaries = {"novalab-conductor": "conductor", "novalab-scheduler": "scheduler"}
        topic = binaries.get(host)
        drv = None if topic else self.registry.drivers[host]
        if verb in ("stop", "restart"):
            for run in list(self.registry.runs.values()):
                if run.host == host:
                    run.decide("lost")
            svc = self.services.pop(host, None)
            if svc is not None:
                svc.stop()
        if verb in ("start", "restart"):
            if host not in self.services:
                if topic:
                    self._service("nova-" + topic, host, topic)
                else:
                    self._start_compute(host, driver=drv)
        elif verb != "stop":
            raise ValueError("verb must be stop, start or restart")
        return {host: "running" if host in self.services else "stopped"}

    def seed_migrations(self, **values):
        """Write finished migration records; see ``records.seed_migrations``."""
        from novalab import records

        return records.seed_migrations(list(self.registry.drivers), self.cell1, **values)

    # ---- stop -----------------------------------------------------------------

    def stop(self):
        for run in list(self.registry.runs.values()):
            run.decide("cancel")
        for http in reversed(self.servers):
            http.stop()
