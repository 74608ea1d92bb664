// Listen addresses whose port is no port: inference would take the default in their place, and the collector would stop.
// Validation calls it for components that run.
// It never looks at addresses of something remote, or at ports that come from a variable.

import JSON
import SondeAPI

enum PortNumberRules {
    static func findings(_ configuration: CollectorConfiguration) -> [Finding] {
        let receivers = configuration.enabled(.receivers).flatMap { id in
            addresses(configuration.components(.receivers)[id] ?? .null, RuleSubject.path(.receivers, id))
        }
        let exporters = configuration.enabled(.exporters, ofType: ["prometheus"]).flatMap { addresses($0.value, RuleSubject.path(.exporters, $0.id)) }
        let extensions = configuration.enabled(.extensions, ofType: ["health_check"]).flatMap { addresses($0.value, RuleSubject.path(.extensions, $0.id)) }
        return (receivers + exporters + extensions).compactMap { path, text in
            guard let port = outOfRange(text) else { return nil }
            return Finding(
                .error, rule: "port-number", path: path, message: "\(port) is no port: they go from 1 to 65535",
                remedy: "write for example 0.0.0.0:4317")
        }
    }

    private static func addresses(_ value: JSONValue, _ path: String) -> [(String, String)] {
        var found: [(String, String)] = []
        func add(_ value: JSONValue, _ path: String) {
            for key in ["endpoint", "listen_address"] {
                if let text = value[key]?.string, !text.contains("://") { found.append(("\(path).\(key)", text)) }
            }
        }
        add(value, path)
        for (key, settings) in value["protocols"]?.object ?? [:] { add(settings, "\(path).protocols.\(key)") }
        return found
    }

    /// The digits after the last colon, when they are no port.
    private static func outOfRange(_ text: String) -> String? {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        if let port = Int(digits), (1...65535).contains(port) { return nil }
        return String(digits.prefix(12))
    }
}
