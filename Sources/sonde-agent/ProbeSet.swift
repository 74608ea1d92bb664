// The programs that are loaded for the configured signals: switched on and off as the configuration changes.
// AgentLoop owns one; it reads their maps each window.
// It never stops for a signal that a kernel cannot give: that one is logged with its reason, the others run.

import Glibc
import ProbeCore
import ProbeKernel
import ProbePrograms
import SondeAPI

struct ProbeSet {
    private var loaded: [String: LoadedProbe] = [:]
    /// Programs that were tried and gave nothing; they are tried again when their signal is switched off and on.
    private var failed: Set<String> = []
    private var systemCalls: Set<UInt32> = []
    /// Names of the kernel's reasons for dropping packets.
    private(set) var dropReasons: [UInt32: String] = [:]
    /// What came of each metric when its program was loaded, by program.
    private(set) var outcomes: [String: [AgentStatus.Metric]] = [:]
    /// Whose network /proc/net shows; nil before the first program was loaded.
    private(set) var network: NetworkView?
    /// Set while system calls are sampled by time.
    private var duty: DutyCycle?
    private var sockets = SocketTable()
    /// The program that counts system calls, with or without their times.
    private var systemCallProbe: LoadedProbe? { loaded.values.first { $0.program.countsSystemCalls } }
    /// Who decodes the records of a program's rings, and those maps that are no kinds, by the program's name.
    private var decoders: [String: any EventDecoder] = [:]

    var isEmpty: Bool { loaded.isEmpty }
    var names: [String] { loaded.keys.sorted() }

    /// The decoder of a program's records, or of maps that are no kinds; nil for a program without them.
    private static func decoder(for program: ProbeProgram, _ configuration: AgentConfiguration) -> (any EventDecoder)? {
        switch program.name {
        case ProbeProgram.process.name: ProcessEvents(pageBytes: Int(sysconf(Int32(_SC_PAGESIZE))))
        case ProbeProgram.dns.name: DNSLookups()
        case ProbeProgram.tcp.name: PeerTable(tellsAddresses: configuration.attributes.addresses)
        case ProbeProgram.files.name: FileTable(redact: configuration.signals.files.redact)
        default: nil
        }
    }

    /// Loads and unloads so that exactly the wanted signals are taken.
    /// - Parameters:
    ///   - steps: what the budget takes back.
    ///   - aggregator: gets the last counts of programs that go, and `telemetry` their last losses.
    /// - Returns: kinds of groups whose maps are gone.
    mutating func apply(
        _ configuration: AgentConfiguration, cgroupMode: ProbeSettings.CgroupMode, saving steps: [SavingStep], into aggregator: inout ProbeAggregator,
        _ telemetry: inout AgentTelemetry
    ) -> [GroupKind] {
        let calls = Self.numbers(of: configuration.signals.syscalls)
        let programs = ProbePlan.programs(configuration.signals, saving: steps)
        let gone = unload(allBut: Set(programs.map(\.name)), into: &aggregator, &telemetry)
        sample(systemCalls: steps.contains(.systemCallsSampled))
        if calls != systemCalls, let probe = systemCallProbe { update(probe, calls) }
        systemCalls = calls
        change(configuration)
        let missing = programs.filter { loaded[$0.name] == nil && !failed.contains($0.name) }
        if missing.isEmpty { return gone }
        var settings = ProbeSettings(
            cgroupMode: cgroupMode, mapMemoryBytes: configuration.budget.memoryBytes / (2 * programs.count), systemCalls: calls,
            dnsPorts: Self.ports(of: configuration.signals.dns))
        settings.roundTripSampling = configuration.signals.tcp.rttSampling
        settings.recordsExec = configuration.signals.events.exec
        settings.portsBelow = Self.portsBelow(configuration.attributes)
        settings.tellsAddresses = configuration.attributes.addresses
        load(missing, settings, isExact: configuration.signals.scheduler.precision == .exact)
        if missing.contains(where: { $0.name == ProbeProgram.iter.name }) { sockets = SocketTable() }
        // What was loaded now is attached, whatever part of its turn the one before was in.
        if duty != nil, missing.contains(where: \.countsSystemCalls) { duty = DutyCycle(now: Clock.monotonicNanoseconds()) }
        for program in missing where loaded[program.name] != nil { decoders[program.name] = Self.decoder(for: program, configuration) }
        return gone
    }

