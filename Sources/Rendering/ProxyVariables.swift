// The environment variables that name a proxy, for the containers that Sonde makes.
// The renderings of collectors and agents add them to what the containers have anyway.
// It never decides which variables there are: the operator hands over its own.

import JSON

enum ProxyVariables {
    /// Entries of a collector's `env`, as existing clusters have them: each name in both spellings, the lower one with the upper one's value
    /// unless it has its own.
    static func collectorEnvironment(_ variables: [String: String]) -> [(name: String, entry: JSONValue)] {
        ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"].flatMap { upper -> [(String, String?)] in
            let lower = upper.lowercased()
            return [(upper, variables[upper]), (lower, variables[lower] ?? variables[upper])]
        }.compactMap { name, value in value.map { (name, entry(name, $0)) } }
    }

    private static func entry(_ name: String, _ value: String) -> JSONValue { .members([("name", .string(name)), ("value", .string(value))]) }

    /// Entries of a container's `env`, in order of their names.
    static func environment(_ variables: [String: String]) -> [(name: String, entry: JSONValue)] {
        variables.sorted { $0.key < $1.key }.map { ($0.key, entry($0.key, $0.value)) }
    }
}
