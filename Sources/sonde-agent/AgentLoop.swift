// The agent's main loop: every interval it reads maps, names owners and hands metrics to the exporter; in between it looks at its file.
// SondeAgent runs one on its own thread.
// It never waits for the receiver: the exporter's queue is between them.

import OTLPExport
import OTLPMessages
import ProbeCore
import ProbeKernel
import SondeAPI

struct AgentLoop {
    static let checkNanoseconds: UInt64 = 2_000_000_000
    /// How often rings are looked at, and how many looks make decoders hand over.
    static let drainNanoseconds: UInt64 = 200_000_000
    static let drainsPerSettle = 5
    /// How often the cost is held against the budget: whole periods of what is sampled by time, so that each look sees the same part of it.
    static let governNanoseconds = DutyCycle.periodNanoseconds
    /// A request holds no more points: receivers limit the size of a request, and a large one needs memory at once.
    static let pointsPerRequestMax = 4000
    static let flushTime = Duration.seconds(5)

    private let exporter: MetricsExporter
    private let stop: StopSignal
    private var file: ConfigurationFile
    private var configuration: AgentConfiguration
    private var headers: SmallFile.Signature?
    private let node: Node
    private var host: Host
    private var probes = ProbeSet()
    private var aggregator: ProbeAggregator
    private var telemetry: AgentTelemetry
    /// Exports until the code of the start, or of a change, is dropped from memory: the first of them connects to the receiver.
    private var exportsUntilSettled = 0
    private var drains = 0
    private var meter = CostMeter(now: Clock.monotonicNanoseconds(), process: ProcessUsage.read())
    private var governor = BudgetGovernor()
    private var hostMeter: HostMeter
    private var networkMeter: NetworkMeter
    private let board: StatusBoard
    private var average = CostAverage()

    init(configuration: AgentConfiguration, file: ConfigurationFile, node: Node, exporter: MetricsExporter, stop: StopSignal, board: StatusBoard) {
        self.board = board
        self.configuration = configuration
        self.file = file
        self.node = node
        self.exporter = exporter
        self.stop = stop
        headers = Self.headersSignature(configuration)
        host = Host(configuration.paths)
        hostMeter = HostMeter(host.hierarchy)
        networkMeter = NetworkMeter(root: host.hierarchy.root)
        let start = Clock.unixNanoseconds()
        aggregator = ProbeAggregator(settings: Self.settings(configuration, node), startUnixNanoseconds: start)
        telemetry = AgentTelemetry(startUnixNanoseconds: start)
    }

    static func settings(_ configuration: AgentConfiguration, _ node: Node) -> ProbeAggregator.Settings {
        var settings = ProbeAggregator.Settings(
            limits: SeriesLimits(perOwner: configuration.budget.seriesPerPod, total: configuration.budget.seriesTotal),
            namespaces: configuration.namespaces, node: node,
            scope: Scope(name: "sonde.probe", version: AgentVersion.text, schemaURL: AgentVersion.schemaURL))
        settings.firstLabelsPerOwner[.dnsLookups] = configuration.signals.dns.names
        settings.firstLabelsPerOwner[.files] = configuration.signals.files.topK
        settings.firstLabelsPerOwner[.peers] = PeerTable.addressesPerOwner
        return settings
    }

    /// Runs until SIGTERM or SIGINT; the last export is in the exporter's queue then.
    mutating func run() {
        apply()
        host.identify(for: &aggregator, now: Clock.monotonicNanoseconds())
        publish()
        var nextExport = Clock.monotonicNanoseconds() + interval
        var nextCheck = Clock.monotonicNanoseconds() + Self.checkNanoseconds
        var nextDrain = Clock.monotonicNanoseconds()
        var nextLook = Clock.monotonicNanoseconds() + Self.governNanoseconds
        while true {
            let now = Clock.monotonicNanoseconds()
            let next = min(nextExport, nextCheck, nextLook, probes.nextTurn, probes.hasRings ? nextDrain : .max)
            if next > now, stop.wait(nanoseconds: next - now) { break }
            let woken = Clock.monotonicNanoseconds()
            board.turned(now: woken, interval: interval)
            probes.turn(now: woken)
            if woken >= nextLook {
                govern(now: woken)
                nextLook = woken + Self.governNanoseconds
            }
            if woken >= nextDrain {
                drain()
                nextDrain = woken + Self.drainNanoseconds
            }
            if woken >= nextCheck {
                // A shorter interval counts at once.
                if checkForChanges() { nextExport = min(nextExport, woken + interval) }
                nextCheck = woken + Self.checkNanoseconds
            }
            if woken >= nextExport {
                export()
                // Windows that were missed, as on a machine that slept, are not made up for.
                nextExport = max(nextExport + interval, Clock.monotonicNanoseconds() + interval / 2)
            }
        }
        AgentLog.info("stopping: last export", ("deadline", "\(Self.flushTime)"))
        export(isLast: true)
        probes.close()
    }