    private mutating func unload(allBut wanted: Set<String>, into aggregator: inout ProbeAggregator, _ telemetry: inout AgentTelemetry) -> [GroupKind] {
        var gone: [GroupKind] = []
        failed.formIntersection(wanted)
        outcomes = outcomes.filter { wanted.contains($0.key) }
        for (name, probe) in loaded where !wanted.contains(name) {
            takeLast(of: probe, into: &aggregator, &telemetry)
            loaded[name] = nil
            decoders[name] = nil
            probe.close()
            gone += probe.program.groupMaps.compactMap { GroupKind(map: $0.name) }
            AgentLog.info("signals switched off", ("program", name))
        }
        return gone
    }

    /// Takes a program off its hooks, and then everything that it counted, recorded and lost.
    private mutating func takeLast(of probe: LoadedProbe, into aggregator: inout ProbeAggregator, _ telemetry: inout AgentTelemetry) {
        let scale = probe.program.countsSystemCalls ? duty?.scale(now: Clock.monotonicNanoseconds()) ?? 1 : 1
        probe.pause()
        drain(probe)
        settle(probe, into: &aggregator)
        _ = read(probe, scale: scale, into: &aggregator)
        readStatistics(of: probe, into: &telemetry)
        for name in probe.program.hooks.map(\.function) + probe.program.accounts { telemetry.restart(name) }
    }

    /// Begins or ends sampling the system calls by time.
    private mutating func sample(systemCalls isSampled: Bool) {
        guard isSampled != (duty != nil) else { return }
        duty = isSampled ? DutyCycle(now: Clock.monotonicNanoseconds()) : nil
        if !isSampled { attach(true) }
    }

    /// When `turn` has something to do next.
    var nextTurn: UInt64 { duty?.nextChange ?? .max }

    /// Attaches the sampled program or takes it off, when it is time.
    mutating func turn(now: UInt64) {
        if let isOn = duty?.turn(now: now) { attach(isOn) }
    }

    private func attach(_ isOn: Bool) {
        guard let probe = systemCallProbe else { return }
        do {
            if isOn { try probe.resume() } else { probe.pause() }
        } catch {
            AgentLog.error("system calls could not be attached again", ("reason", error.message))
        }
    }

    /// - Parameter isExact: whether run-queue latency is wanted exactly or not at all.
    private mutating func load(_ programs: [ProbeProgram], _ asked: ProbeSettings, isExact: Bool) {
        let loader = ProbeLoader()
        dropReasons = loader.dropReasons
        let view = network ?? loader.networkView(cgroupMode: asked.cgroupMode)
        network = view
        var settings = asked
        if case .host(let inode) = view { settings.comparedNetwork = inode }
        let prevented = loader.whatPreventsAll
        if let prevented { AgentLog.error("no kernel program can be loaded; the agent goes on with what the kernel's files give", ("reason", prevented)) }
        for program in programs {
            var load = loader.load(program, settings: settings, sharing: Array(loaded.values))
            if load.probe == nil, prevented == nil, let fallback = program.fallback, !(isExact && program.name == ProbeProgram.sched.name) {
                AgentLog.info("the kernel lacks the hooks of a program; another one takes its place", ("program", program.name), ("instead", fallback.name))
                load = loader.load(fallback, settings: settings, sharing: Array(loaded.values))
            }
            loaded[program.name] = load.probe
            if load.probe == nil { failed.insert(program.name) }
            // Those of the program that took its place.
            let signals = load.program.signals
            if prevented == nil { for signal in signals { Self.log(load.hooks.state(of: signal), of: signal) } }
            outcomes[program.name] = signals.map { AgentStatus.Metric($0, load.hooks.state(of: $0)) }
        }
        ProcessMemory.giveBackFreed()
    }

    private static func log(_ state: SignalState, of signal: ProbeSignal) {
        switch state {
        case .active: AgentLog.info("signal active", ("metric", signal.metric))
        case .degraded(let reason): AgentLog.warning("signal active, but parts of it are missing", ("metric", signal.metric), ("reason", reason))
        case .unavailable(let reason): AgentLog.warning("signal not available", ("metric", signal.metric), ("reason", reason))
        }
    }

