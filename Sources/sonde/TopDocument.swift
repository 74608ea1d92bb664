// The window of `sonde top --once --output json`.
// Scripts read it, hack/truth among them.
// It never rounds a count, and gives every histogram with its bounds.

import JSON
import ProbeCore
import ProbeKernel
import ProbePrograms

/// One window as a document.
struct TopDocument {
    let value: JSONValue

    init(window: TopReading, names: TopNames, unit: HistogramUnit, seconds: Double, probes: [LoadedProbe]) throws(ProbeKernelError) {
        var programs: [JSONValue] = []
        for probe in probes {
            for hook in try probe.statistics() { programs.append(Self.hook(hook)) }
        }
        value = [
            "seconds": .double(seconds),
            "cgroups": .array(window.cgroups.sorted { $0.key < $1.key }.map { Self.cgroup($0.key, $0.value, names, unit) }),
            "programs": .array(programs),
        ]
    }

    private static func cgroup(_ cgroup: UInt64, _ counts: CgroupCounts, _ names: TopNames, _ unit: HistogramUnit) -> JSONValue {
        [
            "cgroup": JSONValue(cgroup), "path": names.path(of: cgroup).map { .string($0) } ?? .null, "name": .string(names.name(of: cgroup)),
            "runQueueLatency": .object(histogram(counts.latency, unit)),
            "contextSwitches": ["voluntary": JSONValue(counts.voluntary), "involuntary": JSONValue(counts.involuntary)],
            "connects": .array(
                labelled(counts.connects) { label, durations in
                    var entry: JSONObject = ["role": .string(TopLabels.role(label.first)), "error": error(label.error)]
                    for (key, value) in histogram(durations, unit) { entry[key] = value }
                    return .object(entry)
                }),
            "retransmits": .array(
                labelled(counts.retransmits) { ["kind": .string(TopLabels.kind($0.first)), "error": error($0.error), "segments": JSONValue($1)] }),
            "lifetimes": .array(labelled(counts.lifetimes) { entry(["role": .string(TopLabels.role($0.first))], $1, unit) }),
            "roundTrips": .object(histogram(counts.roundTrips, unit)),
            "resets": .array(labelled(counts.resets) { ["direction": .string(TopLabels.direction($0.first)), "resets": JSONValue($1)] }),
            "drops": .array(
                labelled(counts.drops) { label, packets in
                    [
                        "reason": .string(names.reason(label.first)), "direction": .string(TopLabels.direction(label.error >> 16)),
                        "protocol": label.error & 0xffff == DropKey.noTransport ? .null : JSONValue(Int(label.error & 0xffff)), "packets": JSONValue(packets),
                    ]
                }),
            "disks": .array(
                labelled(counts.disks) { label, durations in
                    let direction = DiskKey.Direction(rawValue: label.error).map { "\($0)" } ?? "\(label.error)"
                    return entry(["device": .string(names.device(label.first)), "direction": .string(direction)], durations, unit)
                }),
            "lookups": .array(counts.lookups.sorted { $0.key < $1.key }.map { lookup($0.key, $0.value) }),
            "files": .array(counts.files.sorted { $0.key < $1.key }.map { file($0.key, $0.value) }),
            "fileCalls": .array(
                labelled(counts.fileTimes) { label, durations in
                    entry(["operation": .string(TopLabels.fileOperation(label.first)), "error": error(label.error)], durations, unit)
                }),
            "systemCalls": .array(
                labelled(counts.systemCalls) { label, durations in
                    var entry: JSONObject = ["name": .string(TopLabels.systemCall(label.first)), "error": error(label.error)]
                    for (key, value) in histogram(durations, unit) { entry[key] = value }
                    return .object(entry)
                }),
        ]
    }

    private static func file(_ template: String, _ counts: FileCounts) -> JSONValue {
        [
            "path": .string(template), "opens": JSONValue(counts.opens), "reads": JSONValue(counts.reads), "writes": JSONValue(counts.writes),
            "syncs": JSONValue(counts.syncs), "readBytes": JSONValue(counts.readBytes), "writtenBytes": JSONValue(counts.writtenBytes),
        ]
    }

    private static func lookup(_ label: LookupCounts.Label, _ counts: LookupCounts) -> JSONValue {
        let buckets = counts.buckets.enumerated().filter { $0.element > 0 }.map { index, count -> JSONValue in
            let bounds = DNSLookups.Lookups.bounds
            return ["le": index < bounds.count ? .double(bounds[index]) : .null, "count": JSONValue(count)]
        }
        return [
            "name": .string(label.name), "error": label.error.map { .string($0) } ?? .null, "count": JSONValue(counts.count),
            "sumSeconds": .double(Double(counts.sumNanoseconds) / 1e9), "buckets": .array(buckets),
        ]
    }

    private static func entry(_ labels: JSONObject, _ durations: Durations, _ unit: HistogramUnit) -> JSONValue {
        .object(histogram(durations, unit).reduce(into: labels) { $0[$1.0] = $1.1 })
    }

    private static func error(_ number: UInt32) -> JSONValue { number == 0 ? .null : .string(TopLabels.error(number)) }

    private static func labelled<Value>(_ entries: [CgroupCounts.Label: Value], _ document: (CgroupCounts.Label, Value) -> JSONValue) -> [JSONValue] {
        entries.sorted { ($0.key.first, $0.key.error) < ($1.key.first, $1.key.error) }.map { document($0.key, $0.value) }
    }

    /// Buckets that are not empty; `le` is the inclusive upper bound in seconds, null for the last slot, which has none.
    private static func histogram(_ durations: Durations, _ unit: HistogramUnit) -> JSONObject {
        let buckets = durations.slots.enumerated().filter { $0.element > 0 }.map { slot, count -> JSONValue in
            let isLast = slot == HistogramLayout.slotCount - 1
            return ["le": isLast ? .null : .double(unit.upperBoundSeconds(slot: slot)), "count": JSONValue(count)]
        }
        return ["count": JSONValue(durations.count), "sumSeconds": .double(Double(durations.sumNanoseconds) / 1e9), "buckets": .array(buckets)]
    }

    private static func hook(_ hook: HookStatistics) -> JSONValue {
        let losses = ProgramLosses.Reason.allCases.map { ($0.rawValue, JSONValue(hook.losses[$0] ?? 0)) }
        return [
            "function": .string(hook.function), "runs": JSONValue(hook.runs), "seconds": .double(Double(hook.estimatedNanoseconds) / 1e9),
            "nanosecondsPerRun": hook.runs > 0 ? .double(Double(hook.estimatedNanoseconds) / Double(hook.runs)) : .null,
            "skipped": JSONValue(hook.skippedRuns), "losses": .object(JSONObject(losses)),
        ]
    }
}
