// Reads the registry's rows: a component a paragraph, a statement a line, continued by lines with one space more.
// ComponentRegistry reads all tables once; the facts come from the collector's metadata files, manifests of releases, changelogs and settings types.
// It never stops at a bad row: the row becomes a problem, which a test shows.
//
//     receiver file_log = filelog@149          kind, newest name, earlier name, release that renamed it (150-153: in one of these)
//      is logs:beta                            signals with stability; a connector has traces>metrics:alpha, an extension only a stability
//      in contrib k8s:112.. core:..131         distributions with the releases that carry it
//      listens grpc:4317/TCP/grpc http:…       or `never`, `api_server`, `required/TCP` (no default port)
//      at tcp.listen_address:514/TCP           listeners that no Service shows
//      access always:core/pods,nodes=get,list  condition, API group and resources, verbs; without the latter the code makes the rules
//      keys@139 +http_client metrics           settings as of a release; +NAME is a set of keys

struct ComponentTable {
    static let all = [keySets, receiversAToJ, receiversKToZ, exporters, processorsAndConnectors, extensions]

    private(set) var components: [Component] = []
    private(set) var problems: [String] = []
    private var sets: [String: [String]] = [:]

    mutating func read(_ text: String) {
        var statement = ""
        for line in text.split(separator: "\n") {
            if line.hasPrefix("  ") {
                statement += statement.hasSuffix(",") ? line.dropFirst(2) : line.dropFirst(1)
            } else {
                take(statement)
                statement = String(line)
            }
        }
        take(statement)
    }

    private mutating func take(_ statement: String) {
        guard !statement.isEmpty else { return }
        let words = statement.split(separator: " ").map(String.init)
        let isRead = statement.hasPrefix(" ") ? readStatement(words) : readHead(words)
        if !isRead { problems.append(statement) }
    }

    private mutating func readHead(_ words: [String]) -> Bool {
        if words.count > 2, words[0] == "set" {
            sets[words[1]] = Array(words.dropFirst(2))
            return true
        }
        guard words.count == 2 || words.count == 4, let kind = Component.Kind(rawValue: words[0]) else { return false }
        var component = Component(kind: kind, type: words[1])
        if words.count == 4 {
            guard words[2] == "=", let earlier = Self.earlierName(words[3]) else { return false }
            component.earlierName = earlier
        }
        components.append(component)
        return true
    }

    private mutating func readStatement(_ words: [String]) -> Bool {
        guard var component = components.popLast() else { return false }
        defer { components.append(component) }
        let rest = words.dropFirst()
        guard let word = words.first, !rest.isEmpty else { return false }
        switch word {
        case "is": return Self.readFlows(rest, into: &component)
        case "in": return Self.readCarriers(rest, into: &component)
        case "listens":
            guard let listening = Self.listening(rest) else { return false }
            component.listening = listening
        case "at":
            let listeners = rest.compactMap(Self.hiddenListener)
            guard listeners.count == rest.count else { return false }
            component.hiddenListeners = listeners
        case "access":
            guard let access = Self.access(rest) else { return false }
            component.access.append(access)
        default: return readKeys(word, rest, into: &component)
        }
        return true
    }

    private static func earlierName(_ word: String) -> Component.EarlierName? {
        let parts = word.split(separator: "@")
        guard parts.count == 2 else { return nil }
        let bounds = parts[1].split(separator: "-").map { ReleaseVersion(row: $0) }
        guard let first = bounds.first, let notBefore = first, let last = bounds.last, let from = last, bounds.count <= 2 else { return nil }
        return .init(name: String(parts[0]), newerNameNotBefore: notBefore, newerNameFrom: from)
    }

    private static func readFlows(_ words: ArraySlice<String>, into component: inout Component) -> Bool {
        for word in words {
            let parts = word.split(separator: ":").map(String.init)
            guard let text = parts.last, let stability = Component.Stability(rawValue: text), parts.count <= 2 else { return false }
            let signals = parts.count == 2 ? parts[0].split(separator: ">").map(String.init) : [""]
            guard let from = signals.first, let to = signals.last, signals.count <= 2 else { return false }
            component.flows[.init(from: from, to: to)] = stability
        }
        return true
    }

