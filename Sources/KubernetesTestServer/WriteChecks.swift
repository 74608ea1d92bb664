// What must be true before an object is created, and the fields that the server fills: names, namespaces, uids, addresses.
// Writing calls it.
// It never looks at a spec, apart from a Service's address.

import JSON
import Kubernetes

extension ServerState {
    /// The body must be of the kind that the path names.
    func checkTypeMeta(_ request: APIRequest) throws(KubernetesError) {
        let (body, type) = (request.body, request.kind.type)
        guard body.object != nil else { throw .badRequest("the body of the request must be a \(type.kind), it is \(body.kindName)") }
        if request.kind.isCustom || request.contentType == Patch.applyContentType {
            if body.kind.isEmpty { throw .badRequest("Object 'Kind' is missing in '\(body.text().prefix(200))'") }
            if body.apiVersion.isEmpty { throw .badRequest("Object 'apiVersion' is missing in '\(body.text().prefix(200))'") }
        }
        if !body.apiVersion.isEmpty, body.apiVersion != type.apiVersion {
            throw .badRequest("the API version in the data (\(body.apiVersion)) does not match the expected API version (\(type.apiVersion))")
        }
        if !body.kind.isEmpty, body.kind != type.kind {
            throw .badRequest(
                "\(body.kind) in version \"\(type.version)\" cannot be handled as a \(type.kind): no kind \"\(body.kind)\" is registered for this path")
        }
    }

    mutating func prepareMetadata(_ object: inout JSONValue, _ request: APIRequest) throws(KubernetesError) {
        let type = request.kind.type
        if let given = object.metadata.namespace, type.isNamespaced, given != request.namespace {
            throw .badRequest("the namespace of the provided object does not match the namespace sent on the request")
        }
        if type.isNamespaced {
            guard let namespace = request.namespace else { throw .methodNotAllowed(request) }
            object.set(["metadata", "namespace"], to: .string(namespace))
        } else if object.metadata.namespace != nil {
            object.set(["metadata", "namespace"], to: nil)
        }
        if object.metadata.name.isEmpty, let prefix = object.at("metadata", "generateName")?.string, !prefix.isEmpty {
            object.set(["metadata", "name"], to: .string(prefix.prefix(58) + randomSuffix()))
        }
        object["apiVersion"] = .string(type.apiVersion)
        object["kind"] = .string(type.kind)
    }

    func checkNamespace(_ namespace: String?, _ kind: ServedKind, _ name: String) throws(KubernetesError) {
        guard let namespace else { return }
        guard let found = objects["namespaces"]?[ObjectName(namespace: nil, name: namespace)] else {
            throw KubernetesError(.notFound, status: 404, reason: "NotFound", message: "namespaces \"\(namespace)\" not found")
        }
        if found.metadata.isBeingDeleted {
            throw KubernetesError(
                .forbidden, status: 403, reason: "Forbidden",
                message:
                    "\(kind.qualifiedPlural) \"\(name)\" is forbidden: unable to create new content in namespace \(namespace) because it is being terminated",
                causes: [.init(reason: "NamespaceTerminating", message: "namespace \(namespace) is being terminated", field: "metadata.namespace")])
        }
    }

    mutating func allocateClusterIP(_ object: inout JSONValue) {
        guard object.at("spec", "type") != "ExternalName", object.at("spec", "clusterIP") == nil else { return }
        let number = nextClusterIP
        nextClusterIP += 1
        let address: JSONValue = .string("10.96.\(number / 250 % 250).\(number % 250 + 1)")
        object.set(["spec", "clusterIP"], to: address)
        object.set(["spec", "clusterIPs"], to: [address])
    }

    /// The alphabet of generated names: no vowels, no characters that look alike (apimachinery util/rand).
    private mutating func randomSuffix() -> String {
        let alphabet = Array("bcdfghjklmnpqrstvwxz2456789")
        var out = ""
        for _ in 0..<5 { out.append(alphabet[randomIndex(alphabet.count)]) }
        return out
    }

    /// A version 4 UUID (RFC 9562).
    mutating func newUID() -> String {
        let digits = Array("0123456789abcdef")
        var out = ""
        for position in 0..<36 {
            switch position {
            case 8, 13, 18, 23: out.append("-")
            case 14: out.append("4")
            case 19: out.append(digits[8 + randomIndex(4)])
            default: out.append(digits[randomIndex(16)])
            }
        }
        return out
    }
}
