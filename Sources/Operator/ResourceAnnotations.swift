// Annotations and finalizers on our two resources that the controllers act on.
// Both reconcilers read them.
// It never writes an annotation.

import JSON
import Kubernetes

enum ResourceAnnotations {
    /// `"true"`: all objects of the resource stay as they are.
    static let paused = "sonde.dev/paused"
    /// On a resource that has objects outside its namespace. An earlier operator set it too, under the same name.
    static let earlierFinalizer = "opentelemetrycollector.opentelemetry.io/finalizer"

    static func isPaused(_ resource: JSONValue) -> Bool { resource.metadata.annotations[paused] == "true" }

    /// Takes exactly one finalizer out, and fails when somebody else changed the list meanwhile; nil when it is not there.
    static func removal(of finalizer: String, from resource: JSONValue) -> JSONPatch? {
        guard let index = resource.metadata.finalizers.firstIndex(of: finalizer) else { return nil }
        let pointer = JSONPointer(["metadata", "finalizers", String(index)])
        return JSONPatch([.test(pointer, .string(finalizer)), .remove(pointer)])
    }

    /// Puts one finalizer on, and fails when the resource changed meanwhile; nil when it is there.
    static func addition(of finalizer: String, to resource: JSONValue) -> JSONPatch? {
        guard !resource.metadata.finalizers.contains(finalizer) else { return nil }
        let list = JSONPointer(["metadata", "finalizers"])
        let isFirst = resource.metadata.finalizers.isEmpty
        return JSONPatch([
            .test(JSONPointer(["metadata", "resourceVersion"]), .string(resource.metadata.resourceVersion)),
            .add(isFirst ? list : JSONPointer(["metadata", "finalizers", "-"]), isFirst ? [.string(finalizer)] : .string(finalizer)),
        ])
    }
}
