// From YAML's events to values: anchors, merge keys, tags, keys that are no strings.
// YAML.parse runs it once per stream.
// It never expands without counting: aliases cost as many nodes as what they stand for, and as many levels.

import JSON

/// A loaded node with its price: nodes and levels, itself included.
private struct LoadedNode {
    var value: JSONValue
    var nodes: Int
    var levels: Int
}

struct YAMLLoader {
    private let events: YAMLEventReader
    private var anchors: [String: LoadedNode] = [:]
    /// Nodes of the stream so far, aliases expanded.
    private var nodes = 0

    init(events: YAMLEventReader) { self.events = events }

    mutating func documents() throws(YAMLError) -> [JSONValue] {
        var documents: [JSONValue] = []
        while true {
            let event = try events.next()
            switch event.content {
            case .streamEnd: return documents
            case .documentStart:
                anchors.removeAll()
                let root = try events.next()
                let value = try node(root, depth: 1).value
                if !Self.isNothing(root) { documents.append(value) }
            default: continue
            }
        }
    }

    /// An empty document is one plain scalar without text; an explicit `null` is a document.
    private static func isNothing(_ event: YAMLEvent) -> Bool {
        guard case .scalar(let scalar) = event.content else { return false }
        return scalar.isPlain && scalar.text.isEmpty && scalar.tag == nil
    }

    private mutating func node(_ event: YAMLEvent, depth: Int) throws(YAMLError) -> LoadedNode {
        try count(1, depth: depth, at: event)
        switch event.content {
        case .alias(let name):
            guard let node = anchors[name] else { throw event.error("unknown anchor \"\(name)\"") }
            try count(node.nodes, depth: depth + node.levels - 1, at: event)
            return node
        case .scalar(let scalar):
            let node = LoadedNode(value: try value(scalar, at: event), nodes: 1, levels: 1)
            if let anchor = scalar.anchor { anchors[anchor] = node }
            return node
        case .sequenceStart(let anchor, let tag):
            guard tag == nil || tag == "tag:yaml.org,2002:seq" else { throw event.error("a list with the tag \(tag ?? ""), which has no JSON form") }
            return try sequence(anchor: anchor, depth: depth)
        case .mappingStart(let anchor, let tag):
            guard tag == nil || tag == "tag:yaml.org,2002:map" else { throw event.error("a mapping with the tag \(tag ?? ""), which has no JSON form") }
            return try mapping(anchor: anchor, depth: depth)
        default: throw event.error("a value is missing")
        }
    }

    private mutating func count(_ added: Int, depth: Int, at event: YAMLEvent) throws(YAMLError) {
        nodes += added
        guard nodes <= YAML.nodesMax else { throw event.error("more than \(YAML.nodesMax) values, aliases expanded") }
        guard depth <= YAML.depthMax else { throw event.error("lists and mappings are nested more than \(YAML.depthMax) deep") }
    }

    private mutating func sequence(anchor: String?, depth: Int) throws(YAMLError) -> LoadedNode {
        var elements: [JSONValue] = []
        var total = LoadedNode(value: .null, nodes: 1, levels: 1)
        while true {
            let event = try events.next()
            if case .sequenceEnd = event.content { break }
            let element = try node(event, depth: depth + 1)
            elements.append(element.value)
            total.add(element)
        }
        total.value = .array(elements)
        if let anchor { anchors[anchor] = total }
        return total
    }

