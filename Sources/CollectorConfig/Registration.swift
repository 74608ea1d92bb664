// What the registry knows of the components that a configuration names.
// Ports, defaults, access rules and the rules about the graph ask it with the ids that a user wrote.
// It never decides anything: a component that nobody knows is nil, and may still exist in a private build.

import CollectorComponents

extension ComponentKind {
    /// The same kind, as the registry names it.
    var registered: Component.Kind {
        switch self {
        case .receivers: .receiver
        case .processors: .processor
        case .exporters: .exporter
        case .connectors: .connector
        case .extensions: .extension
        }
    }
}

extension ComponentID {
    /// The registry's entry for an id such as `otlp/2`; nil for components that are in none of the collector's repositories.
    static func registered(_ kind: ComponentKind, _ id: String) -> Component? { ComponentRegistry.shared.component(kind.registered, type(id)) }

    /// The signals that a component takes; nil when it is not known. Connectors take what comes in at their exporter's end.
    static func signals(_ kind: ComponentKind, _ id: String) -> Set<String>? { registered(kind, id)?.signals }
}

extension CollectorConfiguration {
    /// All names that a component with this name in the registry ever had, to find it in configurations old and new.
    static func names(_ kind: ComponentKind, _ type: String) -> Set<String> {
        Set(ComponentRegistry.shared.component(kind.registered, type)?.names ?? [type])
    }
}
