// Nobody gets rights through a collector that they do not have themselves: the rules that Sonde would newly grant a collector are asked for its author.
// WebhookHandler runs it after the validation, for collectors whose configuration needs rights.
// It never grants anything, and what it cannot find out it refuses.

import JSON
import Kubernetes

/// One right as an access review asks for it.
public struct AccessRight: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// `""` is the core group.
    public var group: String
    /// `pods`, or with a subresource `nodes/stats`.
    public var resource: String
    public var verb: String
    /// Empty: all of them.
    public var name: String
    /// Nil: in the whole cluster.
    public var namespace: String?

    public init(group: String, resource: String, verb: String, name: String = "", namespace: String? = nil) {
        self.group = group
        self.resource = resource
        self.verb = verb
        self.name = name
        self.namespace = namespace
    }

    public static func < (left: AccessRight, right: AccessRight) -> Bool {
        (left.namespace ?? "", left.group, left.resource, left.name, left.verb) < (right.namespace ?? "", right.group, right.resource, right.name, right.verb)
    }

    public var description: String {
        let kind = group.isEmpty ? resource : "\(resource).\(group)"
        return "\(verb) \(kind)\(name.isEmpty ? "" : " \(name)")\(namespace.map { " in \($0)" } ?? "")"
    }

    /// The SubjectAccessReview of this right for a user.
    func review(_ user: RequestingUser) -> JSONValue {
        let parts = resource.split(separator: "/", maxSplits: 1).map(String.init)
        var attributes: JSONValue = ["verb": .string(verb), "group": .string(group), "resource": .string(parts.first ?? resource)]
        if parts.count > 1 { attributes["subresource"] = .string(parts[1]) }
        if !name.isEmpty { attributes["name"] = .string(name) }
        if let namespace { attributes["namespace"] = .string(namespace) }
        var spec: JSONValue = ["user": .string(user.name), "groups": .array(user.groups.map { .string($0) }), "resourceAttributes": attributes]
        if !user.uid.isEmpty { spec["uid"] = .string(user.uid) }
        if let extra = user.extra, extra.object?.isEmpty == false { spec["extra"] = extra }
        return ["apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec]
    }
}

/// Asks an API server who may do what.
public struct PrivilegeCheck: Sendable {
    /// Rights of one collector that are asked for at most; a configuration that needs more is refused.
    static let rightsMax = 512
    private static let atOnce = 16
    private static let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"

    private let api: any KubernetesAPI

    public init(api: any KubernetesAPI) { self.api = api }

    /// Nil when the user may grant all of these; otherwise the refusal.
    /// - Parameters:
    ///   - rights: What Sonde would grant for the new configuration.
    ///   - account: The collector's service account; what it holds already is no new grant.
    public func refusal(of rights: Set<AccessRight>, to user: RequestingUser, account: ObjectName) async -> AdmissionAnswer? {
        guard !rights.isEmpty else { return nil }
        guard rights.count <= Self.rightsMax else {
            return .refused(
                code: 422, reason: "Invalid",
                message: "spec.config needs \(rights.count) rights, \(Self.rightsMax) are allowed; split it into several collectors")
        }
        do {
            // One question for cluster administrators and for tools that hold everything.
            let everything = AccessRight(group: "*", resource: "*", verb: "*")
            if try await holds(everything, user) { return nil }
            let added = try await missing(rights.sorted(), Self.user(of: account))
            let refused = try await missing(added, user)
            guard !refused.isEmpty else { return nil }
            return .refused(
                code: 403, reason: "Forbidden",
                message: "user \"\(user.name)\" is not allowed to create a collector whose config would grant permissions they do not hold: "
                    + refused.map(\.description).joined(separator: ", "))
        } catch {
            return .refused(
                code: 500, reason: "InternalError",
                message: "whether user \"\(user.name)\" holds the rights that the collector would get cannot be found out: \(error)")
        }
    }

    /// A service account as the API server authenticates it.
    static func user(of account: ObjectName) -> RequestingUser {
        let namespace = account.namespace ?? "default"
        return RequestingUser(
            name: "system:serviceaccount:\(namespace):\(account.name)",
            groups: ["system:serviceaccounts", "system:serviceaccounts:\(namespace)", "system:authenticated"])
    }

    /// The rights that a user lacks, in order; so many are asked for at a time.
    private func missing(_ rights: [AccessRight], _ user: RequestingUser) async throws -> [AccessRight] {
        var lacking: [AccessRight] = []
        for start in stride(from: 0, to: rights.count, by: Self.atOnce) {
            lacking += try await withThrowingTaskGroup(of: AccessRight?.self) { group in
                for right in rights[start..<min(start + Self.atOnce, rights.count)] {
                    group.addTask { try await holds(right, user) ? nil : right }
                }
                return try await group.reduce(into: []) { found, right in if let right { found.append(right) } }
            }
        }
        return lacking.sorted()
    }

    private func holds(_ right: AccessRight, _ user: RequestingUser) async throws -> Bool {
        let answer = try await api.send(KubernetesRequest(.post, Self.path, body: right.review(user)))
        guard let allowed = answer.at("status", "allowed")?.bool else {
            throw KubernetesError(.undecodable, message: "the access review has no status.allowed")
        }
        return allowed
    }
}
