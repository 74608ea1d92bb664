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

    init(window: TopWindow, names: TopNames, unit: HistogramUnit) {
        let share = { (seconds: Double) in window.seconds > 0 ? seconds / window.seconds * 100 : 0 }
        value = [
            "seconds": .double(window.seconds),
            "cgroups": .array(window.reading.cgroups.sorted { $0.key < $1.key }.map { Self.cgroup($0.key, $0.value, names, unit) }),
            "programs": .array(zip(window.totalCosts, window.costs).map { Self.hook($0, inWindow: $1, corePercent: share($1.seconds)) }),
            "off": .array(
                window.off.map { ["program": .string($0.program), "function": .string($0.function), "reason": .string($0.reason)] }),
            "events": .array(window.events.map { Self.event($0, now: window.nowNanoseconds, names) }),
            "eventsLeftOut": JSONValue(window.eventsLeftOut),
            "eventsMalformed": JSONValue(window.eventsMalformed),
            "corePercent": .double(share(window.ownSeconds)),
        ]
    }

    private static func event(_ event: ProcessEvent, now: UInt64, _ names: TopNames) -> JSONValue {
        [
            "kind": .string("\(event.kind)"), "secondsAgo": .double(Double(now &- min(event.nanoseconds, now)) / 1e9), "pid": JSONValue(Int(event.pid)),
            "executable": .string(event.executable), "signal": event.signalName.map { .string($0) } ?? .null,
            "anonymousBytes": event.anonymousBytes.map { JSONValue($0) } ?? .null, "cgroup": JSONValue(event.cgroup),
            "name": .string(names.name(of: event.cgroup)),
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
                labelled(counts.drops) { label, drops in
                    [
                        "reason": .string(names.reason(label.first)), "direction": .string(TopLabels.direction(label.error >> 16)),
                        "protocol": label.error & 0xffff == DropKey.noTransport ? .null : JSONValue(Int(label.error & 0xffff)),
                        "packets": JSONValue(drops.packets),
                        "bytes": JSONValue(drops.bytes),
                    ]
                }),
            "disks": .array(
                labelled(counts.disks) { label, durations in
                    return entry(["device": .string(names.device(label.first)), "direction": .string(TopLabels.diskDirection(label.error))], durations, unit)
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
            "systemCallCounts": .array(
                labelled(counts.systemCallCounts) { ["name": .string(TopLabels.systemCall($0.first)), "error": error($0.error), "calls": JSONValue($1)] }),
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

    /// `runs`, `seconds` and what follows are since the program was loaded, as the agent counts them; `window` is of this window.
    private static func hook(_ hook: HookCost, inWindow window: HookCost, corePercent: Double) -> JSONValue {
        [
            "program": .string(hook.program), "function": .string(hook.function), "runs": JSONValue(hook.runs), "seconds": .double(hook.seconds),
            "nanosecondsPerRun": hook.nanosecondsPerRun.map { .double($0) } ?? .null, "skipped": JSONValue(hook.skipped), "losses": losses(hook),
            "window": [
                "runs": JSONValue(window.runs), "seconds": .double(window.seconds), "corePercent": .double(corePercent),
                "skipped": JSONValue(window.skipped), "losses": losses(window),
            ],
        ]
    }

    private static func losses(_ hook: HookCost) -> JSONValue {
        .object(JSONObject(ProgramLosses.Reason.allCases.map { ($0.rawValue, JSONValue(hook.losses[$0] ?? 0)) }))
    }
}
