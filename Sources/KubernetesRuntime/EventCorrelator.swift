// Which events reach the server, and in what form (docs/controllers.md rule 35): new ones are created, repeated ones become a series.
// EventRecorder keeps it; tests drive it with times of their own.
// It never does I/O and remembers only so many events.

import JSON
import Kubernetes

/// Something that happened to an object, for people who run `kubectl describe`.
public struct EventNote: Hashable, Sendable {
    public enum Kind: String, Sendable { case normal = "Normal", warning = "Warning" }

    public let kind: Kind
    /// One CamelCase word: why.
    public let reason: String
    /// One CamelCase word: what was done.
    public let action: String
    /// At most 1,024 bytes reach the server.
    public let note: String

    public init(_ kind: Kind, reason: String, action: String, note: String) {
        self.kind = kind
        self.reason = reason
        self.action = action
        self.note = note
    }
}

/// The object that an event is about.
public struct EventSubject: Hashable, Sendable {
    public let reference: ObjectReference
    public let uid: String

    public init(_ reference: ObjectReference, uid: String) {
        self.reference = reference
        self.uid = uid
    }

    public init(_ object: JSONValue, type: ResourceType) {
        self.init(ObjectReference(type, object.metadata.objectName), uid: object.metadata.uid)
    }
}

struct EventCorrelator: Sendable {
    enum Action: Hashable, Sendable {
        case create(JSONValue)
        /// Merge into the event of this name.
        case patch(ObjectName, JSONValue)
        /// Too many events about this object; the count of its series goes on.
        case drop
    }

    private struct Key: Hashable {
        let subject: EventSubject
        let note: EventNote
    }

    private struct Series {
        let name: ObjectName
        var count: Int
        var lastSeen: MonotonicTime
    }

    /// A repetition after so long is a new event (client-go's finishTime).
    static let seriesEndsAfter = Duration.seconds(360)
    static let seriesMax = 4096
    static let noteBytesMax = 1024

    let reportingController: String
    let reportingInstance: String
    private var series: [Key: Series] = [:]
    private var buckets: [String: TokenBucket] = [:]
    private var sequence: UInt64

    init(reportingController: String, reportingInstance: String, seed: UInt64) {
        self.reportingController = reportingController
        self.reportingInstance = reportingInstance
        sequence = seed
    }

    mutating func on(_ note: EventNote, about subject: EventSubject, now: MonotonicTime, wallClock: Timestamp) -> Action {
        expire(now)
        let key = Key(subject: subject, note: note)
        if var running = series[key] {
            running.count += 1
            running.lastSeen = now
            series[key] = running
            guard take(subject, now) else { return .drop }
            return .patch(running.name, ["series": ["count": JSONValue(running.count), "lastObservedTime": .string(wallClock.rfc3339Micro)]])
        }
        guard take(subject, now) else { return .drop }
        sequence &+= 1
        let name = ObjectName(namespace: subject.reference.name.namespace ?? "default", name: Self.name(subject, sequence))
        series[key] = Series(name: name, count: 1, lastSeen: now)
        return .create(object(note, subject, name, wallClock))
    }

    /// The server did not take the event: the next one like it is created anew.
    mutating func forget(_ note: EventNote, about subject: EventSubject) { series[Key(subject: subject, note: note)] = nil }

    /// 25 at once and one every five minutes for each object (client-go's spam filter).
    private mutating func take(_ subject: EventSubject, _ now: MonotonicTime) -> Bool {
        buckets[subject.uid, default: TokenBucket(ratePerSecond: 1 / 300, burst: 25)].take(now: now)
    }

    private mutating func expire(_ now: MonotonicTime) {
        series = series.filter { now - $0.value.lastSeen < Self.seriesEndsAfter }
        // Forgetting costs a duplicate event or a few more of a noisy object; remembering without end costs memory.
        if series.count >= Self.seriesMax { series.removeAll() }
        if buckets.count >= Self.seriesMax { buckets.removeAll() }
    }

    private static func name(_ subject: EventSubject, _ sequence: UInt64) -> String {
        // 253 bytes at most; the suffix takes 17.
        "\(subject.reference.name.name.prefix(230)).\(String(sequence, radix: 16))"
    }

    private func object(_ note: EventNote, _ subject: EventSubject, _ name: ObjectName, _ wallClock: Timestamp) -> JSONValue {
        let type = subject.reference.type
        var regarding: JSONValue = [
            "apiVersion": .string(type.apiVersion), "kind": .string(type.kind), "name": .string(subject.reference.name.name), "uid": .string(subject.uid),
        ]
        if let namespace = subject.reference.name.namespace { regarding["namespace"] = .string(namespace) }
        return [
            "apiVersion": .string(ResourceType.events.apiVersion), "kind": .string(ResourceType.events.kind),
            "metadata": ["name": .string(name.name), "namespace": .string(name.namespace ?? "default")],
            "eventTime": .string(wallClock.rfc3339Micro), "type": .string(note.kind.rawValue), "reason": .string(note.reason),
            "action": .string(note.action), "note": .string(Self.shortened(note.note)), "regarding": regarding,
            "reportingController": .string(reportingController), "reportingInstance": .string(String(reportingInstance.prefix(128))),
        ]
    }

    private static func shortened(_ text: String) -> String {
        var out = text
        while out.utf8.count > noteBytesMax { out = String(out.unicodeScalars.dropLast(max(1, (out.utf8.count - noteBytesMax) / 4))) }
        return out
    }
}
