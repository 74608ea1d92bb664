"""load.py SECONDS: makes a little of everything that Sonde's first signals see, on loopback, for at most SECONDS.

Two busy processes and one that sleeps (run queue), connections that succeed and that are refused (TCP), small reads and writes (syscalls).
"""
import multiprocessing
import os
import signal
import socket
import sys
import time


def busy(until):
    while time.monotonic() < until:
        sum(range(20_000))
        time.sleep(0.001)


def serve(listener):
    while True:
        connection, _ = listener.accept()
        connection.close()


def connect(until, port, closed_port):
    data = os.open("/dev/zero", os.O_RDONLY)
    sink = os.open("/dev/null", os.O_WRONLY)
    while time.monotonic() < until:
        for target in (port, closed_port):
            with socket.socket() as client:
                client.connect_ex(("127.0.0.1", target))
        os.write(sink, os.read(data, 512))
        time.sleep(0.02)


def main():
    # Ends through Python, so that the worker processes are ended too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    until = time.monotonic() + float(sys.argv[1])
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    unused = socket.socket()
    unused.bind(("127.0.0.1", 0))  # Bound and not listening: a connection to it is refused.
    server = multiprocessing.Process(target=serve, args=(listener,), daemon=True)
    server.start()
    workers = [multiprocessing.Process(target=busy, args=(until,), daemon=True) for _ in range(2 + (os.cpu_count() or 1))]
    workers.append(multiprocessing.Process(target=connect, args=(until, listener.getsockname()[1], unused.getsockname()[1]), daemon=True))
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


main()
