"""Child process: create empty databases for Nova and Placement.

``python -m novalab.schema DIR`` leaves api.sqlite, main.sqlite and
placement.sqlite in DIR. The launcher runs it once and copies the result.
"""

import os
import sys


def main(directory):
    conf = os.path.join(directory, "nova.conf")
    with open(conf, "w") as out:
        out.write(
            "[DEFAULT]\ntransport_url = fake:///\n"
            f"[database]\nconnection = sqlite:///{directory}/main.sqlite\n"
            f"[api_database]\nconnection = sqlite:///{directory}/api.sqlite\n"
        )
    os.environ["OS_NOVA_DISABLE_EVENTLET_PATCHING"] = "1"
    from nova import monkey_patch

    monkey_patch.patch(backend="threading")
    from nova import config

    config.parse_args(["novalab"], default_config_files=[conf])
    from nova.db import migration

    migration.db_sync(database="api")
    migration.db_sync(database="main")

    from oslo_config import cfg
    from placement import conf as placement_conf
    from placement import db_api
    from placement.db.sqlalchemy import migration as placement_migration

    config = cfg.ConfigOpts()
    placement_conf.register_opts(config)
    config.set_override("connection", f"sqlite:///{directory}/placement.sqlite", group="placement_database")
    config([], project="placement", default_config_files=[])
    db_api.configure(config)
    placement_migration.upgrade("head")


if __name__ == "__main__":
    main(sys.argv[1])
