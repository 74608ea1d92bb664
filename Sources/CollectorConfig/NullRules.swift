// Components that are written without a value: `batch:` instead of `batch: {}`.
// Validation calls it; a collector takes both alike, but tools that patch resources drop the null.
// It never counts a null inside of a component: there it is a value like others.

import JSON
import SondeAPI

enum NullRules {
    static func findings(_ configuration: CollectorConfiguration) -> [Finding] {
        let paths = ComponentKind.allCases.flatMap { kind in
            configuration.components(kind).filter { $1.isNull }.map { id, _ in RuleSubject.path(kind, id) }
        }
        guard let first = paths.first else { return [] }
        let others = paths.dropFirst()
        let rest = others.isEmpty ? "" : ", and so are \(others.joined(separator: ", "))"
        return [
            Finding(
                .warning, rule: "null-component", path: first,
                message: "is null\(rest): tools that patch resources (kustomize, kubectl edit) drop a null, and the component with it",
                remedy: "write an empty mapping: {}")
        ]
    }
}
