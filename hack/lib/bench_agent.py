"""What the agent's programs cost on this machine: for each event, under load, and to the work that they watch, beside other tools for the same signal."""
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time
import urllib.request

from measure import BIN, ROOT, TOOLS, cpu_seconds, free_port, kernel_programs, program_statistics, receiver, resident_mb, running, wait_until

SIGNALS = ["scheduler", "tcp", "drops", "dns", "http", "disk", "events", "syscalls", "files"]

# Signal: hooks, the work, what one operation of it is, and the tools that give the same signal.
WAKEUPS = "tracepoint:sched:sched_wakeup,tracepoint:sched:sched_wakeup_new { @since[args->pid] = nsecs; }"
CASES = {
    "scheduler": (
        {"enabled": True, "precision": "Exact"}, ["sched_wakeup", "sched_wakeup_new", "sched_switch"], "switches", "2 wakeups, 2 switches",
        {
            "runqlat": ["runqlat", "3600", "1"],
            "bpftrace": WAKEUPS + """ tracepoint:sched:sched_switch {
                if (args->prev_state == 0) { @since[args->prev_pid] = nsecs; }
                $since = @since[args->next_pid];
                if ($since) { @us[cgroup] = hist((nsecs - $since) / 1000); delete(@since[args->next_pid]); } }""",
        },
    ),
    "scheduler, one hook": ({"enabled": True, "precision": "Fast"}, ["sched_switch"], "switches", "2 switches", {}),
    "tcp": (
        {"enabled": True}, ["inet_sock_set_state", "tcp_retransmit_skb", "tcp_retransmit_synack", "tcp_probe", "tcp_send_reset", "tcp_receive_reset"], "connects",
        "a connection made and closed",
        {
            "tcpstates": ["tcpstates"],
            "bpftrace": """tracepoint:sock:inet_sock_set_state {
                if (args->newstate == 2) { @since[args->skaddr] = nsecs; }
                if (args->newstate == 1) { @born[args->skaddr] = nsecs;
                    if (@since[args->skaddr]) { @us[cgroup, args->dport] = hist((nsecs - @since[args->skaddr]) / 1000); } }
                if (args->newstate == 7) { if (@born[args->skaddr]) { @life[cgroup] = hist((nsecs - @born[args->skaddr]) / 1000); }
                    delete(@since[args->skaddr]); delete(@born[args->skaddr]); } }
                tracepoint:tcp:tcp_probe { @rtt = hist(args->srtt); } tracepoint:tcp:tcp_receive_reset { @resets = count(); }""",
        },
    ),
    "tcp, data": ({"enabled": True}, ["tcp_probe"], "sockets", "a send, a receive", {"bpftrace": "tracepoint:tcp:tcp_probe { @rtt[cgroup] = hist(args->srtt); }"}),
    "drops": (
        {"enabled": True}, ["kfree_skb"], "losses", "a datagram that is dropped",
        {
            "bpftrace": """tracepoint:skb:kfree_skb { @[cgroup, args->reason, args->protocol] = count();
                @bytes[cgroup, args->reason, args->protocol] = sum(((struct sk_buff *)args->skbaddr)->len); }"""
        },
    ),
    "dns": (
        {"enabled": True}, ["sock_send_length", "sock_recv_length"], "lookups", "2 sends, 2 receives: a lookup",
        {
            "bpftrace": """tracepoint:syscalls:sys_enter_sendto { @query[tid, str(args->buff, 32)] = nsecs; @since[tid] = nsecs; }
                tracepoint:syscalls:sys_enter_recvfrom { @buffer[tid] = args->ubuf; }
                tracepoint:syscalls:sys_exit_recvfrom /@since[tid]/ {
                    @us[cgroup, str(@buffer[tid], 32)] = hist((nsecs - @since[tid]) / 1000); delete(@since[tid]); clear(@query); }"""
        },
    ),
    "dns, other sockets": ({"enabled": True}, ["sock_send_length", "sock_recv_length"], "sockets", "a send, a receive", {}),
    "disk": (
        {"enabled": True}, ["block_io_start", "block_io_done"], "blocks", "a request",
        {
            "biolatency": ["biolatency", "-D", "3600", "1"],
            "bpftrace": """tracepoint:block:block_rq_issue { @since[args->dev, args->sector] = nsecs; @who[args->dev, args->sector] = cgroup; }
                tracepoint:block:block_rq_complete /@since[args->dev, args->sector]/ {
                    @us[@who[args->dev, args->sector], args->dev] = hist((nsecs - @since[args->dev, args->sector]) / 1000);
                    delete(@since[args->dev, args->sector]); delete(@who[args->dev, args->sector]); }""",
        },
    ),
    "syscalls": (
        {"enabled": True, "names": ["read"]}, ["sys_enter", "sys_exit"], "syscalls", "a read",
        {
            "syscount": ["syscount", "-L", "-i", "3600"],
            "bpftrace": """tracepoint:raw_syscalls:sys_enter /args->id == 0/ { @since[tid] = nsecs; }
                tracepoint:raw_syscalls:sys_exit /args->id == 0 && @since[tid]/ { @us[cgroup] = hist((nsecs - @since[tid]) / 1000); delete(@since[tid]); }""",
        },
    ),
    "syscalls, counts": (
        {"enabled": True, "names": ["read"], "mode": "Counts"}, ["sys_exit"], "syscalls", "a read",
        {
            "syscount": ["syscount", "-i", "3600"],
            "bpftrace": "tracepoint:raw_syscalls:sys_exit /args->id == 0/ { @[cgroup, args->ret < 0] = count(); }",
        },
    ),
    "syscalls, other calls": ({"enabled": True, "names": ["read"]}, ["sys_enter", "sys_exit"], "others", "a getppid", {}),
    "files": (
        {"enabled": True}, ["sys_enter", "sys_exit"], "files", "an open, a write, a read, a close",
        {
            "opensnoop": ["opensnoop"],
            "bpftrace": """tracepoint:syscalls:sys_enter_openat { @since[tid] = nsecs; @name[tid] = str(args->filename, 64); }
                tracepoint:syscalls:sys_exit_openat /@since[tid]/ { @us[cgroup] = hist((nsecs - @since[tid]) / 1000);
                    @opens[cgroup, @name[tid]] = count(); @path[pid, args->ret] = @name[tid]; delete(@since[tid]); delete(@name[tid]); }
                tracepoint:syscalls:sys_enter_pwrite64,tracepoint:syscalls:sys_enter_pread64 { @bytes[cgroup, @path[pid, args->fd]] = sum(args->count); }""",
        },
    ),
}


