"""Command line: start the cloud, write clouds.yaml, wait for a signal."""

import argparse
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.error
import urllib.request

from novalab import plan as plans


def parse_args(argv):
    p = argparse.ArgumentParser(prog="novalab", description=__doc__)
    a = p.add_argument
    a("--port", type=int, default=8774, help="compute API port (0: any)")
    a("--auth", choices=("token", "keystone"), default="token")
    a("--keystone-port", type=int, default=0)
    a("--token-expiration", type=int, default=3600, help="seconds, Keystone only")
    a(
        "--compute",
        action="append",
        default=[],
        metavar="HOST[=PLAN]",
        help="one per compute host; default: cmp1, cmp2, cmp3",
    )
    a(
        "--driver",
        action="append",
        default=[],
        metavar="HOST=CLASS",
        help="another driver from nova.virt for that host, for example cmp3=fake.FakeLiveMigrateDriver",
    )
    a("--servers", type=int, default=0, help="boot N servers (vm-1 ... vm-N)")
    a("--state", help="directory for databases and logs (default: temporary)")
    a("--cache", default=os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "novalab"))
    a("--ready-file", help="write this JSON file once everything answers")
    a("--threads", type=int, default=16, help="API worker threads")
    a("--max-concurrent", type=int, default=1, help="live migrations at once per source host; the rest are queued")
    a("--confirm-window", type=int, default=0, help="seconds until Nova confirms a cold migration by itself; 0: never")
    a("--reclaim-interval", type=int, default=0, help="seconds that a deleted server stays SOFT_DELETED; 0: none does")
    a("--max-limit", type=int, default=1000)
    a("--rpc-timeout", type=int, default=60)
    a("--report-interval", type=int, default=5)
    a("--service-down-time", type=int, default=20)
    a("--no-periodic", action="store_true")
    a("--response-validation", default="ignore", choices=("error", "warn", "ignore"))
    a("--debug", action="store_true")
    opts = p.parse_args(argv)
    computes = {}
    for item in opts.compute or ["cmp1", "cmp2", "cmp3"]:
        host, _, text = item.partition("=")
        try:
            computes[host] = plans.parse(text)
        except ValueError as exc:
            p.error(f"--compute {item}: {exc}")
    opts.computes = computes
    opts.drivers = dict(item.split("=", 1) for item in opts.driver)
    return opts


def wait_http(url, timeout, proc=None):
    deadline = time.time() + timeout
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            if proc is not None and proc.poll() is not None:
                raise RuntimeError(f"Keystone ended: {proc.args}") from None
            if time.time() > deadline:
                raise
            time.sleep(0.05)


def clouds(opts, lab, keystone):
    region = {"region_name": "RegionOne"}
    out = {}
    if keystone is None:
        endpoint = f"http://127.0.0.1:{lab.api_port}/v2.1"
        for token in ("operator", "manager", "member", "reader", "other"):
            out[token] = dict(region, auth_type="admin_token", auth={"endpoint": endpoint, "token": token})
        return {"clouds": out}
    for user, project in keystone["users"].items():
        out[user] = dict(
            region,
            auth={
                "auth_url": keystone["url"],
                "username": user,
                "password": keystone["password"],
                "project_name": project,
                "user_domain_id": "default",
                "project_domain_id": "default",
            },
        )
    for name, cred in keystone["application_credentials"].items():
        out[name] = dict(
            region,
            auth_type="v3applicationcredential",
            auth={
                "auth_url": keystone["url"],
                "application_credential_id": cred["id"],
                "application_credential_secret": cred["secret"],
            },
        )
    return {"clouds": out}


def boot_servers(lab, count):
    """Boot through the public API, in the lab project."""
    import openstack

    conn = openstack.connect(cloud="operator")
    made = [
        conn.compute.create_server(
            name=f"vm-{i + 1}", flavor_id="1", networks="none", image_id="155d900f-4e14-4e4c-a73d-069cbf4541e6"
        )
        for i in range(count)
    ]
    return {s.name: conn.compute.wait_for_server(s, wait=60, interval=0.2).id for s in made}


def rss_mb(pid="self"):
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith("VmRSS"):
                return int(line.split()[1]) // 1024
    return None


