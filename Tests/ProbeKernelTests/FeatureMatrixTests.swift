// Kernels that lack one thing, for every hook of the manifest: what becomes of each metric.
import Foundation
import ProbeCore
import Testing

@testable import ProbeKernel
@testable import ProbePrograms

/// A hook of the manifest, by name: what a failed test prints.
struct HookName: Sendable, CustomTestStringConvertible {
    let program: String
    let function: String
    var testDescription: String { "\(program)/\(function)" }
}

@Suite(.enabled(if: canLoad, "needs root, CAP_BPF, CAP_PERFMON and BTF"), .serialized) struct FeatureMatrixTests {
    private static let hooks = ProbeProgram.all.flatMap { program in program.hooks.map { HookName(program: program.name, function: $0.function) } }

    private static let kernel: KernelBTF? = {
        let hooks = ProbeProgram.all.flatMap(\.hooks)
        return KernelBTF.read(tracepoints: hooks.compactMap(\.tracepoint), functions: hooks.compactMap(\.kernelFunction))
    }()

    @Test(arguments: hooks) func aKernelWithoutAHookLosesItsMetricsAndNoOther(name: HookName) throws {
        let program = try #require(ProbeProgram.all.first { $0.name == name.program })
        let hook = try #require(program.hooks.first { $0.function == name.function })
        let kernel = try #require(Self.kernel)
        let counts = kernel.argumentCounts.filter { $0.key != hook.tracepoint }
        let poorer = KernelBTF(argumentCounts: counts, functions: kernel.functions.subtracting([hook.place]), dropReasons: kernel.dropReasons)
        let load = ProbeLoader(host: .current(), btf: poorer).load(program, settings: settings())
        defer { load.probe?.close() }
        let failed = load.hooks.filter { !$0.isAttached }
        #expect(failed.map(\.hook.place).allSatisfy { $0 == hook.place } && !failed.isEmpty, "\(failed.map(\.hook.function))")
        #expect(failed.allSatisfy { $0.failure?.reason.contains("it takes about Linux \(hook.leastKernel)") == true })
        let gone = Set(failed.map(\.hook.function))
        for signal in program.signals {
            switch load.hooks.state(of: signal) {
            case .active: #expect(gone.isDisjoint(with: signal.needs + signal.completedBy), "\(signal.metric)")
            case .degraded(let reason):
                #expect(gone.isDisjoint(with: signal.needs) && reason.contains(hook.place), "\(signal.metric): \(reason)")
            case .unavailable(let reason):
                #expect(!gone.isDisjoint(with: signal.needs) && reason.contains(hook.place), "\(signal.metric): \(reason)")
            }
        }
    }

    @Test(arguments: ProbeProgram.all.map(\.name)) func withoutBTFEveryMetricSaysWhy(name: String) throws {
        let program = try #require(ProbeProgram.all.first { $0.name == name })
        let loader = ProbeLoader(host: .current(), btf: nil)
        let load = loader.load(program, settings: settings())
        let why = try #require(loader.whatPreventsAll)
        #expect(load.probe == nil && why.contains("CONFIG_DEBUG_INFO_BTF"))
        for signal in program.signals {
            guard case .unavailable(let reason) = load.hooks.state(of: signal) else { return #expect(Bool(false), "\(signal.metric)") }
            #expect(reason.hasSuffix(why))
        }
    }

    @Test func dropsWithoutReasonsAreThereAndSaySo() throws {
        let load = ProbeLoader(host: .current(), btf: KernelBTF(argumentCounts: ["kfree_skb": 2])).load(.drops, settings: settings())
        defer { load.probe?.close() }
        for signal in ProbeProgram.drops.signals {
            guard case .degraded(let reason) = load.hooks.state(of: signal) else { return #expect(Bool(false), "\(signal.metric)") }
            #expect(reason.contains("no reason for a drop"))
        }
    }

    /// Linux 5.10 has no task storage for programs: the map is not made, and nothing looks at it.
    @Test func theOneHookModeGoesWithoutTaskStorage() throws {
        var attempt = Attempt(
            program: .schedFast, bytes: ProbeProgram.schedFast.object, settings: settings(),
            constants: [("cgroup_v2", .flag(hostMode.mode == .v2)), ("switch_has_prev_state", .flag(true))], host: .current(), others: [])
        attempt.leavesOut = true
        guard case .success(let object) = attempt.load(["sched_switch_fast"]) else { return #expect(Bool(false), "the program does not load") }
        #expect(attempt.prepareMaps(of: object) == nil)
        let descriptor = try object.attach("sched_switch_fast")
        let probe = LoadedProbe(program: .schedFast, object: object, programs: ["sched_switch_fast": descriptor], settings: settings())
        defer { probe.close() }
        let workload = try Workload()
        try workload.run(["/bin/sleep", "0.01"])
        let group = try #require(try probe.groups(of: "sched_groups").of(workload).first)
        #expect(Histogram(group.values).count > 0)
        #expect(try probe.statistics().first?.losses[.storageFull] == 0)
    }

    @Test func anOptionalMapLimitsOneMetricOnly() throws {
        let hook = try #require(ProbeProgram.schedFast.hooks.first), optional = try #require(ProbeProgram.schedFast.optional)
        let outcomes = [HookOutcome(hook: hook, failure: nil, limitations: [optional.metric: optional.limitation])]
        let states = ProbeProgram.schedFast.signals.map { outcomes.state(of: $0) }
        #expect(states == [.degraded(reason: "sched_switch_fast: \(optional.limitation)"), .active])
    }

    @Test func theHostsNetworkNamespaceIsToldFromAnother() throws {
        guard case .host(let inode) = ProbeLoader().networkView(cgroupMode: hostMode.mode) else {
            // In a container: then it is not the host's, which is the right answer there too.
            return #expect(ProbeLoader().networkView(cgroupMode: hostMode.mode) == .ownNamespace)
        }
        var status = stat()
        #expect(stat("/proc/self/ns/net", &status) == 0 && UInt64(inode) == UInt64(status.st_ino))
        let other = Mutexed<NetworkView>()
        let done = DispatchSemaphore(value: 0)
        // A thread may leave the process's network namespace alone.
        typealias Unshare = @convention(c) (Int32) -> Int32
        let address = Int(bitPattern: dlsym(UnsafeMutableRawPointer(bitPattern: 0), "unshare"))
        let newNetwork: Int32 = 0x4000_0000  // CLONE_NEWNET, include/uapi/linux/sched.h
        let thread = Thread {
            if unsafeBitCast(address, to: Unshare.self)(newNetwork) == 0 { other.value = ProbeLoader().networkView(cgroupMode: hostMode.mode) }
            done.signal()
        }
        thread.stackSize = 8 << 20
        thread.start()
        #expect(done.wait(timeout: .now() + 60) == .success && other.value == .ownNamespace)
        #expect(ProbeLoader(host: .current(), btf: nil).networkView(cgroupMode: .v2).reason.contains("CONFIG_DEBUG_INFO_BTF"))
    }

    @Test func segmentsOfOneNetworkNamespaceAreItsOwnCounter() throws {
        let program = """
            import os, socket, subprocess, sys
            for command in ['link set lo up', 'link add v0 type veth peer name v1', 'address add 10.9.0.1/24 dev v0', 'link set v0 up', 'link set v1 up',
                            'neigh replace 10.9.0.2 lladdr 02:00:00:00:00:01 dev v0 nud permanent']:
                subprocess.run(['ip', *command.split()], check=True)
            print(os.stat('/proc/self/ns/net').st_ino, flush=True)
            sys.stdin.readline()
            sockets = [socket.socket() for _ in range(3)]
            for s in sockets: s.setblocking(False); s.connect_ex(('10.9.0.2', 80))
            import time; time.sleep(1.6)
            lines = [l.split() for l in open('/proc/net/snmp') if l.startswith('Tcp:')]
            print(dict(zip(*lines))['RetransSegs'], flush=True)
            """
        let process = Process(), input = Pipe(), output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/timeout")
        process.arguments = ["30", "unshare", "-n", "/usr/bin/python3", "-c", program]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        let inode = try #require(
            UInt32(String(decoding: output.fileHandleForReading.availableData, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)))
        var asked = settings()
        asked.comparedNetwork = inode
        let probe = try loaded(.tcp, asked)
        defer { probe.close() }
        try input.fileHandleForWriting.write(contentsOf: Data("go\n".utf8))
        let kernel = UInt64(String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
        process.waitUntilExit()
        #expect(kernel.map { $0 >= 3 } == true)
        #expect(try probe.comparedSegments() == kernel)
        let others = try loaded(.tcp)
        defer { others.close() }
        #expect(try others.comparedSegments() == 0)
    }
}

/// `@unchecked Sendable`: written before a semaphore is signalled, read after it was waited for.
private final class Mutexed<Value>: @unchecked Sendable {
    var value: Value?
}

@Suite struct MissingFeatureTests {
    @Test(arguments: [
        ("unknown func bpf_sk_storage_get#107", "bpf_sk_storage_get (Linux 5.11)"), ("invalid func unknown#158", "bpf_get_current_task_btf (Linux 5.11)"),
        ("unknown func bpf_strange#999", "helper 999"),
        ("libbpf: map 'runnable_since': failed to create: Invalid argument(-22)", "map runnable_since: task storage for programs came with Linux 5.11"),
    ])
    func theKernelsWordsNameTheFeature(line: String, expected: String) {
        let host = HostKernel(release: "5.10.0", machine: "x86_64", hasBTF: true, capabilities: .max, lockdown: nil)
        #expect(hookFailure(.load, errno: 22, log: "one\n\(line)\nthree", host: host).reason.contains(expected))
        #expect(missingFeature(in: "libbpf: something else\nunknown func\n") == nil)
    }

    @Test func aMemoryLimitIsNamedAndNotTheCapabilities() {
        let host = HostKernel(release: "5.10.0", machine: "x86_64", hasBTF: true, capabilities: 0xc0_0000_0000, lockdown: nil)
        let log = "libbpf: permission error while running as root; try raising 'ulimit -l'? current value: 64.0 KiB\n"
        #expect(hookFailure(.load, errno: 1, log: log, host: host).reason.contains("RLIMIT_MEMLOCK"))
    }

    @Test(arguments: [
        ("5.10.0-32-cloud-amd64", "5.11", true), ("5.11.0", "5.11", false), ("6.1.0", "5.11", false), ("4.19.1", "5.8", true), ("strange", "5.8", false),
        ("6", "6.1", false), ("5.4-rc1", "5.8", true),
    ])
    func releasesAreCompared(release: String, version: String, expected: Bool) { #expect(isOlder(release, than: version) == expected) }

    @Test func everyHookPromisesAKernel() {
        for hook in (ProbeProgram.all + [.host]).flatMap(\.hooks) { #expect(isOlder("5.7.0", than: hook.leastKernel), "\(hook.function): \(hook.leastKernel)") }
    }
}
