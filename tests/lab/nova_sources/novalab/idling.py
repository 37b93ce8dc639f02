"""Threads that sleep until there is something to do, instead of looking for it again and again.

Nothing here changes what Nova does or answers. One process plays a dozen services, whose threads look for messages
twenty times, and for work once a second, each: together they cost more than all that idle services do.
"""

import queue
import threading

LOOK_EVERY_S = 60.0
"""How often a worker looks whether its executor is gone, should nothing have woken it."""


def sleep_when_idle():
    """Let listeners of the bus and workers of the executors sleep."""
    _wake_listeners()
    _wake_workers()


def _wake_listeners():
    """Let a message on the ``fake:`` bus wake whoever listens to its topic, as a broker does."""
    from oslo_messaging._drivers import impl_fake

    listener, exchange = impl_fake.FakeListener, impl_fake.FakeExchange
    prepare, look, stop, deliver = listener.__init__, listener.poll, listener.stop, exchange.deliver_message
    listeners = []
    lock = threading.Lock()

    def prepare_to_sleep(self, *args, **kwargs):
        prepare(self, *args, **kwargs)
        self.woken = threading.Event()
        with lock:
            listeners.append(self)

    def sleep_until_sent(self, timeout=None, **batch):
        if timeout is not None:
            return look(self, timeout=timeout, **batch)
        while True:
            # Before the look: what is sent during it must not be missed.
            self.woken.clear()
            found = look(self, timeout=0, **batch)
            if found or self._stopped.is_set():
                return found
            self.woken.wait()

    def stop_and_wake(self):
        stop(self)
        with lock:
            if self in listeners:
                listeners.remove(self)
        self.woken.set()

    def deliver_and_wake(self, topic, ctxt, message, server=None, **how):
        deliver(self, topic, ctxt, message, server=server, **how)
        with lock:
            for one in listeners:
                if any(target.topic == topic and server in (None, target.server) for target in one._targets):
                    one.woken.set()

    listener.__init__, listener.poll, listener.stop = prepare_to_sleep, sleep_until_sent, stop_and_wake
    exchange.deliver_message = deliver_and_wake


def _wake_workers():
    """Let a worker of futurist's executors be woken by its end, so that it need not look for that once a second."""
    from futurist import _thread

    worker = _thread.ThreadWorker

    def wait_for_work(self):
        self.idle = True
        work = None
        while work is None:
            try:
                work = self.work_queue.get(timeout=LOOK_EVERY_S)
            except queue.Empty:
                pass
            else:
                if work is None:
                    self.work_queue.task_done()
            if work is None and self._is_dying():
                raise _thread._Stopping
        self.idle = False
        return work

    def stop(self):
        self.should_stop = True
        self.work_queue.put(None)

    worker._wait_for_work, worker.stop = wait_for_work, stop
