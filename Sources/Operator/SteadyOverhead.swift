// What a probe costs on its nodes, as a status can show it: rounded, and the same until it has really changed.
// ProbeAgents takes each round's measurement through it.
// It never writes a trembling number: a settled cluster sees no writes.

import JSON
import KubernetesRuntime

/// The cost over all nodes, in thousandths of a core.
struct Overhead: Hashable, Sendable {
    struct Quantiles: Hashable, Sendable {
        var p50: Int
        var max: Int
    }

    var kernel: Quantiles
    var agent: Quantiles

    init(kernel: Quantiles, agent: Quantiles) {
        self.kernel = kernel
        self.agent = agent
    }

    /// Nil without a node.
    init?(kernelMillicores: [Double], agentMillicores: [Double]) {
        guard let kernel = Self.quantiles(kernelMillicores), let agent = Self.quantiles(agentMillicores) else { return nil }
        self.init(kernel: kernel, agent: agent)
    }

    /// Nil when the status does not have all four numbers.
    init?(status: JSONValue?) {
        func quantiles(_ name: String) -> Quantiles? {
            guard let p50 = status?.at(name, "p50")?.int, let most = status?.at(name, "max")?.int else { return nil }
            return Quantiles(p50: p50, max: most)
        }
        guard let kernel = quantiles("kernelMillicores"), let agent = quantiles("agentMillicores") else { return nil }
        self.init(kernel: kernel, agent: agent)
    }

    var jsonValue: JSONValue {
        func quantiles(_ value: Quantiles) -> JSONValue { ["p50": JSONValue(value.p50), "max": JSONValue(value.max)] }
        return ["kernelMillicores": quantiles(kernel), "agentMillicores": quantiles(agent)]
    }

    private static func quantiles(_ values: [Double]) -> Quantiles? {
        let sorted = values.sorted()
        guard let largest = sorted.last else { return nil }
        return Quantiles(p50: rounded(sorted[(sorted.count - 1) / 2]), max: rounded(largest))
    }

    /// To two significant digits.
    static func rounded(_ value: Double) -> Int {
        var unit = 1.0
        while value / unit >= 99.5 { unit *= 10 }
        return Int((value / unit).rounded() * unit)
    }
}

/// Holds back changes that are small or come too often.
struct SteadyOverhead: Sendable {
    /// One busy node moves the maximum up and down; a status need not follow it each time.
    static let pause: Duration = .seconds(300)
    static let millicoresMin = 2

    private(set) var shown: Overhead?
    private var shownAt: MonotonicTime?

    /// - Parameter shown: What the status had before this process looked.
    init(shown: Overhead? = nil) { self.shown = shown }

    /// Takes a measurement; `shown` follows it when one of its numbers moved by more than 20 % and `millicoresMin`, and the last change is some minutes old.
    mutating func take(_ measured: Overhead?, now: MonotonicTime) {
        guard let measured else {
            (shown, shownAt) = (nil, nil)
            return
        }
        if let shown {
            let pairs = [
                (shown.kernel.p50, measured.kernel.p50), (shown.kernel.max, measured.kernel.max), (shown.agent.p50, measured.agent.p50),
                (shown.agent.max, measured.agent.max),
            ]
            guard pairs.contains(where: Self.hasMoved) else { return }
            if let shownAt, now - shownAt < Self.pause { return }
        }
        (shown, shownAt) = (measured, now)
    }

    private static func hasMoved(_ before: Int, _ after: Int) -> Bool {
        let distance = abs(after - before)
        return distance > millicoresMin && distance * 5 > before
    }
}
