// Watch events to and from JSON (meta/v1 WatchEvent), one line of the stream each.
// The client decodes with it, the test server encodes with it.
// It never fails: what cannot be read becomes an `.undecodable` event, so that one bad object does not end a watch.

import JSON

extension WatchEvent {
    /// The annotation of the bookmark that ends the initial events of a streaming list.
    public static let initialEventsEndAnnotation = "k8s.io/initial-events-end"

    /// Reads one line of a watch body; `managedFields` are skipped while parsing.
    public init(line: [UInt8]) {
        do {
            self.init(decoding: try JSONValue(parsing: line, dropping: ["managedFields"]))
        } catch {
            self = .undecodable("a watch event is no JSON: \(error.message) at byte \(error.byteOffset)")
        }
    }

    /// Reads `{"type": ..., "object": ...}`.
    public init(decoding event: JSONValue) {
        let object = event["object"] ?? .null
        switch event["type"]?.string {
        case "ADDED": self = Self.named(object, WatchEvent.added)
        case "MODIFIED": self = Self.named(object, WatchEvent.modified)
        case "DELETED": self = Self.named(object, WatchEvent.deleted)
        case "BOOKMARK":
            let metadata = object.metadata
            guard !metadata.resourceVersion.isEmpty else {
                self = .undecodable("a BOOKMARK event carries no resourceVersion")
                return
            }
            let isEnd = metadata.annotations[Self.initialEventsEndAnnotation] == "true"
            self = .bookmark(resourceVersion: metadata.resourceVersion, isInitialEventsEnd: isEnd)
        case "ERROR": self = .failed(KubernetesError(statusObject: object))
        case let type: self = .undecodable("a watch event has the type '\(type ?? "")', which is none of ADDED, MODIFIED, DELETED, BOOKMARK, ERROR")
        }
    }

    private static func named(_ object: JSONValue, _ event: (JSONValue) -> WatchEvent) -> WatchEvent {
        let metadata = object.metadata
        guard !metadata.name.isEmpty, !metadata.resourceVersion.isEmpty else {
            return .undecodable("a watch event carries an object without metadata.name or metadata.resourceVersion (name '\(metadata.name)')")
        }
        return event(object)
    }

    /// The event as the server of `type` writes it. An `.undecodable` event is written as an ERROR with its text.
    public func jsonValue(type: ResourceType) -> JSONValue {
        switch self {
        case .added(let object): return ["type": "ADDED", "object": object]
        case .modified(let object): return ["type": "MODIFIED", "object": object]
        case .deleted(let object): return ["type": "DELETED", "object": object]
        case .bookmark(let resourceVersion, let isInitialEventsEnd):
            var metadata: JSONValue = ["resourceVersion": .string(resourceVersion), "creationTimestamp": nil]
            if isInitialEventsEnd { metadata["annotations"] = [Self.initialEventsEndAnnotation: "true"] }
            return ["type": "BOOKMARK", "object": ["kind": .string(type.kind), "apiVersion": .string(type.apiVersion), "metadata": metadata]]
        case .failed(let error): return ["type": "ERROR", "object": error.statusObject]
        case .undecodable(let text): return ["type": "ERROR", "object": KubernetesError(.internalError, message: text).statusObject]
        }
    }
}