class Machine:
    """The compiled helpers and the folder for logs."""

    def __init__(self, work):
        self.work = work
        for name, libraries in [("workload", []), ("empty", ["-lbpf"])]:
            subprocess.run(["clang", "-O2", "-o", work / name, ROOT / f"hack/lib/{name}.c", *libraries], check=True)

    def nanoseconds(self, kind, seconds):
        """The least and the median time of one operation."""
        output = self.work_output(kind, seconds)
        return float(output[0]), float(output[1])

    def operations(self, kind, seconds):
        """How many operations were done, as fast as they go; a few of the start are not counted."""
        return int(self.work_output(kind, seconds)[2])

    def work_output(self, kind, seconds):
        return subprocess.run([self.work / "workload", kind, str(seconds)], capture_output=True, text=True, check=True).stdout.split()

    @contextlib.contextmanager
    def empty(self, hooks):
        process = subprocess.Popen([self.work / "empty", *hooks], stdout=subprocess.PIPE, text=True)
        try:
            if process.stdout.readline().strip() != "attached":
                sys.exit("bench: no empty program could be attached")
            yield
        finally:
            process.terminate()
            process.wait()

    @contextlib.contextmanager
    def agent(self, signals, port=4, budget=1000):
        """The agent with these signals and no others; gives its process and its status. Port 4 refuses: what it costs to send is not the question."""
        status = free_port()
        config = self.work / "agent.yaml"
        document = {
            "apiVersion": "sonde.dev/v1alpha1", "kind": "AgentConfiguration", "destination": {"endpoint": f"http://127.0.0.1:{port}"},
            "statusPort": status, "budget": {"cpuMillicores": budget}, "signals": signals,
        }
        config.write_text(json.dumps(document))
        with running(self.work / "agent.log", BIN / "sonde-agent", "--config", config) as process:
            wait_until("agent", 30, lambda: answers(f"http://127.0.0.1:{status}/readyz"))
            yield process, lambda: json.load(urllib.request.urlopen(f"http://127.0.0.1:{status}/status", timeout=5))

    @contextlib.contextmanager
    def ours(self, signal, settings):
        signals = {name: {"enabled": False} for name in SIGNALS} | {signal.split(",")[0]: settings}
        with self.agent(signals):
            yield

    @contextlib.contextmanager
    def peer(self, tool):
        """Another tool; it is at work once the machine's BPF programs do not become more."""
        command = ["bpftrace", "-q", "-e", tool] if isinstance(tool, str) else tool
        known = kernel_programs()[1]
        # Ours need no tracefs; these do. The mount goes with its namespace.
        mounting = ["unshare", "--mount", "sh", "-c", 'mount -t tracefs tracefs /sys/kernel/tracing; exec "$@"', "sh"]
        with running(self.work / "peer.log", *mounting, *command) as process:
            counts = [0]
            deadline = time.monotonic() + 30
            while len(counts) < 4 or counts[-1] == 0 or len(set(counts[-3:])) > 1:
                if process.poll() is not None or time.monotonic() > deadline:
                    sys.exit(f"bench: {command[0]} did not start: {(self.work / 'peer.log').read_text()[-400:]}")
                time.sleep(0.3)
                counts.append(len(kernel_programs(known)[1]))
            yield