    private mutating func change(_ configuration: AgentConfiguration) {
        if var files = decoders[ProbeProgram.files.name] as? FileTable {
            files.redact = configuration.signals.files.redact
            decoders[ProbeProgram.files.name] = files
        }
        if var peers = decoders[ProbeProgram.tcp.name] as? PeerTable {
            peers.tellsAddresses = configuration.attributes.addresses
            decoders[ProbeProgram.tcp.name] = peers
        }
        for probe in loaded.values {
            do {
                try probe.change(
                    roundTripSampling: configuration.signals.tcp.rttSampling, recordsExec: configuration.signals.events.exec,
                    portsBelow: Self.portsBelow(configuration.attributes), tellsAddresses: configuration.attributes.addresses)
                if probe.program.name == ProbeProgram.dns.name { try probe.watch(dnsPorts: Self.ports(of: configuration.signals.dns)) }
            } catch {
                AgentLog.error("settings could not be changed in the kernel", ("program", probe.program.name), ("reason", error.message))
            }
        }
    }

    private func update(_ probe: LoadedProbe, _ calls: Set<UInt32>) {
        do {
            try probe.count(systemCalls: calls)
            AgentLog.info("system calls changed", ("count", "\(calls.count)"))
        } catch {
            AgentLog.error("system calls could not be changed", ("reason", error.message))
        }
    }

    /// Linux gives ports from 32768 on to clients (net.ipv4.ip_local_port_range); servers that listen on such are rare and change their ports.
    private static func portsBelow(_ attributes: ProbeAttributes) -> Int {
        switch attributes.ports {
        case .none: 0
        case .wellKnown: 32768
        case .all: 65536
        }
    }

    private static func ports(of dns: ProbeSignals.DNS) -> Set<UInt16> { Set(dns.ports.map { UInt16(clamping: $0) }) }

    private static func numbers(of syscalls: ProbeSignals.Syscalls) -> Set<UInt32> {
        let unknown = syscalls.names.filter { SystemCalls.number(of: $0) == nil }
        if syscalls.enabled, !unknown.isEmpty {
            AgentLog.warning("this architecture has no such system calls; they are left out", ("names", unknown.joined(separator: ",")))
        }
        return Set(syscalls.names.compactMap(SystemCalls.number))
    }

    // MARK: Records

    /// Whether any program writes records.
    var hasRings: Bool { loaded.values.contains { !$0.program.rings.isEmpty } }

    /// Hands waiting records to their decoders.
    mutating func drain() {
        for probe in loaded.values { drain(probe) }
    }

    private mutating func drain(_ probe: LoadedProbe) {
        // Taken out while it works: a decoder that stands in two places would copy its tables.
        guard var decoder = decoders.removeValue(forKey: probe.program.name) else { return }
        for ring in probe.program.rings {
            do {
                try probe.drain(ring.name) { decoder.take($0) }
            } catch {
                AgentLog.error("records could not be read", ("ring", ring.name), ("reason", error.message))
            }
        }
        decoders[probe.program.name] = decoder
    }

    /// Lets decoders hand over what is complete.
    mutating func settle(into aggregator: inout ProbeAggregator) {
        for probe in loaded.values { settle(probe, into: &aggregator) }
    }

    private mutating func settle(_ probe: LoadedProbe, into aggregator: inout ProbeAggregator) {
        let name = probe.program.name, now = Clock.monotonicNanoseconds()
        if decoders[name]?.followsLosses == true, let totals = losses(of: probe) { decoders[name]?.follow(losses: totals, monotonicNanoseconds: now) }
        decoders[name]?.settle(into: &aggregator, monotonicNanoseconds: now)
    }

    /// Everything that each hook lost since its program was loaded, by function.
    private func losses(of probe: LoadedProbe) -> [String: UInt64]? {
        do {
            return Dictionary(
                uniqueKeysWithValues: try probe.statistics().map { hook in (hook.function, hook.losses.values.reduce(hook.skippedRuns, &+)) })
        } catch {
            AgentLog.error("losses could not be read", ("program", probe.program.name), ("reason", error.message))
            return nil
        }
    }

    /// Tells every program whose events to leave out.
    func ignore(_ cgroups: Set<UInt64>) {
        for probe in loaded.values {
            do {
                try probe.ignore(cgroups)
            } catch {
                AgentLog.error("namespaces could not be left out in the kernel; they are filtered later", ("reason", error.message))
            }
        }
    }

    /// Looks at all open sockets.
    mutating func walk(into aggregator: inout ProbeAggregator) {
        guard let probe = loaded[ProbeProgram.iter.name] else { return }
        do {
            sockets.take(try probe.openSockets(), into: &aggregator)
        } catch {
            AgentLog.error("open sockets could not be read", ("reason", error.message))
        }
    }

    /// Whether open sockets are looked at by a program.
    var walks: Bool { loaded[ProbeProgram.iter.name] != nil }

