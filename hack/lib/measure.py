"""What hack/bench and its parts share: processes that end with their block, and readings of /proc and of the kernel's programs."""
import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = ROOT / ".build/release"
TOOLS = ROOT / ".build-tools/bin"


@contextlib.contextmanager
def running(log, *command):
    """A process with its output in a file; ended with SIGTERM, and killed when it does not end."""
    with open(log, "ab") as output:
        process = subprocess.Popen([str(part) for part in command], stdout=output, stderr=output, stdin=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(what, seconds, condition):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"bench: no {what} after {seconds} s")
        time.sleep(0.2)


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


@contextlib.contextmanager
def program_statistics():
    """The kernel counts the runs and the time of every BPF program; costs each run some 75 ns."""
    switch = pathlib.Path("/proc/sys/kernel/bpf_stats_enabled")
    before = switch.read_text()
    switch.write_text("1")
    try:
        yield
    finally:
        switch.write_text(before)


def kernel_programs(others=frozenset()):
    """run_time_ns and run_cnt by name, and the ids, of every BPF program of the machine that is not among `others`."""
    shown = json.loads(subprocess.run(["bpftool", "--json", "prog", "show"], capture_output=True, check=True, text=True).stdout)
    ours = [program for program in shown if program["id"] not in others]
    return {p.get("name", str(p["id"])): (p.get("run_time_ns", 0), p.get("run_cnt", 0)) for p in ours}, frozenset(p["id"] for p in ours)


@contextlib.contextmanager
def receiver(work):
    """A real OTLP receiver that throws away what it gets; gives its HTTP port."""
    grpc, http = free_port(), free_port()
    command = (TOOLS / "rotel", "start", "--otlp-grpc-endpoint", f"127.0.0.1:{grpc}", "--otlp-http-endpoint", f"127.0.0.1:{http}", "--exporter", "blackhole")
    with running(work / "receiver.log", *command):
        wait_until("receiver", 20, lambda: listening(http))
        yield http