def answers(url):
    try:
        return urllib.request.urlopen(url, timeout=5).status == 200
    except OSError:
        return False


# --- For each event


def bench_events(machine, rounds, seconds):
    print(f"\n{'signal':24} {'one operation':32} {'alone':>8} {'+ empty':>8} {'+ ours':>8} {'ours - empty':>13}   ns, the least of many chunks")
    for signal, (settings, hooks, kind, operation, _) in CASES.items():
        least = {"alone": [], "empty": [], "ours": []}
        for _ in range(rounds):
            least["alone"].append(machine.nanoseconds(kind, seconds)[0])
            with machine.empty(hooks):
                least["empty"].append(machine.nanoseconds(kind, seconds)[0])
            with machine.ours(signal, settings):
                least["ours"].append(machine.nanoseconds(kind, seconds)[0])
        alone, empty, ours = (min(least[name]) for name in least)
        print(f"{signal:24} {operation:32} {alone:8.0f} {empty - alone:8.0f} {ours - alone:8.0f} {ours - empty:13.0f}", flush=True)


# --- Under load


def bench_load(machine, seconds):
    """The default signals at 30,000 switches and 20,000 socket operations a second."""
    limit_kernel, limit_agent, limit_resident = 2.0, 2.0, 24
    with receiver(machine.work) as port, machine.agent({}, port, budget=100) as (agent, status):
        time.sleep(15)
        began, cpu = time.monotonic(), cpu_seconds(agent.pid)
        time.sleep(seconds)
        idle = 100 * (cpu_seconds(agent.pid) - cpu) / (time.monotonic() - began)
        idle_resident = resident_mb(agent.pid)
        with paced(machine, seconds + 40):
            time.sleep(2)
            kernel, floor, switches = kernel_time(machine, seconds)
            began, cpu = time.monotonic(), cpu_seconds(agent.pid)
            time.sleep(seconds)
            loaded = 100 * (cpu_seconds(agent.pid) - cpu) / (time.monotonic() - began)
        resident, maps = resident_mb(agent.pid), map_mb(agent.pid)
        steps = status()["budget"]["steps"]
    print(f"\n{'agent with the default signals':52} {'measured':>12} {'limit':>10}")
    print(f"{'idle: CPU of one core':52} {idle:10.2f} % {'0.5 %':>10}")
    print(f"{'idle: resident':52} {idle_resident:9.1f} MB {'16 MB':>10}")
    print(f"{f'{switches:.0f} switches/s, 20000 socket operations/s:':52}")
    print(f"{'  kernel time (BPF stats less their floor)':52} {kernel:10.2f} % {f'{limit_kernel} %':>10}")
    print(f"{f'    floor of the statistics':52} {floor:9.0f} ns")
    print(f"{'  CPU of the agent':52} {loaded:10.2f} % {f'{limit_agent} %':>10}")
    print(f"{'  resident':52} {resident:9.1f} MB {f'{limit_resident} MB':>10}")
    print(f"{'  maps in the kernel':52} {maps:9.1f} MB")
    if steps:
        print(f"  the budget took: {', '.join(steps)}")
    return idle <= 0.5 and idle_resident <= 16 and kernel <= limit_kernel and loaded <= limit_agent and resident <= limit_resident and not steps


