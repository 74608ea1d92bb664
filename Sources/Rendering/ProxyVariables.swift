// The environment variables that name a proxy, for the containers that Sonde makes.
// The renderings of collectors and agents add them to what the containers have anyway.
// It never decides which variables there are: the operator hands over its own.

import JSON

enum ProxyVariables {
    /// Entries of a container's `env`, in order of their names.
    static func environment(_ variables: [String: String]) -> [(name: String, entry: JSONValue)] {
        variables.sorted { $0.key < $1.key }.map { ($0.key, .members([("name", .string($0.key)), ("value", .string($0.value))])) }
    }
}
