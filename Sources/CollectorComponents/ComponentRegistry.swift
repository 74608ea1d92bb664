// The components of the collector's repositories by kind and name, old names included.
// Port inference, access rules, defaults and validation ask it; nothing else in Sonde lists components.
// It never says that a component does not exist: private builds have others, so an unknown name is no error.

/// All components that are known.
public struct ComponentRegistry: Sendable {
    /// The first and the last release that the facts hold for.
    public static let oldest = ReleaseVersion(minor: 100)
    public static let newest = ReleaseVersion(minor: 158)

    /// The registry of this version of Sonde.
    public static let shared = ComponentRegistry(ComponentTable.all)

    public let components: [Component]
    /// Lines that could not be read. A test keeps this empty.
    public let problems: [String]
    private let byName: [Component.Kind: [String: Component]]

    init(_ tables: [String]) {
        var table = ComponentTable()
        for text in tables { table.read(text) }
        var byName: [Component.Kind: [String: Component]] = [:]
        for component in table.components {
            for name in component.names where byName[component.kind]?[name] == nil { byName[component.kind, default: [:]][name] = component }
        }
        components = table.components
        problems = table.problems
        self.byName = byName
    }

    /// The component with this name, be it the newest or an earlier one.
    public func component(_ kind: Component.Kind, _ type: String) -> Component? { byName[kind]?[type] }

    /// All names of a kind, to suggest one.
    public func names(of kind: Component.Kind) -> [String] { (byName[kind] ?? [:]).keys.sorted() }
}