@contextlib.contextmanager
def paced(machine, seconds):
    works = [subprocess.Popen([machine.work / "workload", kind, str(seconds), rate], stdout=subprocess.DEVNULL) for kind, rate in [("switches", "15000"), ("sockets", "10000")]]
    try:
        yield
    finally:
        for work in works:
            work.terminate()
            work.wait()


def kernel_time(machine, seconds):
    """Percent of a core less the statistics' own floor, the floor in ns, and switches a second."""
    with program_statistics():
        with machine.empty(["sched_switch"]):
            began = time.monotonic()
            times, floor, empty_runs = program_times(seconds)
            elapsed = time.monotonic() - began
    net = sum(max(0, ns - runs * floor) for ns, runs in times.values())
    print(f"\n{'program in the kernel, under load':34} {'runs/s':>10} {'ns/run':>8} {'less the floor':>15} {'% of a core':>12}")
    for name, (ns, runs) in sorted(times.items()):
        if runs:
            print(f"{name:34} {runs / elapsed:10.0f} {ns / runs:8.0f} {ns / runs - floor:15.0f} {100 * (ns - runs * floor) / 1e9 / elapsed:12.3f}")
    return 100 * net / 1e9 / elapsed, floor, empty_runs / elapsed


def program_times(seconds, others=frozenset()):
    """Nanoseconds and runs of each program in a window, the statistics' floor, and the runs of the empty program, which must be attached."""
    first, _ = kernel_programs()
    first |= kernel_programs(others)[0]
    time.sleep(seconds)
    last, _ = kernel_programs()
    last |= kernel_programs(others)[0]
    times = {name: (ns - first[name][0], runs - first[name][1]) for name, (ns, runs) in last.items() if name in first}
    empty_ns, empty_runs = times.pop("empty")
    return times, empty_ns / empty_runs, empty_runs


def bench_own_measure(machine, seconds=10):
    """What programs measure of themselves, on one run in 64, against the kernel's statistics, which take a right that the agent does not have."""
    with paced(machine, seconds + 20), program_statistics(), machine.empty(["sched_switch"]):
        others = kernel_programs()[1]
        command = [BIN / "sonde", "top", "--once", "--seconds", str(seconds + 6), "--output", "json"]
        top = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        time.sleep(4)
        times, floor, _ = program_times(seconds, others)
        own = {program["function"]: program for program in json.loads(top.communicate()[0])["programs"]}
    print(f"\n{'program':34} {'statistics':>12} {'own measure':>12} {'difference':>12}   ns a run")
    sums = [0, 0]
    for name, (ns, runs) in sorted(times.items()):
        if runs < 1000 or name not in own:
            continue
        truth, ours = ns / runs - floor, own[name]["nanosecondsPerRun"]
        sums = [sums[0] + truth * runs, sums[1] + ours * runs]
        print(f"{name:34} {truth:12.0f} {ours:12.0f} {100 * (ours / truth - 1):10.1f} %")
    difference = sums[1] / sums[0] - 1
    print(f"{'all, by their runs':34} {'':12} {'':12} {100 * difference:10.1f} %   limit 20 %")
    return abs(difference) <= 0.2


def map_mb(pid):
    """What the process's maps hold in the kernel, by its own account (memlock of /proc/PID/fdinfo)."""
    total = 0
    for entry in pathlib.Path(f"/proc/{pid}/fdinfo").iterdir():
        with contextlib.suppress(OSError):
            text = entry.read_text()
            if "map_type:" in text:
                total += int(text.split("memlock:")[1].split()[0])
    return total / (1 << 20)


# --- To the work


