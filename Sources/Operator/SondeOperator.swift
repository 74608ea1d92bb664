// The operator as one thing to run: both controllers in every namespace that it works in.
// sonde-operator hands it an API, a way to ask agents, a clock and a gate, and runs it; the integration suite does the same.
// It never opens a socket or reads a file, and never writes while the gate is closed.

import Kubernetes
import KubernetesRuntime
import Logging
import Rendering
import SondeAPI
import Synchronization

/// What the operator is handed from outside.
public struct OperatorEnvironment: Sendable {
    public var api: any KubernetesAPI
    /// Asks agents for their status.
    public var agents: any AgentStatusSource
    /// Reads the collectors' own metrics; nil when nobody does.
    public var collectorMetrics: (any CollectorMetricsSource)?
    public var configuration: OperatorConfiguration
    /// Every write passes it; a leader elector opens and closes it.
    public var gate: WriteGate
    public var time: any TimeSource
    public var logger: Logger
    public var metrics: RuntimeMetrics
    /// Who reports events: the pod's name.
    public var instance: String

    public init(
        api: any KubernetesAPI, agents: any AgentStatusSource, collectorMetrics: (any CollectorMetricsSource)? = nil, configuration: OperatorConfiguration,
        gate: WriteGate, time: any TimeSource = SystemTime(), logger: Logger, metrics: RuntimeMetrics = RuntimeMetrics(), instance: String = "sonde-operator"
    ) {
        self.api = api
        self.agents = agents
        self.collectorMetrics = collectorMetrics
        self.configuration = configuration
        self.gate = gate
        self.time = time
        self.logger = logger
        self.metrics = metrics
        self.instance = instance
    }
}

/// Both controllers. Run it once.
///
/// Start order: custom resource definitions are waited for, then caches fill, then `whenLeading` is awaited, then keys are worked on. Stop order:
/// no more keys are taken, running ones end (at most `stopGrace`), then the caches stop; the caller gives up its lease after `run` has returned.
public final class SondeOperator: Sendable {
    public enum Readiness: Hashable, Sendable {
        case ready
        /// Why not yet, for people.
        case waiting(String)
    }

    /// Running reconciles get so long to end after `stop()`.
    public static let stopGrace: Duration = .seconds(25)
    private static let definitionsPause: Duration = .seconds(5)

    private struct State {
        var waitingFor: String? = "start"
        var isWorking = false
    }

    /// The name under which events are reported.
    public static let reportingController = "sonde.dev/operator"

    private let environment: OperatorEnvironment
    let recorder: EventRecorder
    let scopes: [OperatorScope]
    private let neighbours: NeighbourKinds
    private let state = Mutex(State())
    private let stopRequests: AsyncStream<Void>
    private let stopRequest: AsyncStream<Void>.Continuation

    public init(_ environment: OperatorEnvironment) {
        self.environment = environment
        let namespaces: [String?] = environment.configuration.namespaces ?? [nil]
        neighbours = NeighbourKinds(
            types: CollectorRendering.neighbours, api: environment.api, namespace: namespaces.first ?? nil, pause: environment.configuration.neighbourPause,
            time: environment.time, logger: environment.logger)
        recorder = EventRecorder(
            api: environment.api, gate: environment.gate, reportingController: Self.reportingController, reportingInstance: environment.instance,
            time: environment.time, logger: environment.logger, metrics: environment.metrics)
        let shared = SharedParts(
            slots: RequestSlots(AgentWatcher.requestsMax), collectorSlots: RequestSlots(HealthWatcher.requestsMax), recorder: recorder,
            findings: FindingsBoard(metrics: environment.metrics), health: HealthMetrics(metrics: environment.metrics), neighbours: neighbours)
        scopes = namespaces.map { OperatorScope(namespace: $0, environment: environment, shared: shared) }
        (stopRequests, stopRequest) = AsyncStream.makeStream()
    }

    /// Ready once the caches are filled, on the leader and on every other replica alike.
    public var readiness: Readiness {
        if let reason = state.withLock({ $0.waitingFor }) { return .waiting(reason) }
        return .ready
    }

    /// Asks `run` to end; may be called at any time, more than once.
    public func stop() {
        for scope in scopes { scope.stop() }
        stopRequest.finish()
    }

    private enum Part { case worked, stopRequested, graceOver }

    /// Runs until `stop()`, cancellation, or a fatal error.
    /// - Parameter whenLeading: Returns when this replica may write; without leader election, at once.
    public func run(whenLeading: @escaping @Sendable () async throws -> Void = {}) async throws {
        try await withThrowingTaskGroup(of: Part.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await self.work(whenLeading) }
            group.addTask {
                for await _ in self.stopRequests {}
                try Task.checkCancellation()
                return .stopRequested
            }
            while let part = try await group.next() {
                switch part {
                case .worked, .graceOver: return
                case .stopRequested:
                    if !state.withLock({ $0.isWorking }) { return }
                    group.addTask { [time = environment.time] in
                        try await time.sleep(for: Self.stopGrace)
                        return .graceOver
                    }
                }
            }
        }
    }

    /// Fills the caches, then works on keys until the queues are shut down.
    private func work(_ whenLeading: @escaping @Sendable () async throws -> Void) async throws -> Part {
        try await waitForDefinitions()
        return try await withThrowingTaskGroup(of: Part?.self) { group in
            defer { group.cancelAll() }
            for scope in scopes {
                group.addTask {
                    try await scope.runInformers()
                    return nil
                }
            }
            group.addTask {
                try await self.neighbours.run()
                return nil
            }
            group.addTask { try await self.workWhenSynced(whenLeading) }
            while let part = try await group.next() {
                if let part { return part }
            }
            return .worked
        }
    }

    private func workWhenSynced(_ whenLeading: @Sendable () async throws -> Void) async throws -> Part {
        state.withLock { $0.waitingFor = "the first lists of the watched kinds" }
        for scope in scopes { try await scope.waitUntilSynced() }
        try await neighbours.waitUntilAsked()
        state.withLock { $0.waitingFor = nil }
        environment.logger.info("Caches are filled")
        try await whenLeading()
        state.withLock { $0.isWorking = true }
        environment.logger.info("Started working on resources")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.recorder.run() }
            try await runControllers()
            // What was recorded until now is still sent.
            recorder.stop()
            try await group.waitForAll()
        }
        return .worked
    }

    private func runControllers() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for scope in scopes { group.addTask { try await scope.runControllers() } }
            try await group.waitForAll()
        }
    }

    // MARK: Definitions

    /// Returns once the API serves both custom resources; until then it says so in one message and in `readiness`.
    private func waitForDefinitions() async throws {
        var reported: String?
        while let problem = try await missingDefinition() {
            state.withLock { $0.waitingFor = problem }
            if problem != reported { environment.logger.warning("Waiting", metadata: ["for": "\(problem)"]) }
            reported = problem
            try await environment.time.sleep(for: Self.definitionsPause)
        }
    }

    private func missingDefinition() async throws -> String? {
        let namespace = environment.configuration.namespaces?.first
        for type in [ResourceType.openTelemetryCollectors, .ebpfProbes] {
            do {
                _ = try await environment.api.list(type, namespace: namespace, limit: 1)
            } catch let error as KubernetesError where error.code == .notFound {
                return
                    "the CustomResourceDefinition \(type.plural).\(type.group) is not installed (or does not serve \(type.version)); "
                    + "install it with: kubectl apply -f crds/"
            } catch let error as KubernetesError {
                return "\(type.plural).\(type.group) cannot be listed: \(error)"
            }
        }
        return nil
    }
}
