// The list of conditions in a status (meta/v1 Condition): read, change one, write back.
// Controllers build the status of their resources with it.
// It never reads a clock and never touches conditions of types that it was not asked to change.

import JSON

/// One observation about an object, with a constant reason for programs and a message that tells people the next step.
public struct Condition: Hashable, Sendable {
    public enum Status: String, Sendable {
        case `true` = "True"
        case `false` = "False"
        case unknown = "Unknown"
    }

    public var type: String
    public var status: Status
    /// One CamelCase word.
    public var reason: String
    public var message: String
    /// The `metadata.generation` from which this was found; 0 when not known.
    public var observedGeneration: Int
    /// When `status` last changed; nil before it was set into a list.
    public var lastTransitionTime: Timestamp?

    public init(_ type: String, _ status: Status, reason: String, message: String, observedGeneration: Int = 0, lastTransitionTime: Timestamp? = nil) {
        self.type = type
        self.status = status
        self.reason = reason
        self.message = message
        self.observedGeneration = observedGeneration
        self.lastTransitionTime = lastTransitionTime
    }

    /// Nil when type or status is missing.
    public init?(decoding value: JSONValue) {
        guard let type = value["type"]?.string, let status = value["status"]?.string.flatMap(Status.init(rawValue:)) else { return nil }
        self.init(
            type, status, reason: value["reason"]?.string ?? "", message: value["message"]?.string ?? "",
            observedGeneration: value["observedGeneration"]?.int ?? 0,
            lastTransitionTime: value["lastTransitionTime"]?.string.flatMap(Timestamp.init(rfc3339:)))
    }

    public var jsonValue: JSONValue {
        var out: JSONValue = ["type": .string(type), "status": .string(status.rawValue)]
        if observedGeneration > 0 { out["observedGeneration"] = JSONValue(observedGeneration) }
        if let lastTransitionTime { out["lastTransitionTime"] = .string(lastTransitionTime.rfc3339) }
        out["reason"] = .string(reason)
        out["message"] = .string(message)
        return out
    }
}

/// Conditions in order, at most one of each type.
public struct Conditions: Hashable, Sendable {
    public private(set) var all: [Condition]

    public init(_ conditions: [Condition] = []) {
        all = []
        for condition in conditions where self[condition.type] == nil { all.append(condition) }
    }

    /// - Parameter value: `status.conditions`; entries that are no conditions are left out.
    public init(decoding value: JSONValue?) { self.init(value?.array?.compactMap(Condition.init(decoding:)) ?? []) }

    public subscript(type: String) -> Condition? { all.first { $0.type == type } }

    public func isTrue(_ type: String) -> Bool { self[type]?.status == .true }

    /// Puts a condition in the place of the one of its type. `lastTransitionTime` becomes `now` (whole seconds) only when the status flips or
    /// the condition is new, whatever the argument carries.
    public mutating func set(_ condition: Condition, now: Timestamp) {
        var changed = condition
        let whole = Timestamp(secondsSinceEpoch: now.secondsSinceEpoch)
        guard let position = all.firstIndex(where: { $0.type == condition.type }) else {
            changed.lastTransitionTime = whole
            all.append(changed)
            return
        }
        let previous = all[position]
        changed.lastTransitionTime = previous.status == condition.status ? previous.lastTransitionTime ?? whole : whole
        all[position] = changed
    }

    public mutating func remove(_ type: String) { all.removeAll { $0.type == type } }

    public var jsonValue: JSONValue { .array(all.map(\.jsonValue)) }
}