def bench_peers(machine, pairs, seconds):
    """Each tool beside nothing, by turns: how much slower the work becomes, and what the tool's programs take of it by the kernel's statistics."""
    print(f"\n{'signal':24} {'one operation':32} {'tool':12} {'slower by':>10} {'quartiles':>16} {'in programs':>12}   ns, median of {pairs} pairs")
    cheapest = True
    for signal, (settings, hooks, kind, operation, peers) in CASES.items():
        if not peers:
            continue
        tools = {"sonde": lambda: machine.ours(signal, settings)} | {name: (lambda tool=tool: machine.peer(tool)) for name, tool in peers.items()}
        slower = slow_down(machine, tools, kind, pairs, seconds)
        inside = {name: time_in_programs(machine, tool, hooks, kind, seconds) for name, tool in tools.items()}
        for name, (low, median, high) in slower.items():
            print(f"{signal:24} {operation:32} {name:12} {median:10.0f} {f'{low:.0f} to {high:.0f}':>16} {inside[name]:12.0f}", flush=True)
        for name in peers:
            verdict = compared(slower["sonde"], slower[name], inside["sonde"], inside[name])
            cheapest = cheapest and verdict is not PEER_COSTS_LESS
            if verdict:
                print(f"{'':24} {name}: {verdict}")
    return cheapest


PEER_COSTS_LESS = "costs less than ours"
# The statistics of one program differ by so much between two runs of the same work.
PROGRAMS_NOISE = 0.05


def compared(ours, theirs, our_programs, their_programs):
    """Nothing when ours costs less. Quartiles that lie apart decide; where they overlap, the time in the programs does, which has no such noise."""
    if ours[2] < theirs[0]:
        return None
    if ours[0] > theirs[2]:
        return PEER_COSTS_LESS
    if our_programs <= their_programs * (1 + PROGRAMS_NOISE):
        return "by the clock no difference above the noise; no more time in our programs"
    return PEER_COSTS_LESS


def slow_down(machine, tools, kind, pairs, seconds):
    """The quartiles of the differences to the work alone; every turn has all the tools and its own run of the work alone before and after them."""
    differences = {name: [] for name in tools}
    for turn in range(pairs):
        names = list(tools)[turn % len(tools):] + list(tools)[:turn % len(tools)]
        alone = machine.nanoseconds(kind, seconds)[1]
        for name in names:
            with tools[name]():
                on = machine.nanoseconds(kind, seconds)[1]
            after = machine.nanoseconds(kind, seconds)[1]
            differences[name].append(on - (alone + after) / 2)
            alone = after
    return {name: statistics.quantiles(values, n=4) for name, values in differences.items()}


def time_in_programs(machine, tool, hooks, kind, seconds):
    """Nanoseconds of one operation that the tool's programs take, less the floor of the statistics. What the hook itself takes is not in it."""
    before = kernel_programs()[1]
    with tool():
        ours = kernel_programs(before)[1]
        with program_statistics(), machine.empty(hooks[:1]):
            first = program_sums(ours)
            operations = machine.operations(kind, seconds)
            last = program_sums(ours)
            floor_ns, floor_runs = kernel_programs()[0]["empty"]
    (ns, runs) = (last[0] - first[0], last[1] - first[1])
    return max(0, ns - runs * floor_ns / max(1, floor_runs)) / operations


def program_sums(ids):
    """run_time_ns and run_cnt of these programs together; several may have one name."""
    shown = json.loads(subprocess.run(["bpftool", "--json", "prog", "show"], capture_output=True, check=True, text=True).stdout)
    return [sum(program.get(key, 0) for program in shown if program["id"] in ids) for key in ("run_time_ns", "run_cnt")]


def main(work, options):
    subprocess.run([ROOT / "hack/lib/apt", "bpftool", "bpftrace", "libbpf-tools", "libbpf-dev", "linux-libc-dev", "libc6-dev"], check=True)
    machine = Machine(work)
    verdicts = []
    if options.part in ("all", "events"):
        bench_events(machine, rounds=3, seconds=1)
    if options.part in ("all", "load"):
        verdicts.append(bench_load(machine, options.seconds))
        verdicts.append(bench_own_measure(machine))
    if options.part in ("all", "peers"):
        verdicts.append(bench_peers(machine, options.pairs, seconds=0.7))
    if options.check and not all(verdicts):
        sys.exit("bench: a limit is passed, or another tool costs less (the tables say which)")
