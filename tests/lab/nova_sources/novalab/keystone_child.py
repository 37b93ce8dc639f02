"""Child process: a real Keystone on SQLite with users, roles and a catalog.

It is a process of its own because Keystone and Nova both use oslo.config's
global configuration object.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import threading

CONF = """\
[DEFAULT]
log_file = {dir}/keystone.log
use_stderr = false
[database]
connection = sqlite:///{dir}/keystone.sqlite
sqlite_synchronous = false
[fernet_tokens]
key_repository = {dir}/fernet
[fernet_receipts]
key_repository = {dir}/fernet
[credential]
key_repository = {dir}/credential
[token]
provider = fernet
expiration = {expiration}
[identity]
password_hash_rounds = 4
[cache]
enabled = true
backend = dogpile.cache.memory
"""
PASSWORD = "secret"
LAB_USERS = {"operator": "admin", "manager": "manager", "member": "member", "reader": "reader"}


def seed(url, compute_url):
    """Create everything; returns what the launcher needs to know."""
    from unittest import mock

    from keystone.cmd import bootstrap
    from keystone.common import provider_api

    from novalab.auth import OTHER_PROJECT_ID, PROJECT_ID

    api = provider_api.ProviderAPIs
    # The application has already loaded the backends.
    with mock.patch("keystone.server.backends.load_backends"):
        boot = bootstrap.Bootstrapper()
    boot.admin_username, boot.admin_password = "admin", PASSWORD
    boot.project_name, boot.admin_role_name = "admin", "admin"
    boot.service_name, boot.region_id = "keystone", "RegionOne"
    boot.public_url = boot.internal_url = boot.admin_url = url
    boot.bootstrap()
    roles = {
        "admin": boot.admin_role_id,
        "manager": boot.manager_role_id,
        "member": boot.member_role_id,
        "reader": boot.reader_role_id,
        "service": boot.service_role_id,
    }
    users = {"admin": "admin"}

    def project(name, project_id):
        api.resource_api.create_project(
            project_id, {"id": project_id, "name": name, "domain_id": "default", "enabled": True, "description": ""}
        )

    def user(name, project_id, role):
        made = api.identity_api.create_user(
            {"name": name, "password": PASSWORD, "domain_id": "default", "enabled": True}
        )
        api.assignment_api.create_grant(roles[role], user_id=made["id"], project_id=project_id)
        return made["id"]

    project("lab", PROJECT_ID)
    project("other", OTHER_PROJECT_ID)
    project("service", "5e47ce5e47ce5e47ce5e47ce5e47ce5e")
    for name, role in LAB_USERS.items():
        user_id = user(name, PROJECT_ID, role)
        users[name] = "lab"
        if name == "operator":
            operator_id = user_id
    user("other", OTHER_PROJECT_ID, "member")
    users["other"] = "other"
    user("nova", "5e47ce5e47ce5e47ce5e47ce5e47ce5e", "service")
    service_id = "c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0"
    api.catalog_api.create_service(service_id, {"id": service_id, "type": "compute", "name": "nova", "enabled": True})
    for interface in ("public", "internal", "admin"):
        endpoint_id = interface.ljust(32, "0")
        api.catalog_api.create_endpoint(
            endpoint_id,
            {
                "id": endpoint_id,
                "interface": interface,
                "enabled": True,
                "region_id": "RegionOne",
                "service_id": service_id,
                "url": compute_url,
            },
        )
    credentials = {}
    for name, role in (("appcred", "admin"),):
        secret = "application-secret"
        made = api.application_credential_api.create_application_credential(
            {
                "id": "a99c4ed0a99c4ed0a99c4ed0a99c4ed0",
                "name": name,
                "secret": secret,
                "user_id": operator_id,
                "project_id": PROJECT_ID,
                "roles": [{"id": roles[role]}],
                "unrestricted": False,
                "description": "",
                "expires_at": None,
            }
        )
        credentials[name] = {"id": made["id"], "secret": secret}
    return {"users": users, "application_credentials": credentials}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dir", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--compute-port", type=int, required=True)
    parser.add_argument("--cache", required=True)
    parser.add_argument("--token-expiration", type=int, default=3600)
    opts = parser.parse_args()
    sys.argv[1:] = []  # keystone.server.configure() reads it too
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *a: stop.set())
    conf = os.path.join(opts.dir, "keystone.conf")
    with open(conf, "w") as out:
        out.write(CONF.format(dir=opts.dir, expiration=opts.token_expiration))
    os.environ["OS_KEYSTONE_CONFIG_FILES"] = conf

    from importlib import metadata

    from novalab import savings

    savings.save_in_databases()
    import keystone.conf
    import keystone.server

    keystone.server.configure(config_files=[conf])
    from keystone.common import fernet_utils
    from keystone.common.sql import upgrades
    from keystone.server.flask import core

    template = os.path.join(opts.cache, "keystone-{}.sqlite".format(metadata.version("keystone")))
    database = os.path.join(opts.dir, "keystone.sqlite")
    if os.path.exists(template):
        shutil.copyfile(template, database)
    else:
        upgrades.offline_sync_database_to_version()
        from keystone.common import sql

        with sql.session_for_write() as session:
            session.get_bind().dispose()
        temporary = f"{template}.{os.getpid()}"
        shutil.copyfile(database, temporary)
        os.rename(temporary, template)
    for group in ("fernet_tokens", "credential"):
        path = getattr(keystone.conf.CONF, group).key_repository
        keys = fernet_utils.FernetUtils(path, 3, group)
        keys.create_key_directory()
        keys.initialize_key_repository()
    from unittest import mock

    with mock.patch("keystone.server.configure"):  # done above, only once
        app = core.initialize_application(name="public")
    url = f"http://127.0.0.1:{opts.port}/v3"
    seeded = seed(url, f"http://127.0.0.1:{opts.compute_port}/v2.1")
    with open(os.path.join(opts.dir, "seed.json"), "w") as out:
        json.dump(seeded, out)
    from novalab import server

    http = server.Server(opts.port, app, threads=4, name="keystone")
    http.start()
    savings.save_after_start()
    parent = os.getppid()
    # End with the launcher, even if it was killed without a chance to clean.
    while not stop.wait(1) and os.getppid() == parent:
        pass
    http.stop()
    os._exit(0)


if __name__ == "__main__":
    main()