    private static func readCarriers(_ words: ArraySlice<String>, into component: inout Component) -> Bool {
        for word in words {
            let parts = word.split(separator: ":").map(String.init)
            guard let name = parts.first, let distribution = Distribution(rawValue: name), parts.count <= 2 else { return false }
            var bounds: [String] = ["", ""]
            if parts.count == 2 {
                guard let dots = parts[1].firstRange(of: "..") else { return false }
                bounds = [String(parts[1][..<dots.lowerBound]), String(parts[1][dots.upperBound...])]
            }
            let read = bounds.map { ReleaseVersion(row: $0) }
            guard zip(bounds, read).allSatisfy({ $0.isEmpty || $1 != nil }) else { return false }
            component.carriers[distribution] = .init(first: read[0], last: read[1])
        }
        return true
    }

    private mutating func readKeys(_ word: String, _ words: ArraySlice<String>, into component: inout Component) -> Bool {
        guard word.hasPrefix("keys@"), let version = ReleaseVersion(row: word.dropFirst(5)) else { return false }
        var names: Set<String> = []
        for word in words {
            guard word.hasPrefix("+") else {
                names.insert(word)
                continue
            }
            guard let set = sets[String(word.dropFirst())] else { return false }
            names.formUnion(set)
        }
        component.keys = .init(names: names, readAt: version)
        return true
    }
}

extension ComponentTable {
    private static func listening(_ words: ArraySlice<String>) -> Component.Listening? {
        if words == ["never"] { return .never }
        if words == ["api_server"] { return .apiServer }
        let ports = words.compactMap(port)
        guard ports.count == words.count, let first = ports.first else { return nil }
        return first.key.isEmpty ? .single(first) : .protocols(ports)
    }

    /// `grpc:4317/TCP/grpc`, `2000/UDP`, `required/TCP`.
    private static func port(_ word: String) -> Component.ListeningPort? {
        let keyed = word.split(separator: ":").map(String.init)
        let parts = (keyed.last ?? "").split(separator: "/").map(String.init)
        guard keyed.count <= 2, (2...3).contains(parts.count), parts[0] == "required" || Int(parts[0]) != nil else { return nil }
        return .init(key: keyed.count == 2 ? keyed[0] : "", number: Int(parts[0]), transport: parts[1], applicationProtocol: parts.count == 3 ? parts[2] : nil)
    }

    /// `http.endpoint:8080/TCP`, `tcp.listen_address/TCP`.
    private static func hiddenListener(_ word: String) -> Component.HiddenListener? {
        let parts = word.split(separator: "/").map(String.init)
        let address = (parts.first ?? "").split(separator: ":").map(String.init)
        guard parts.count == 2, let path = address.first, address.count == 1 || Int(address[1]) != nil else { return nil }
        return .init(path: path.split(separator: ".").map(String.init), number: address.count == 2 ? Int(address[1]) : nil, transport: parts[1])
    }

    /// `always:core/pods,namespaces=get,list`, `objects:`.
    private static func access(_ words: ArraySlice<String>) -> Component.Access? {
        guard words.count == 1, let word = words.first, let colon = word.firstIndex(of: ":") else { return nil }
        let condition = String(word[..<colon])
        let rest = word[word.index(after: colon)...]
        if rest.isEmpty { return .init(condition: condition, group: "", resources: [], verbs: []) }
        guard let slash = rest.firstIndex(of: "/"), let equals = rest.lastIndex(of: "="), slash < equals else { return nil }
        let group = rest[..<slash] == "core" ? "" : String(rest[..<slash])
        let resources = rest[rest.index(after: slash)..<equals].split(separator: ",").map(String.init)
        let verbs = rest[rest.index(after: equals)...].split(separator: ",").map(String.init)
        return resources.isEmpty || verbs.isEmpty ? nil : .init(condition: condition, group: group, resources: resources, verbs: verbs)
    }
}
