"""The files Nova starts from: nova.conf, api-paste.ini and empty databases."""

import os
import shutil
import sqlite3
import sys

from novalab import databases

NOVA_CONF = """\
[DEFAULT]
host = novalab-api
my_ip = 127.0.0.1
state_path = {state}
log_file = {state}/nova.log
use_stderr = false
debug = {debug}
transport_url = fake:///
compute_driver = fake.FakeDriver
report_interval = {report_interval}
service_down_time = {service_down_time}
periodic_enable = {periodic}
rpc_response_timeout = {rpc_timeout}
long_rpc_timeout = {rpc_timeout}
executor_thread_pool_size = 32
max_concurrent_live_migrations = {max_concurrent}
resize_confirm_window = {confirm_window}
reclaim_instance_interval = {reclaim_interval}
manager_shutdown_timeout = 0
graceful_shutdown_timeout = 1
reserved_host_memory_mb = 0
vif_plugging_timeout = 0
osapi_compute_unique_server_name_scope =
[api]
max_limit = {max_limit}
response_validation = {response_validation}
[database]
connection = sqlite:///{state}/cell1.sqlite
sqlite_synchronous = false
max_pool_size = 50
[api_database]
connection = sqlite:///{state}/api.sqlite
sqlite_synchronous = false
max_pool_size = 50
[placement]
auth_type = admin_token
token = admin
endpoint = http://127.0.0.1:{placement_port}
endpoint_override = http://127.0.0.1:{placement_port}
region_name = RegionOne
[oslo_concurrency]
lock_path = {state}/locks
[vnc]
enabled = false
[wsgi]
api_paste_config = {state}/api-paste.ini
[filter_scheduler]
build_failure_weight_multiplier = 0
shuffle_best_same_weighed_hosts = {shuffle}
[quota]
instances = -1
cores = -1
ram = -1
[notifications]
notification_format = versioned
[oslo_messaging_notifications]
driver = noop
[key_manager]
backend = nova.keymgr.conf_key_mgr.ConfKeyManager
fixed_key = 0000000000000000000000000000000000000000000000000000000000000000
"""

KEYSTONE_CONF = """\
[keystone_authtoken]
www_authenticate_uri = {url}
auth_url = {url}
auth_type = password
username = nova
password = {password}
project_name = service
user_domain_id = default
project_domain_id = default
service_token_roles_required = true
[service_user]
send_service_user_token = false
"""


def copy_databases(opts, state_dir):
    """Copy the empty databases, made once per version, into the state."""
    cache = databases.make(opts.cache)
    for source, target in (
        ("api.sqlite", "api.sqlite"),
        ("main.sqlite", "cell0.sqlite"),
        ("main.sqlite", "cell1.sqlite"),
        ("placement.sqlite", "placement.sqlite"),
    ):
        path = os.path.join(state_dir, target)
        shutil.copyfile(os.path.join(cache, source), path)
        with sqlite3.connect(path) as conn:
            conn.execute("PRAGMA journal_mode=WAL")
        conn.close()


def write_paste(state_dir, keystone):
    """Write Nova's own api-paste.ini; with name tokens our filter stands in it instead of authtoken."""
    source = os.path.join(sys.prefix, "etc", "nova", "api-paste.ini")
    with open(source) as lines:
        text = lines.read()
    if not keystone:
        text = text.replace("keystonemiddleware.auth_token:filter_factory", "novalab.auth:filter_factory")
        assert "novalab.auth" in text
    with open(os.path.join(state_dir, "api-paste.ini"), "w") as out:
        out.write(text)


def write_conf(opts, state_dir, keystone, placement_port):
    """Write nova.conf; return its path."""
    text = NOVA_CONF.format(
        state=state_dir,
        debug=opts.debug,
        report_interval=opts.report_interval,
        service_down_time=opts.service_down_time,
        periodic=not opts.no_periodic,
        rpc_timeout=opts.rpc_timeout,
        max_concurrent=opts.max_concurrent,
        confirm_window=opts.confirm_window,
        reclaim_interval=opts.reclaim_interval,
        max_limit=opts.max_limit,
        response_validation=opts.response_validation,
        placement_port=placement_port,
        shuffle="false",
    )
    if keystone:
        text += KEYSTONE_CONF.format(url=keystone["url"], password=keystone["password"])
    target = os.path.join(state_dir, "nova.conf")
    with open(target, "w") as out:
        out.write(text)
    return target
