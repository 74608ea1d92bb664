// Components that the installation forbids: those that are not fit for a kernel in FIPS mode.
// Validation calls it.
// It never looks at components that no pipeline uses: a collector does not start those.

import CollectorComponents
import SondeAPI

public enum DisabledComponents {
    /// Whether a text can stand in the list: `exporter.kafka`, or `kafka` for every kind.
    public static func isName(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let isTyped = parts.count == 1 || parts.count == 2 && ComponentKind.allCases.contains { $0.singular == parts[0] }
        return isTyped && parts.last?.isEmpty == false && parts.last?.contains("/") == false
    }

    static func findings(_ subject: RuleSubject) -> [Finding] {
        let disabled = Set(subject.facts.disabledComponents)
        guard !disabled.isEmpty else { return [] }
        return ComponentKind.allCases.flatMap { kind in
            subject.configuration.enabled(kind).compactMap { id in
                let type = ComponentID.type(id)
                guard disabled.contains(type) || disabled.contains("\(kind.singular).\(type)") else { return nil }
                return Finding(
                    .error, rule: "component-disabled", path: RuleSubject.path(kind, id),
                    message: "the operator does not allow the \(type) \(kind.singular) in FIPS mode",
                    remedy: "use another component, or take it off the operator's --fips-disabled-components")
            }
        }
    }
}
