"""A short proof that the cloud works: python smoke.py [--auth keystone]

Runs in about ten seconds, ends with "smoke: ok" and exit status 0.
"""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from novalab import testing
from novalab.client import Control

IMAGE = "155d900f-4e14-4e4c-a73d-069cbf4541e6"


def wait(what, timeout=30):
    end = time.time() + timeout
    while not what():
        if time.time() > end:
            raise AssertionError("timed out")
        time.sleep(0.05)


def main(lab):
    os.environ["OS_CLIENT_CONFIG_FILE"] = lab["clouds"]
    import openstack
    from openstack import exceptions

    conn = openstack.connect(cloud="operator")
    control = Control(lab["control"])
    server = next(iter(lab["servers"].values()))

    def newest():
        return next(iter(conn.compute.migrations(server_id=server)))

    def ended(status):
        wait(lambda: newest().status == status and conn.compute.get_server(server).task_state is None)
        print(f"smoke: {newest().migration_type} {status}")

    def running():
        wait(lambda: newest().status == "running")
        return newest().id

    conn.compute.live_migrate_server(server)
    ended("completed")
    control.plan(server, "hang")
    conn.compute.live_migrate_server(server)
    number = running()
    wait(lambda: conn.compute.get_server_migration(number, server).memory_remaining_bytes)
    conn.compute.force_complete_server_migration(number, server)
    ended("completed")
    conn.compute.live_migrate_server(server)
    conn.compute.abort_server_migration(running(), server, ignore_missing=False)
    ended("cancelled")
    control.plan(server, "fail,duration=0.3")
    conn.compute.live_migrate_server(server)
    ended("failed")
    for verb, status in (("confirm", "confirmed"), ("revert", "reverted")):
        control.clear_plan(server)
        conn.compute.migrate_server(server)
        wait(lambda: conn.compute.get_server(server).status == "VERIFY_RESIZE")
        getattr(conn.compute, verb + "_server_resize")(server)
        ended(status)
    try:
        openstack.connect(cloud="member").compute.live_migrate_server(server)
        raise AssertionError("a member must not migrate")
    except exceptions.ForbiddenException:
        print("smoke: member forbidden")


if __name__ == "__main__":
    with testing.running("--servers", "1", *sys.argv[1:]) as running:
        print("smoke: up after {seconds} s, {rss_mb} MB".format(**running))
        main(running)
    print("smoke: ok")
