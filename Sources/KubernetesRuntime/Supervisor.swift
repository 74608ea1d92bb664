// Starts the parts of a process in order, waits for each to be ready, and stops them in another order (docs/controllers.md rule 33).
// Executables describe their parts once and run this until a signal comes.
// It never leaves a part running: `run` returns when every part has ended.

import Logging
import Synchronization

/// One long-running part of a process.
public struct Component: Sendable {
    public let name: String
    /// Runs until it is stopped; an end before that is an error of the process.
    let run: @Sendable () async throws -> Void
    /// Returns when the part does its work; nil: as soon as it was started.
    let ready: (@Sendable () async throws -> Void)?
    /// Asks the part to end in good order; nil: it is cancelled.
    let stop: (@Sendable () async -> Void)?
    /// How long it may take after `stop` before it is cancelled.
    let grace: Duration

    public init(
        _ name: String, grace: Duration = .seconds(5), run: @escaping @Sendable () async throws -> Void,
        ready: (@Sendable () async throws -> Void)? = nil, stop: (@Sendable () async -> Void)? = nil
    ) {
        self.name = name
        self.grace = grace
        self.run = run
        self.ready = ready
        self.stop = stop
    }
}

/// Why the process ended by itself.
public struct ComponentFailed: Error, Sendable, CustomStringConvertible {
    public let component: String
    /// Nil when the part returned although nobody stopped it.
    public let cause: (any Error)?
    public var description: String { "\(component) \(cause.map { "failed: \($0)" } ?? "ended by itself")" }
}

/// Runs components. A value: `run` may be called once for each description.
public struct Supervisor: Sendable {
    private let components: [Component]
    private let stopOrder: [String]
    private let startDeadline: Duration
    private let time: any TimeSource
    private let logger: Logger

    /// - Parameters:
    ///   - components: In the order in which they start; each starts when the one before it is ready.
    ///   - stopOrder: All names, first to stop first. For an operator: workers, caches, webhook, lease, events, probes.
    ///   - startDeadline: Of each component's `ready`; caches may take long while an API server is away, so it is generous.
    public init(
        _ components: [Component], stopOrder: [String], startDeadline: Duration = .seconds(600), time: any TimeSource = SystemTime(), logger: Logger
    ) {
        precondition(Set(components.map(\.name)) == Set(stopOrder) && components.count == stopOrder.count, "the stop order names every component once")
        self.components = components
        self.stopOrder = stopOrder
        self.startDeadline = startDeadline
        self.time = time
        self.logger = logger
    }