    private mutating func mapping(anchor: String?, depth: Int) throws(YAMLError) -> LoadedNode {
        var members = JSONObject()
        var merges: [(JSONObject, YAMLEvent)] = []
        var total = LoadedNode(value: .null, nodes: 1, levels: 1)
        while true {
            let keyEvent = try events.next()
            if case .mappingEnd = keyEvent.content { break }
            let key = try node(keyEvent, depth: depth + 1)
            let valueEvent = try events.next()
            let member = try node(valueEvent, depth: depth + 1)
            total.add(member)
            if Self.isMerge(keyEvent) {
                merges += try Self.mergeSources(member.value, at: valueEvent).map { ($0, valueEvent) }
                continue
            }
            let name = try Self.keyText(key.value, at: keyEvent)
            guard !members.contains(name) else { throw keyEvent.error("the key \"\(name)\" appears twice") }
            members[name] = member.value
        }
        // A key of the mapping itself beats a merged one, an earlier source beats a later one (yaml.org/type/merge.html).
        for (source, event) in merges {
            try count(source.count, depth: depth, at: event)
            for (key, value) in source where !members.contains(key) { members[key] = value }
        }
        total.value = .object(members)
        if let anchor { anchors[anchor] = total }
        return total
    }

    private static func isMerge(_ event: YAMLEvent) -> Bool {
        guard case .scalar(let scalar) = event.content else { return false }
        return scalar.text == "<<" && (scalar.isPlain && scalar.tag == nil || scalar.tag == "tag:yaml.org,2002:merge")
    }

    private static func mergeSources(_ value: JSONValue, at event: YAMLEvent) throws(YAMLError) -> [JSONObject] {
        let message = "`<<` takes a mapping or a list of mappings"
        if let object = value.object { return [object] }
        guard let elements = value.array else { throw event.error(message) }
        var sources: [JSONObject] = []
        for element in elements {
            guard let object = element.object else { throw event.error(message) }
            sources.append(object)
        }
        return sources
    }

    /// Keys as sigs.k8s.io/yaml turns them into JSON: numbers and booleans become text, null and collections are refused.
    private static func keyText(_ key: JSONValue, at event: YAMLEvent) throws(YAMLError) -> String {
        switch key {
        case .string(let text): text
        case .bool(let value): value ? "true" : "false"
        case .int, .uint: key.text()
        case .double: key.text(.goSorted)
        case .null, .array, .object: throw event.error("a key must be a string, a number or a boolean, not \(key.kindName)")
        }
    }
}

extension LoadedNode {
    fileprivate mutating func add(_ child: LoadedNode) {
        nodes += child.nodes
        levels = max(levels, child.levels + 1)
    }
}

extension YAMLLoader {
    private func value(_ scalar: YAMLEvent.Scalar, at event: YAMLEvent) throws(YAMLError) -> JSONValue {
        guard let tag = scalar.tag else { return try finite(scalar.isPlain ? YAMLResolver.plain(scalar.text) : .string(scalar.text), at: event) }
        let resolved = YAMLResolver.plain(scalar.text)
        switch (tag, resolved) {
        case ("!", _), ("tag:yaml.org,2002:str", _), ("tag:yaml.org,2002:timestamp", _), ("tag:yaml.org,2002:merge", _): return .string(scalar.text)
        case ("tag:yaml.org,2002:int", .int), ("tag:yaml.org,2002:int", .uint), ("tag:yaml.org,2002:bool", .bool), ("tag:yaml.org,2002:null", .null):
            return resolved
        case ("tag:yaml.org,2002:float", .int), ("tag:yaml.org,2002:float", .uint), ("tag:yaml.org,2002:float", .double):
            return try finite(.double(resolved.double ?? 0), at: event)
        case ("tag:yaml.org,2002:int", _), ("tag:yaml.org,2002:bool", _), ("tag:yaml.org,2002:null", _), ("tag:yaml.org,2002:float", _):
            throw event.error("\"\(scalar.text)\" is no \(tag.dropFirst("tag:yaml.org,2002:".count))")
        default: throw event.error("a value with the tag \(tag), which has no JSON form")
        }
    }

    private func finite(_ value: JSONValue, at event: YAMLEvent) throws(YAMLError) -> JSONValue {
        if case .double(let number) = value, !number.isFinite { throw event.error("infinity and NaN have no JSON form; quote the value if it is text") }
        return value
    }
}