    private var interval: UInt64 { UInt64(configuration.intervalSeconds) * 1_000_000_000 }

    // MARK: A window

    private mutating func drain() {
        aggregator.unixMinusMonotonicNanoseconds = Clock.unixNanoseconds() &- Clock.monotonicNanoseconds()
        probes.drain()
        drains += 1
        if drains % Self.drainsPerSettle == 0 { probes.settle(into: &aggregator) }
    }

    private mutating func export(isLast: Bool = false) {
        aggregator.unixMinusMonotonicNanoseconds = Clock.unixNanoseconds() &- Clock.monotonicNanoseconds()
        probes.drain()
        probes.settle(into: &aggregator)
        probes.walk(into: &aggregator)
        let maps = probes.read(into: &aggregator)
        host.identify(for: &aggregator, now: Clock.monotonicNanoseconds())
        probes.ignore(aggregator.ignoredCgroups)
        if configuration.signals.scheduler.enabled { hostMeter.read(into: &aggregator) }
        if case .host? = network {
            let probes = probes
            networkMeter.read(configuration.signals, segments: { probes.comparedSegments() }, readsSockets: readsSockets, into: &aggregator)
        }
        if configuration.signals.disk.enabled { aggregator.names.devices = KernelNames.devices(inPartitions: readSmallFile("/proc/partitions") ?? "") }
        probes.readStatistics(into: &telemetry)
        let now = Clock.unixNanoseconds()
        exporter.enqueue(LogsRequest(aggregator.takeLogs(isLast: isLast)))
        let window = aggregator.window
        var metrics = aggregator.endWindow(at: now, answered: exporter.answeredWindow ?? -1, isLast: isLast)
        probes.takeOut(aggregator.takeStaleKeys(), into: &aggregator)
        let reading = AgentReading(
            process: ProcessUsage.read(), export: ExportReading(exporter.counts), logExport: ExportReading(exporter.logCounts), maps: maps)
        metrics.append(telemetry.metrics(reading, aggregator: aggregator, version: AgentVersion.text, at: now))
        exporter.enqueue(Self.requests(metrics), window: window)
        publish(losses: telemetry.lostEvents(aggregator.ledger, reading.export, logs: reading.logExport))
        ProcessMemory.giveBackFreed()
        if exportsUntilSettled > 0 {
            exportsUntilSettled -= 1
            if exportsUntilSettled == 0 { ResidentCode.drop() }
        }
    }

    /// Splits at resources, so that a request stays below its limit of points.
    static func requests(_ metrics: [ResourceMetrics]) -> [MetricsRequest] {
        var requests: [MetricsRequest] = []
        var points = 0
        for group in metrics {
            let count = group.metrics.reduce(0) { $0 + $1.pointCount }
            if requests.isEmpty || points + count > pointsPerRequestMax {
                requests.append(MetricsRequest([]))
                points = 0
            }
            requests[requests.count - 1].resourceMetrics.append(group)
            points += count
        }
        return requests
    }

    // MARK: Budget

    /// Holds the cost below the budget.
    private mutating func govern(now: UInt64) {
        let cost = meter.cost(kernelSeconds: probes.kernelSeconds, process: ProcessUsage.read(), now: now)
        average.take(cost)
        let before = governor.steps
        let wasOver = governor.isOver
        let hasChanged = governor.look(
            at: cost, budgetMillicores: configuration.budget.cpuMillicores, possible: ProbePlan.possibleSteps(configuration.signals))
        if governor.isOver, !wasOver {
            AgentLog.warning("the budget is exceeded and nothing is left to take back", ("millicores", "\(Int(cost.kernelMillicores + cost.agentMillicores))"))
        }
        guard hasChanged else { return }
        for step in governor.steps where !before.contains(step) {
            AgentLog.warning(
                "over budget: \(step.text)", ("kernelMillicores", "\(Int(cost.kernelMillicores))"), ("agentMillicores", "\(Int(cost.agentMillicores))"),
                ("budget", "\(configuration.budget.cpuMillicores)"))
        }
        for step in before where !governor.steps.contains(step) { AgentLog.info("within budget again; given back: \(step.text)") }
        // What was counted until now was counted whole, whatever is sampled from now on.
        _ = probes.read(into: &aggregator)
        applyProbes()
        forgetCosts()
    }

    /// Loading a program costs once, so it is not held against the budget.
    private mutating func forgetCosts() { _ = meter.cost(kernelSeconds: probes.kernelSeconds, process: ProcessUsage.read(), now: Clock.monotonicNanoseconds()) }

