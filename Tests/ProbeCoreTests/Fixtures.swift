// Map entries as the kernel lays them out, and an aggregator to put them into.

import OTLPMessages
import ProbePrograms
import SondeAPI
import Testing

@testable import ProbeCore

enum Fixture {
    static let scope = Scope(name: "sonde.probe", version: "1")
    static let node = Node(kubernetesName: "node-1", hostName: "host-1")

    static func settings(perOwner: Int = 200, total: Int = 20000, include: [String] = [], exclude: [String] = []) -> ProbeAggregator.Settings {
        var configuration = AgentConfiguration(endpoint: "http://localhost:4318")
        configuration.namespaces.include = include
        configuration.namespaces.exclude = exclude
        return ProbeAggregator.Settings(
            limits: SeriesLimits(perOwner: perOwner, total: total), namespaces: configuration.namespaces, node: node, scope: scope)
    }

    static func words(_ values: [UInt64]) -> [UInt8] { values.flatMap { value in withUnsafeBytes(of: value) { Array($0) } } }

    static func key(_ cgroup: UInt64, _ first: UInt32? = nil, _ second: UInt32 = 0) -> [UInt8] {
        words([cgroup]) + (first.map { words([UInt64($0) | UInt64(second) << 32]) } ?? [])
    }

    /// A histogram's bytes: so many events in each slot, and their sum.
    static func histogram(_ slots: [Int: UInt64], sumNanoseconds: UInt64 = 0) -> [UInt8] {
        words([slots.values.reduce(0, +), sumNanoseconds] + (0..<HistogramLayout.slotCount).map { slots[$0] ?? 0 })
    }

    static func sched(_ cgroup: UInt64, slots: [Int: UInt64] = [:], sumNanoseconds: UInt64 = 0, voluntary: UInt64 = 0, involuntary: UInt64 = 0) -> RawGroup {
        RawGroup(key: key(cgroup), values: [histogram(slots, sumNanoseconds: sumNanoseconds) + words([voluntary, involuntary])])
    }

    static func segments(_ cgroup: UInt64, kind: RetransmitKey.Kind = .fast, error: UInt32 = 0, perCPU: [UInt64]) -> RawGroup {
        RawGroup(key: key(cgroup, kind.rawValue, error), values: perCPU.map { words([$0]) })
    }

    static func systemCall(_ cgroup: UInt64, number: UInt32, error: UInt32 = 0, count: UInt64) -> RawGroup {
        RawGroup(key: key(cgroup, number, error), values: [histogram([10: count])])
    }
}

extension [ResourceMetrics] {
    /// The one resource of a service.
    func resource(_ service: String) throws -> ResourceMetrics {
        let found = filter { $0.resource.attributes.contains(Attribute("service.name", .string(service))) }
        try #require(found.count == 1, "\(found.count) resources of \(service)")
        return found[0]
    }

    /// `metric{attributes}` of a service as a number: the value of a sum, the count of a histogram.
    func value(_ metric: String, of service: String, _ attributes: [Attribute] = []) throws -> UInt64? {
        let metric = try resource(service).metrics.first { $0.name == metric }
        switch metric?.data {
        case .sum(let points, .cumulative, .monotonic):
            return points.first { $0.attributes == attributes }.flatMap { if case .int(let value) = $0.value { UInt64(value) } else { nil } }
        case .exponentialHistogram(let points, .cumulative): return points.first { $0.attributes == attributes }?.count
        default: return nil
        }
    }

    var services: Set<String> {
        Set(
            compactMap {
                if case .string(let name) = $0.resource.attributes.first(where: { $0.key == "service.name" })?.value { name } else { nil }
            })
    }
}