def main(argv=None):
    opts = parse_args(argv)
    begin = time.time()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *a: stop.set())
    os.makedirs(opts.cache, exist_ok=True)
    own_state = opts.state is None
    state = opts.state or tempfile.mkdtemp(prefix="novalab-")
    if not own_state and os.path.exists(state) and os.listdir(state):
        sys.exit(f"novalab: state directory {state} is not empty")
    os.makedirs(state, exist_ok=True)
    child = lab = None
    code = 0
    try:
        keystone = None
        if opts.auth == "keystone":
            opts.port = opts.port or free_port()
            child, keystone = start_keystone(opts, state)
            wait_http(keystone["url"], 60, child)
        os.environ["OS_NOVA_DISABLE_EVENTLET_PATCHING"] = "1"
        from novalab import core

        lab = core.Lab(opts, state, keystone)
        lab.start()
        if keystone:
            keystone = finish_keystone(keystone, lab.api_port)
        config = os.path.join(state, "clouds.yaml")
        with open(config, "w") as out:
            json.dump(clouds(opts, lab, keystone), out, indent=1)
        os.environ["OS_CLIENT_CONFIG_FILE"] = config
        wait_http(f"http://127.0.0.1:{lab.api_port}/", 10)
        booted = boot_servers(lab, opts.servers) if opts.servers else {}
        ready = {
            "pid": os.getpid(),
            "state": state,
            "clouds": config,
            "compute": f"http://127.0.0.1:{lab.api_port}/v2.1",
            "control": f"http://127.0.0.1:{lab.api_port}/_lab",
            "placement": f"http://127.0.0.1:{lab.placement_port}",
            "keystone": keystone and keystone["url"],
            "servers": booted,
            "timings": lab.timings,
            "seconds": round(time.time() - begin, 2),
            "rss_mb": rss_mb(),
            "keystone_rss_mb": child and rss_mb(child.pid),
        }
        if opts.ready_file:
            with open(opts.ready_file + ".tmp", "w") as out:
                json.dump(ready, out, indent=1)
            os.rename(opts.ready_file + ".tmp", opts.ready_file)
        print(json.dumps(ready, indent=1), flush=True)
        while not stop.wait(1):
            if child is not None and child.poll() is not None:
                print("novalab: keystone ended", file=sys.stderr)
                code = 1
                break
    except BaseException:
        # Also ends with os._exit below: Nova's threads are not daemons.
        traceback.print_exc()
        code = 1
    finally:
        # Whatever happens below, be gone in fifteen seconds.
        watchdog = threading.Timer(15, os._exit, (3,))
        watchdog.daemon = True
        watchdog.start()
        if lab is not None and getattr(lab, "registry", None):
            lab.stop()
        if child is not None:
            child.terminate()
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                child.kill()
        if opts.ready_file and os.path.exists(opts.ready_file):
            os.unlink(opts.ready_file)
        if own_state and not code:
            shutil.rmtree(state, ignore_errors=True)
    sys.stdout.flush()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(
        f"novalab: stopped; peak RSS {usage.ru_maxrss // 1024} MB, cpu {usage.ru_utime + usage.ru_stime:.1f} s",
        file=sys.stderr,
        flush=True,
    )
    # Nova's executors keep non-daemon threads; there is nothing to save.
    os._exit(code)


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def start_keystone(opts, state):
    port = opts.keystone_port or free_port()
    directory = os.path.join(state, "keystone")
    os.makedirs(directory)
    with open(os.path.join(state, "keystone.log"), "w") as log:
        child = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "novalab.keystone_child",
                "--dir",
                directory,
                "--port",
                str(port),
                "--cache",
                opts.cache,
                "--compute-port",
                str(opts.port),
                "--token-expiration",
                str(opts.token_expiration),
            ],
            stdout=log,
            stderr=log,
        )
    keystone = {"url": f"http://127.0.0.1:{port}/v3", "password": "secret", "dir": directory}
    return child, keystone


def finish_keystone(keystone, api_port):
    with open(os.path.join(keystone["dir"], "seed.json")) as source:
        keystone.update(json.load(source))
    return keystone
