// Rules about single components that need the registry: does the image carry it, is its name the newest, are its settings' keys known, is its queue kept.
// Validation calls it with the image that the collector runs.
// It never calls an unknown component or key an error: private builds and newer releases have others.

import CollectorComponents
import JSON
import SondeAPI

struct ComponentRules {
    let configuration: CollectorConfiguration
    /// Nil when nobody here knows what is in the image.
    let image: CollectorImage?

    var findings: [Finding] {
        ComponentKind.allCases.flatMap { kind in
            configuration.components(kind).flatMap { id, value in findings(kind, id, value) }
        } + queues
    }

    private func findings(_ kind: ComponentKind, _ id: String, _ value: JSONValue) -> [Finding] {
        let path = "spec.config.\(kind.rawValue).\(id)"
        guard let component = ComponentID.registered(kind, id) else { return unknownType(kind, id, path) }
        return carried(component, id, path) + renamed(component, id, path) + unknownKeys(component, value, path)
    }

    private func unknownType(_ kind: ComponentKind, _ id: String, _ path: String) -> [Finding] {
        let type = ComponentID.type(id)
        let elsewhere = ComponentKind.allCases.first { ComponentID.registered($0, id) != nil }
        let remedy =
            elsewhere.map { "\(type) is one of the \($0.rawValue); put it there" }
            ?? Spelling.nearest(to: type, in: ComponentRegistry.shared.names(of: kind.registered)).map { "did you mean \($0)?" }
            ?? "see that your image has it: no image of the OpenTelemetry project does"
        return [
            Finding(
                .warning, rule: "unknown-component", path: path, message: "\(type) is no \(kind.singular) of the collector's repositories", remedy: remedy)
        ]
    }

    /// A collector reads the settings of every component that is defined, also of those that are in no pipeline.
    private func carried(_ component: Component, _ id: String, _ path: String) -> [Finding] {
        guard let image else { return [] }
        let type = ComponentID.type(id)
        func missing(_ what: String, _ remedy: String) -> [Finding] {
            [Finding(.error, rule: "component-not-in-image", path: path, message: "\(what), so the collector does not start", remedy: remedy)]
        }
        guard image.carries(component) else { return missing("the image \(image) has no \(component.type) \(component.kind.rawValue)", otherImage(component)) }
        if let earlier = component.earlierName, type == component.type, image.version < earlier.newerNameNotBefore {
            return missing(
                "the image \(image) does not know the name \(type), which came with \(earlier.newerNameNotBefore)",
                "write \(earlier.name), or run a newer image")
        }
        return []
    }

    private func otherImage(_ component: Component) -> String {
        guard let image else { return "" }
        let others = Distribution.allCases.filter { component.carriers[$0]?.contains(image.version) == true }
        if let other = others.first(where: { $0 == .contrib }) ?? others.first {
            return "run the \(other.rawValue) distribution of \(image.version), or remove the component"
        }
        guard let releases = component.carriers[image.distribution] ?? component.carriers[.contrib] else {
            return "remove it, or run an image that was built with it: no image of the OpenTelemetry project has it"
        }
        if let first = releases.first, image.version < first { return "run an image of \(first) or later, or remove the component" }
        return "remove it: \(releases.last.map { "\($0) was the last release with it" } ?? "no such release has it")"
    }

    private func renamed(_ component: Component, _ id: String, _ path: String) -> [Finding] {
        let type = ComponentID.type(id)
        guard let earlier = component.earlierName, earlier.name == type, image.map({ earlier.newerNameFrom <= $0.version }) ?? true else { return [] }
        return [
            Finding(
                .info, rule: "renamed-component", path: path,
                message: "\(type) is called \(component.type) since \(earlier.newerNameFrom); the earlier name still works",
                remedy: "write \(component.type) here and in the pipelines, when every image that reads this knows it")
        ]
    }

    /// A collector refuses keys that it does not know. Of a contrib component newer than its row, only a likely misspelling is reported.
    private func unknownKeys(_ component: Component, _ value: JSONValue, _ path: String) -> [Finding] {
        guard let keys = component.keys, let settings = value.object else { return [] }
        let isCurrent = image.map { $0.version <= keys.readAt } ?? false
        return settings.keys.filter { !keys.names.contains($0) && !$0.contains("::") && !$0.contains("$") }.compactMap { key in
            let nearest = Spelling.nearest(to: key, in: keys.names.sorted().filter { settings[$0] == nil })
            guard isCurrent || nearest != nil else { return nil }
            return Finding(
                .warning, rule: "unknown-key", path: "\(path).\(key)",
                message:
                    "is no key of the \(component.type) \(component.kind.rawValue) as of \(keys.readAt), and a collector refuses keys that it does not know",
                remedy: nearest.map { "did you mean \($0)?" } ?? "remove it, or see the component's documentation")
        }
    }

    /// Sending queues are in memory: what is in them ends with the pod.
    private var queues: [Finding] {
        configuration.enabled(.exporters).compactMap { id in
            guard let component = ComponentID.registered(.exporters, id), component.type != "debug", component.keys?.names.contains("sending_queue") == true
            else {
                return nil
            }
            let queue = configuration.components(.exporters)[id]?["sending_queue"]
            // It is read by others, and has no queue unless it is told to.
            let isOnByDefault = component.type != "prometheus"
            guard queue?["enabled"]?.bool ?? isOnByDefault, queue?["storage"] == nil else { return nil }
            return Finding(
                .info, rule: "queue-without-storage", path: "spec.config.exporters.\(id).sending_queue",
                message: "is in memory, so what waits in it is lost when the pod restarts",
                remedy: "add the extension file_storage and write sending_queue: {storage: file_storage}, on a volume that outlives the pod")
        }
    }
}
