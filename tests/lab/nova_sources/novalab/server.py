"""A threaded WSGI server on 127.0.0.1 (cheroot), able to cut connections."""

import contextlib
import logging
import socket
import threading

from cheroot import wsgi

LOG = logging.getLogger(__name__)


class _Gateway(wsgi.Gateway_10):
    def get_environ(self):
        env = super().get_environ()
        env["novalab.socket"] = self.req.conn.socket
        return env


class Server:
    def __init__(self, port, app, threads=16, name="novalab"):
        self._server = wsgi.Server(
            ("127.0.0.1", port), app, numthreads=threads, server_name=name, request_queue_size=256, timeout=30
        )
        self._server.gateway = _Gateway
        self._server.error_log = self._log
        self._server.shutdown_timeout = 1
        self._server.prepare()
        self.port = self._server.bind_addr[1]
        self._thread = threading.Thread(target=self._server.serve, name=f"http-{self.port}", daemon=True)

    @staticmethod
    def _log(msg="", level=logging.INFO, traceback=False):
        LOG.debug("http: %s", msg, exc_info=traceback)

    def start(self):
        self._thread.start()

    def stop(self):
        # cheroot waits without limit for a worker that is busy in Nova.
        stopper = threading.Thread(target=self._server.stop, daemon=True)
        stopper.start()
        stopper.join(2)


def cut(environ):
    """Drop the client's connection without any answer."""
    sock = environ.get("novalab.socket")
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