    /// Whether all retransmitted segments of the host's network namespace are counted on their own.
    var comparesSegments: Bool {
        outcomes[ProbeProgram.tcp.name]?.contains { $0.name == "ebpf.tcp.retransmits" && $0.state == .active } == true
    }

    /// Their number; nil when they are not counted.
    func comparedSegments() -> UInt64? {
        guard case .host? = network, comparesSegments, let probe = loaded[ProbeProgram.tcp.name] else { return nil }
        do {
            return try probe.comparedSegments()
        } catch {
            AgentLog.error("segments of the host's network could not be read", ("reason", error.message))
            return nil
        }
    }

    // MARK: Reading

    /// Hands every map to the aggregator.
    /// - Returns: how full each map is.
    mutating func read(into aggregator: inout ProbeAggregator) -> [MapReading] {
        var usage: [MapReading] = []
        let sampled = duty?.scale(now: Clock.monotonicNanoseconds()) ?? 1
        for probe in loaded.values { usage += read(probe, scale: probe.program.countsSystemCalls ? sampled : 1, into: &aggregator) }
        return usage
    }

    private mutating func read(_ probe: LoadedProbe, scale: Double, into aggregator: inout ProbeAggregator) -> [MapReading] {
        var usage: [MapReading] = []
        for map in probe.program.groupMaps {
            do {
                let groups = try probe.groups(of: map.name)
                if let kind = GroupKind(map: map.name) {
                    aggregator.absorb(groups, of: kind, scale: scale)
                } else {
                    try decode(groups, of: map.name, from: probe, into: &aggregator)
                }
                usage.append(MapReading(name: map.name, used: groups.count, capacity: probe.capacity(of: map.name) ?? map.entries))
            } catch {
                AgentLog.error("map could not be read", ("map", map.name), ("reason", error.message))
            }
        }
        return usage
    }

    /// Hands a map to the program's decoder, and takes out what nobody uses any more.
    private mutating func decode(_ groups: [RawGroup], of map: String, from probe: LoadedProbe, into aggregator: inout ProbeAggregator) throws(ProbeKernelError)
    {
        guard var decoder = decoders.removeValue(forKey: probe.program.name) else { return }
        defer { decoders[probe.program.name] = decoder }
        let idle = decoder.read(map, groups, into: &aggregator)
        if !idle.isEmpty { decoder.forget(map, try probe.take(idle, from: map), into: &aggregator) }
    }

    /// Hands every hook's costs and losses over.
    func readStatistics(into telemetry: inout AgentTelemetry) {
        for probe in loaded.values { readStatistics(of: probe, into: &telemetry) }
    }

    private func readStatistics(of probe: LoadedProbe, into telemetry: inout AgentTelemetry) {
        do {
            for hook in try probe.statistics() { telemetry.record(HookReading(hook)) }
        } catch {
            AgentLog.error("costs and losses could not be read", ("program", probe.program.name), ("reason", error.message))
        }
    }

    /// Kernel time of each program since it was loaded, in seconds.
    var kernelSeconds: [String: Double] {
        loaded.compactMapValues { probe in
            (try? probe.statistics()).map { hooks in Double(hooks.reduce(0) { $0 &+ $1.estimatedNanoseconds }) / 1e9 }
        }
    }

    /// Takes groups of gone cgroups out of the maps, and hands over what they counted since they were read.
    func takeOut(_ keys: [GroupKind: [[UInt8]]], into aggregator: inout ProbeAggregator) {
        for (kind, keys) in keys {
            guard let probe = loaded.values.first(where: { $0.program.groupMaps.contains { $0.name == kind.name } }) else { continue }
            do {
                let taken = try probe.take(keys, from: kind.name)
                aggregator.absorbLast(taken, of: kind)
                // Before Linux 5.14 a group cannot be taken out together with its value; what it counted since it was read is lost there.
                if taken.isEmpty { try probe.delete(keys, from: kind.name) }
            } catch {
                AgentLog.error("groups of gone cgroups could not be taken out", ("map", kind.name), ("reason", error.message))
            }
        }
    }

    func close() {
        for probe in loaded.values { probe.close() }
    }
}

extension HookReading {
    init(_ hook: HookStatistics) {
        var losses = Dictionary(uniqueKeysWithValues: hook.losses.map { ($0.rawValue, $1) })
        losses["recursion"] = hook.skippedRuns
        self.init(
            function: hook.function, runs: hook.runs, sampledRuns: hook.sampledRuns, sampledNanoseconds: hook.sampledNanoseconds, losses: losses,
            isHook: hook.isHook)
    }
}
