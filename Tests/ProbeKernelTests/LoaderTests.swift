// Loading, refusing, sizing, reading and closing.
import Foundation
import ProbeCore
import Testing

@testable import ProbeKernel
@testable import ProbePrograms

@Suite(.enabled(if: canLoad, "needs root, CAP_BPF, CAP_PERFMON and BTF"), .serialized) struct LoaderTests {
    @Test(arguments: [ProbeSettings.CgroupMode.v1Memory, .v2], HistogramUnit.allCases)
    func everyHookOfEveryProgramAttaches(mode: ProbeSettings.CgroupMode, unit: HistogramUnit) throws {
        for program in ProbeProgram.all {
            let load = ProbeLoader().load(program, settings: ProbeSettings(cgroupMode: mode, histogramUnit: unit, systemCalls: [0, 1]))
            for hook in load.hooks { #expect(hook.isAttached, "\(hook.hook.function): \(hook.failure?.reason ?? "")") }
            for signal in program.signals { #expect(load.hooks.state(of: signal) == .active) }
            load.probe?.close()
        }
    }

    @Test func brokenProgramIsRefusedWithItsReasonAndTheOthersGoOn() throws {
        let object = try withInvalidInstruction(in: "tp_btf/tcp_retransmit_synack", of: ProbeProgram.tcp.object)
        let load = ProbeLoader().load(.tcp, object: object, settings: settings())
        let failure = try #require(load.hooks.first { $0.hook.function == "tcp_retransmit_synack" }?.failure)
        #expect(failure.stage == .load)
        #expect(failure.errorName == "EINVAL")
        #expect(failure.reason.contains("unknown opcode"), "\(failure.reason)")
        let others = ProbeProgram.tcp.hooks.map(\.function).filter { $0 != "tcp_retransmit_synack" }
        #expect(load.hooks.filter(\.isAttached).map(\.hook.function) == others)
        let retransmits = try #require(ProbeProgram.tcp.signals.first { $0.metric == "ebpf.tcp.retransmits" })
        guard case .degraded(let reason) = load.hooks.state(of: retransmits) else {
            Issue.record("\(load.hooks.state(of: retransmits))")
            return
        }
        #expect(reason.hasPrefix("tcp_retransmit_synack: EINVAL"))
        #expect(try load.probe?.statistics().filter(\.isHook).map(\.function) == others)
        load.probe?.close()
    }

    @Test func missingTracepointLeavesTheOthers() throws {
        let counts = ["sched_wakeup": 1, "sched_switch": 4]
        let load = ProbeLoader(host: .current(), btf: KernelBTF(argumentCounts: counts)).load(.sched, settings: settings())
        #expect(load.hooks.map(\.isAttached) == [true, false, true])
        #expect(load.hooks[1].failure?.stage == .find)
        #expect(load.hooks[1].failure?.reason.contains("no tracepoint sched_wakeup_new") == true)
        load.probe?.close()
    }

    @Test func olderPrototypesLoadToo() throws {
        // The programs must not touch arguments that an older kernel does not have; here they fall back to reading the task.
        let counts = [
            "sched_wakeup": 1, "sched_wakeup_new": 1, "sched_switch": 3, "inet_sock_set_state": 3, "tcp_retransmit_skb": 2, "tcp_retransmit_synack": 2,
            "tcp_probe": 2, "tcp_send_reset": 2, "tcp_receive_reset": 1, "kfree_skb": 2, "block_rq_issue": 1, "block_rq_complete": 3,
            "block_getrq": 1,
        ]
        for program in [ProbeProgram.sched, .tcp, .drops, .diskIssue] {
            let load = ProbeLoader(host: .current(), btf: KernelBTF(argumentCounts: counts)).load(program, settings: settings())
            for hook in load.hooks { #expect(hook.isAttached, "\(hook.hook.function): \(hook.failure?.reason ?? "")") }
            load.probe?.close()
        }
    }

    @Test func kernelWithoutBTFGivesOneReasonForEveryHook() {
        let load = ProbeLoader(host: .current(), btf: nil).load(.sched, settings: settings())
        #expect(load.probe == nil)
        #expect(load.hooks.allSatisfy { $0.failure?.reason.contains("CONFIG_DEBUG_INFO_BTF") == true })
    }

    @Test func twoCapabilitiesAreEnough() throws {
        let load = try #require(onThread(withCapabilities: [38, 39]) { ProbeProgram.all.map { ProbeLoader().load($0, settings: settings()) } })
        for hook in load.flatMap(\.hooks) { #expect(hook.isAttached, "\(hook.hook.function): \(hook.failure?.reason ?? "")") }
        for probe in load.compactMap(\.probe) { probe.close() }
    }

    @Test func missingCapabilityIsNamed() throws {
        let load = try #require(onThread(withCapabilities: [39]) { ProbeLoader().load(.sched, settings: settings()) })
        #expect(load.probe == nil)
        for hook in load.hooks {
            #expect(hook.failure?.errorName == "EPERM")
            #expect(hook.failure?.reason.hasSuffix("this process lacks CAP_PERFMON") == true, "\(hook.failure?.reason ?? "")")
        }
    }

    @Test func fullMapIsCountedAndTheRestGoesOn() throws {
        let small = ProbeProgram(
            name: "sched", hooks: ProbeProgram.sched.hooks,
            groupMaps: [ProbeMap(name: "sched_groups", keyBytes: SchedKey.byteCount, valueBytes: SchedValue.byteCount, entries: 1, leastEntries: 1)],
            signals: [], cost: .medium, base64: ProbeProgram.sched.base64)
        let probe = try loaded(small)
        defer { probe.close() }
        let first = try Workload()
        let second = try Workload()
        for workload in [first, second] { try workload.run(["/bin/sleep", "0.01"]) }
        #expect(probe.capacity(of: "sched_groups") == 1)
        #expect(try probe.groups(of: "sched_groups").count == 1)
        let switches = try #require(try probe.statistics().first { $0.function == "sched_switch" })
        #expect(switches.losses[.mapFull, default: 0] > 0)
        #expect(switches.losses[.storageFull] == 0)
    }

    @Test func deletedGroupsLeaveRoomAndComeBackFromZero() throws {
        let probe = try loaded(.sched)
        defer { probe.close() }
        let workload = try Workload()
        try workload.run(["/bin/sleep", "0.01"])
        let group = try #require(try probe.groups(of: "sched_groups").of(workload).first)
        #expect(try probe.delete([group.key, [1, 2, 3, 4, 5, 6, 7, 8]], from: "sched_groups") == 1)
        #expect(try probe.groups(of: "sched_groups").of(workload).isEmpty)
        #expect(throws: ProbeKernelError.self) { try probe.delete([[1]], from: "sched_groups") }
        try workload.run(["/bin/sleep", "0.01"])
        #expect(try probe.groups(of: "sched_groups").of(workload).count == 1)
    }

    @Test func batchesAndSingleLookupsGiveTheSame() throws {
        let program = ProbeProgram.syscall
        let probe = try loaded(program, settings(systemCalls: ["getpgid", "getsid", "getpriority"]))
        defer { probe.close() }
        let workloads = try (0..<12).map { _ in try Workload() }
        for workload in workloads { try workload.python("import os\nos.getpgid(0); os.getsid(0); os.getpriority(os.PRIO_PROCESS, 0)") }
        try probe.count(systemCalls: [])
        let map = try #require(probe.mapForTests("syscalls"))
        let batches = try map.groupsInBatches()
        let single = try map.groupsOneByOne()
        #expect(batches.count >= 36)
        #expect(Set(batches) == Set(single))
        #expect(batches.allSatisfy { $0.values.count == map.cpuCount && $0.values.allSatisfy { $0.count == HistogramLayout.byteCount } })
    }

    @Test func costsAreSampledOnceIn64Runs() throws {
        let probe = try loaded(.sched)
        let workload = try Workload()
        try workload.python("import time\nfor _ in range(2000): time.sleep(0.00005)")
        let switches = try #require(try probe.statistics().first { $0.function == "sched_switch" })
        #expect(switches.runs >= 4000)
        // Each CPU starts with a timed run.
        #expect(switches.sampledRuns >= switches.runs / 64 && switches.sampledRuns <= switches.runs / 64 + 1024)
        #expect(switches.sampledNanoseconds > 0)
        #expect(switches.estimatedNanoseconds / switches.runs < 100_000)
        probe.close()
        #expect(throws: ProbeKernelError(.closed, "program sched was closed")) { try probe.statistics() }
    }

    @Test func closingTwiceAndUnknownMapsAreHarmless() throws {
        let probe = try loaded(.sched)
        #expect { try probe.groups(of: "nothing") } throws: { ($0 as? ProbeKernelError)?.code == .noSuchMap }
        probe.close()
        probe.close()
        #expect { try probe.groups(of: "sched_groups") } throws: { ($0 as? ProbeKernelError)?.code == .closed }
    }
}

/// The object with the first instruction of a section overwritten by an opcode that does not exist.
private func withInvalidInstruction(in section: String, of object: [UInt8]) throws -> [UInt8] {
    var object = object
    object[try #require(elfSection(section, in: object)).offset] = 0xff
    return object
}

/// Runs work on a thread that has just these capabilities; capabilities belong to threads, so nothing else loses any.
private func onThread<Result: Sendable>(withCapabilities numbers: [UInt64], _ work: @escaping @Sendable () -> Result) -> Result? {
    typealias SetCapabilities = @convention(c) (UnsafeMutableRawPointer, UnsafeRawPointer) -> Int32
    guard let symbol = dlsym(UnsafeMutableRawPointer(bitPattern: 0), "capset") else { return nil }
    let address = Int(bitPattern: symbol)
    let done = DispatchSemaphore(value: 0)
    let box = Box<Result>()
    let thread = Thread {
        let mask = numbers.reduce(UInt64(0)) { $0 | 1 << $1 }
        // _LINUX_CAPABILITY_VERSION_3, this thread; then effective, permitted, inheritable of the low and the high half.
        var header: [UInt32] = [0x2008_0522, 0]
        let sets: [UInt32] = [UInt32(mask & 0xffff_ffff), UInt32(mask & 0xffff_ffff), 0, UInt32(mask >> 32), UInt32(mask >> 32), 0]
        if unsafeBitCast(address, to: SetCapabilities.self)(&header, sets) == 0 { box.value = work() }
        done.signal()
    }
    thread.stackSize = 8 << 20
    thread.start()
    guard done.wait(timeout: .now() + 60) == .success else { return nil }
    return box.value
}

/// `@unchecked Sendable`: written before the semaphore is signalled, read after it was waited for.
private final class Box<Value>: @unchecked Sendable {
    var value: Value?
}