    // MARK: Status

    /// Puts up what is asked for at `/status`.
    private func publish(losses: [String: UInt64] = [:]) {
        board.started(wereCgroupsRead: host.wasRead)
        board.publish(
            AgentStatus(
                node: node.kubernetesName ?? node.hostName, version: AgentVersion.text, kernelRelease: SondeAgent.kernelRelease,
                signals: SignalReport.signals(configuration.signals, outcomes: probes.outcomes, saving: governor.steps, files: files),
                overhead: average.overhead,
                budget: AgentStatus.Budget(isOver: governor.isOver, steps: governor.steps.map(\.text)), losses: losses))
    }

    /// Where no program can find out, what the configuration says holds: the operator gives the pod the network that it writes there.
    private var network: NetworkView? {
        if case .unknown? = probes.network, configuration.hostNetwork { return .host(inode: 0) }
        return probes.network
    }

    /// Whether /proc/net stands for the walk over all tasks, which this kernel does not have.
    private var readsSockets: Bool {
        configuration.signals.tcp.enabled && !probes.walks && !governor.steps.contains(.tcpOff)
    }

    /// What the kernel's files give, by family of signals.
    private var files: [String: [AgentStatus.Metric]] {
        NetworkMeter.metrics(
            view: network, isAsked: configuration.hostNetwork, comparesSegments: probes.comparesSegments, readsSockets: readsSockets
        ).merging(["scheduler": hostMeter.metrics]) { first, _ in first }
    }

    // MARK: Configuration

    /// Puts the configuration in force.
    private mutating func apply() {
        aggregator.update(Self.settings(configuration, node))
        applyProbes()
        let kinds = ProbePlan.kinds(configuration.signals, tellsAddresses: configuration.attributes.addresses)
        for kind in GroupKind.all where !kinds.contains(kind.name) { aggregator.forget(kind) }
        aggregator.names.dropReasons = probes.dropReasons
        forgetCosts()
        logWhatIsMissing()
        exportsUntilSettled = 2
    }

    private mutating func applyProbes() {
        let gone = probes.apply(configuration, cgroupMode: host.hierarchy.mode, saving: governor.steps, into: &aggregator, &telemetry)
        for kind in gone { aggregator.restart(kind) }
    }

    private func logWhatIsMissing() {
        let missing = configuration.signals.families.filter { $0.enabled && !ProbeSignals.available.contains($0.name) }.map(\.name)
        if !missing.isEmpty { AgentLog.info("this version does not take these signals", ("signals", missing.joined(separator: ","))) }
        if probes.isEmpty { AgentLog.warning("no kernel program runs; the agent goes on with what the kernel's files give, and its own metrics") }
    }

    /// - Returns: whether another configuration is in force now.
    private mutating func checkForChanges() -> Bool {
        switch file.change() {
        case .none: return checkForHeaders()
        case .broken(let failure):
            AgentLog.error("the changed configuration is not used; the one before stays in force", ("errors", failure.messages.joined(separator: "\n")))
            return false
        case .changed(let changed, let warnings):
            for warning in warnings { AgentLog.warning(warning) }
            return use(changed)
        }
    }

    /// Headers are files of a mounted Secret, which may change without the configuration.
    private mutating func checkForHeaders() -> Bool {
        guard Self.headersSignature(configuration) != headers else { return false }
        return use(configuration)
    }

    private static func headersSignature(_ configuration: AgentConfiguration) -> SmallFile.Signature? {
        configuration.destination.headersDirectory.flatMap { SmallFile.Signature($0 + "/..data") ?? SmallFile.Signature($0) }
    }

    private mutating func use(_ changed: AgentConfiguration) -> Bool {
        headers = Self.headersSignature(changed)
        do {
            exporter.update(try ExportDestination(changed.destination), policy: ExportPolicy(changed.destination.queue))
        } catch {
            AgentLog.error("the changed configuration is not used; the one before stays in force", ("errors", error.message))
            return false
        }
        if changed.paths != configuration.paths {
            host = Host(changed.paths)
            hostMeter = HostMeter(host.hierarchy)
            networkMeter = NetworkMeter(root: host.hierarchy.root)
        }
        if changed.statusPort != configuration.statusPort { AgentLog.warning("another statusPort counts from the next start on") }
        configuration = changed
        AgentLog.info(
            "configuration in force", ("path", file.path), ("endpoint", changed.destination.endpoint), ("protocol", changed.destination.protocol.rawValue),
            ("intervalSeconds", "\(changed.intervalSeconds)"))
        apply()
        return true
    }
}

extension ExportReading {
    init(_ counts: ExportCounts) { self.init(seen: counts.seen, exported: counts.exported, dropped: counts.dropped) }
}