    /// Starts everything, waits until `stopRequested` returns, stops everything.
    /// - Throws: `ComponentFailed` of the first part that ended on its own, after the others were stopped in order.
    public func run(until stopRequested: @escaping @Sendable () async -> Void) async throws {
        let watch = Watch(names: components.map(\.name))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await self.start(watch) }
            group.addTask {
                await stopRequested()
                watch.requestStop(nil)
            }
            for component in components { group.addTask { await self.host(component, watch) } }
            await watch.waitForStopRequest()
            await stopAll(watch)
            group.cancelAll()
            try await group.waitForAll()
        }
        if let failure = watch.failure { throw failure }
    }

    private func start(_ watch: Watch) async {
        for component in components {
            logger.debug("Starting", metadata: ["component": "\(component.name)"])
            watch.set(component.name, .started)
            guard let ready = component.ready else { continue }
            do {
                try await withDeadline(startDeadline, "start of \(component.name)", time: time, ready)
            } catch {
                if !Task.isCancelled { watch.requestStop(ComponentFailed(component: component.name, cause: error)) }
                return
            }
            if watch.isStopRequested { return }
        }
        logger.notice("Started", metadata: ["components": "\(components.count)"])
    }

    /// Runs one component from its start until it ends or is cancelled by its own stop.
    private func host(_ component: Component, _ watch: Watch) async {
        await watch.wait { $0[component.name] != .waiting }
        guard watch.phase(component.name) == .started else { return watch.set(component.name, .ended) }
        let error = await Self.outcome(of: component, watch)
        let wasAsked = watch.isStopRequested
        watch.set(component.name, .ended)
        if !wasAsked { watch.requestStop(ComponentFailed(component: component.name, cause: error)) }
    }

    /// What the component threw, nil when it returned.
    private static func outcome(of component: Component, _ watch: Watch) async -> (any Error)? {
        await withTaskGroup(of: Result<Void, any Error>?.self) { group in
            group.addTask {
                do {
                    return .success(try await component.run())
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                await watch.wait { $0[component.name] == .cancelled }
                return nil
            }
            var thrown: (any Error)?
            for await result in group {
                if case .failure(let error) = result { thrown = error }
                group.cancelAll()
            }
            return thrown
        }
    }

    private func stopAll(_ watch: Watch) async {
        watch.abandonWaiting()
        for name in stopOrder {
            guard let component = components.first(where: { $0.name == name }), watch.phase(name) == .started else { continue }
            logger.debug("Stopping", metadata: ["component": "\(name)"])
            if let stop = component.stop {
                await stop()
                let isLate = await !watch.wait(limit: component.grace, time: time) { $0[name] == .ended }
                if isLate { logger.warning("Did not end in time and is cancelled", metadata: ["component": "\(name)", "grace": "\(component.grace)"]) }
            }
            if watch.phase(name) != .ended { watch.set(name, .cancelled) }
            await watch.wait { $0[name] == .ended }
        }
    }
}

/// The phase of each component, shared by the supervisor's tasks. All state is behind the mutex.
private final class Watch: Sendable {
    enum Phase { case waiting, started, cancelled, ended }

    private struct State {
        var phases: [String: Phase]
        var isStopRequested = false
        var failure: ComponentFailed?
    }

    private let state: Mutex<State>
    private let changed = Signal()

    init(names: [String]) { state = Mutex(State(phases: Dictionary(names.map { ($0, .waiting) }, uniquingKeysWith: { $1 }))) }

    var isStopRequested: Bool { state.withLock { $0.isStopRequested } }
    var failure: ComponentFailed? { state.withLock { $0.failure } }
    func phase(_ name: String) -> Phase { state.withLock { $0.phases[name] ?? .ended } }

    func set(_ name: String, _ phase: Phase) {
        state.withLock { state in
            // A component that was given up before its start must not start any more.
            if phase == .started, state.isStopRequested { return }
            state.phases[name] = phase
        }
        changed.notify()
    }

    /// The first reason counts.
    func requestStop(_ failure: ComponentFailed?) {
        state.withLock { state in
            if !state.isStopRequested { state.failure = failure }
            state.isStopRequested = true
        }
        changed.notify()
    }

    /// Components that have not started never will.
    func abandonWaiting() {
        state.withLock { state in
            for (name, phase) in state.phases where phase == .waiting { state.phases[name] = .cancelled }
        }
        changed.notify()
    }

    func waitForStopRequest() async {
        while true {
            let seen = changed.generation
            if isStopRequested { return }
            if Task.isCancelled { return requestStop(nil) }
            await changed.wait(after: seen)
        }
    }

    /// Returns when the condition holds or the task is cancelled.
    func wait(_ condition: @Sendable ([String: Phase]) -> Bool) async {
        while !Task.isCancelled {
            let seen = changed.generation
            if state.withLock({ condition($0.phases) }) { return }
            await changed.wait(after: seen)
        }
    }

    /// As `wait`, for at most `limit`. - Returns: Whether the condition holds.
    func wait(limit: Duration, time: any TimeSource, _ condition: @Sendable ([String: Phase]) -> Bool) async -> Bool {
        let deadline = time.now + limit
        while !Task.isCancelled {
            let seen = changed.generation
            if state.withLock({ condition($0.phases) }) { return true }
            if time.now >= deadline { return false }
            await changed.wait(after: seen, until: deadline, time: time)
        }
        return false
    }
}
