// Where API servers look up how to reach the webhook: two configurations and the collector's definition, with the authorities to trust.
// CertificateKeeper brings them up to date in every round.
// It never touches webhooks that are not ours, and never writes what is there already.

import Crypto
import JSON
import Kubernetes
import SondeAPI

extension ResourceType {
    static let validatingWebhookConfigurations = ResourceType(
        group: "admissionregistration.k8s.io", version: "v1", kind: "ValidatingWebhookConfiguration", plural: "validatingwebhookconfigurations",
        isNamespaced: false)
    static let mutatingWebhookConfigurations = ResourceType(
        group: "admissionregistration.k8s.io", version: "v1", kind: "MutatingWebhookConfiguration", plural: "mutatingwebhookconfigurations", isNamespaced: false
    )
}

/// How API servers reach the webhook.
public enum WebhookAddress: Hashable, Sendable {
    /// A Service in the cluster. The configurations are the chart's; only their `caBundle` is written.
    case service(ObjectName, port: Int)
    /// `https://HOST[:PORT]`, for an operator outside of the cluster. The operator writes the configurations itself.
    case url(String)

    /// `clientConfig` for a path.
    func clientConfiguration(_ path: String, bundle: String?) -> JSONValue {
        var out: JSONValue
        switch self {
        case .service(let name, let port):
            out = ["service": ["namespace": .string(name.namespace ?? "default"), "name": .string(name.name), "path": .string(path), "port": JSONValue(port)]]
        case .url(let base): out = ["url": .string(base + path)]
        }
        if let bundle { out["caBundle"] = .string(Base64.encode(Array(bundle.utf8))) }
        return out
    }
}

/// Brings registrations up to date.
public struct WebhookRegistration: Sendable {
    /// Owns `caBundle`, and in URL mode the configurations; nobody else's field is touched.
    public static let fieldManager = "sonde-webhook"
    /// cert-manager's own injection; where it is asked for, the bundle is left to it.
    private static let injectors = ["cert-manager.io/inject-ca-from", "cert-manager.io/inject-ca-from-secret", "cert-manager.io/inject-apiserver-ca"]

    /// Whose resources and pods pass a webhook that is registered by URL. No namespace is left out: the operator's own pods do not wait for it there.
    public enum Scope: Hashable, Sendable {
        case all
        case only([String])

        /// `namespaceSelector`; nil selects all.
        var selector: JSONValue? {
            guard case .only(let names) = self else { return nil }
            return ["matchExpressions": [["key": "kubernetes.io/metadata.name", "operator": "In", "values": .array(names.map { .string($0) })]]]
        }
    }

    /// Whether v1alpha1 is served through the webhook.
    public enum Conversion: Hashable, Sendable { case on, off }

    /// How long API servers wait in URL mode. Where a webhook that is down refuses writes, nobody shall wait longer for that; the chart says the same.
    static let timeoutSeconds = 5

    /// What becomes of authorities that a registration has beside the bundle: those before it are kept for a while, a few of them.
    public enum Others: Hashable, Sendable { case removed, kept }
    private static let othersMax = 4

    /// What came of one round.
    public struct Outcome: Hashable, Sendable {
        /// Registrations that do not hold the bundle now, and why.
        public var problems: [String] = []
        public var writes = 0
    }

    let api: any KubernetesAPI
    public let address: WebhookAddress
    /// The name of both configurations.
    public let name: String
    let failurePolicy: String
    let scope: Scope
    let conversion: Conversion

    public init(
        api: any KubernetesAPI, address: WebhookAddress, name: String, failurePolicy: String = "Fail", scope: Scope = .all, conversion: Conversion = .on
    ) {
        self.api = api
        self.address = address
        self.name = name
        self.failurePolicy = failurePolicy
        self.scope = scope
        self.conversion = conversion
    }

    /// Writes what is missing.
    /// - Parameters:
    ///   - bundle: Nil leaves trust to somebody else.
    ///   - others: What becomes of authorities that a registration has besides.
    public func update(bundle: String?, others: Others = .removed) async -> Outcome {
        var outcome = Outcome()
        for type in [ResourceType.validatingWebhookConfigurations, .mutatingWebhookConfigurations] {
            await note("\(type.kind) \(name)", in: &outcome) { try await update(type, bundle, others) }
        }
        if conversion == .on {
            await note("CustomResourceDefinition \(Self.definition)", in: &outcome) { try await turnConversionOn(bundle, others) }
        }
        return outcome
    }

    private func note(_ what: String, in outcome: inout Outcome, _ body: () async throws -> Bool) async {
        do {
            if try await body() { outcome.writes += 1 }
        } catch {
            outcome.problems.append("\(what): \(error)")
        }
    }

    // MARK: Configurations

    static let validatingCollector = "opentelemetrycollector.sonde.dev"
    static let validatingProbe = "ebpfprobe.sonde.dev"
    static let sidecar = "sidecar.sonde.dev"

    /// The bundle, and behind it those of the live texts in base64 that are to be kept.
    private static func bundle(_ bundle: String?, _ others: Others, _ live: [JSONValue?]) -> String? {
        guard let bundle, others == .kept else { return bundle }
        var known = Set(Certificate.all(in: bundle).map(\.pem))
        var kept: [String] = []
        for text in live.compactMap({ $0?.string.flatMap { Base64.decode($0) } }) {
            for certificate in Certificate.all(in: String(decoding: text, as: UTF8.self)) where known.insert(certificate.pem).inserted {
                kept.append(certificate.pem)
            }
        }
        return ([bundle.hasSuffix("\n") ? bundle : bundle + "\n"] + kept.prefix(othersMax)).joined()
    }

    /// The webhooks in full; of these a configuration of the chart gets the bundle alone.
    private func webhooks(_ type: ResourceType, bundle: String?) -> [JSONValue] {
        func webhook(_ name: String, _ path: String, _ rule: JSONValue, _ policy: String, _ sideEffects: String) -> JSONValue {
            var out: JSONValue = [
                "name": .string(name), "clientConfig": address.clientConfiguration(path, bundle: bundle), "rules": [rule], "failurePolicy": .string(policy),
                "matchPolicy": "Equivalent", "sideEffects": .string(sideEffects), "timeoutSeconds": JSONValue(Self.timeoutSeconds),
                "admissionReviewVersions": ["v1"],
            ]
            out["namespaceSelector"] = scope.selector
            return out
        }
        func rule(_ type: ResourceType, _ operations: JSONValue) -> JSONValue {
            [
                "apiGroups": [.string(type.group)], "apiVersions": [.string(type.version)], "resources": [.string(type.plural)], "operations": operations,
                "scope": "Namespaced",
            ]
        }
        if type == .mutatingWebhookConfigurations {
            return [webhook(Self.sidecar, WebhookPath.mutatePod, rule(.pods, ["CREATE"]), "Ignore", "NoneOnDryRun")]
        }
        return [
            webhook(Self.validatingCollector, WebhookPath.validateCollector, rule(.openTelemetryCollectors, ["CREATE", "UPDATE"]), failurePolicy, "None"),
            webhook(Self.validatingProbe, WebhookPath.validateProbe, rule(.ebpfProbes, ["CREATE", "UPDATE"]), failurePolicy, "None"),
        ]
    }

    private func update(_ type: ResourceType, _ wanted: String?, _ others: Others) async throws -> Bool {
        let live = try await api.getIfFound(type, ObjectName(namespace: nil, name: name))
        let bundle = Self.bundle(wanted, others, (live?["webhooks"]?.array ?? []).map { $0.at("clientConfig", "caBundle") })
        let webhooks = webhooks(type, bundle: bundle)
        var object: JSONValue = ["apiVersion": .string(type.apiVersion), "kind": .string(type.kind), "metadata": ["name": .string(name)]]
        switch address {
        case .url: object["webhooks"] = .array(webhooks)
        case .service:
            guard let live else {
                // Injection may be left out of the chart's values; validation may not.
                if type == .mutatingWebhookConfigurations { return false }
                throw ReviewError("does not exist; the chart makes it with webhook.enabled=true")
            }
            if bundle == nil || Self.isInjected(live) { return false }
            let known = Set((live["webhooks"]?.array ?? []).compactMap { $0["name"]?.string })
            let ours = webhooks.filter { known.contains($0["name"]?.string ?? "") }
            guard !ours.isEmpty else { throw ReviewError("has no webhook of ours") }
            object["webhooks"] = .array(
                ours.map { ["name": $0["name"] ?? "", "clientConfig": ["caBundle": $0.at("clientConfig", "caBundle") ?? ""]] })
        }
        if let live, Self.holds(live["webhooks"], object["webhooks"]) { return false }
        try await api.apply(type, object, fieldManager: Self.fieldManager, force: true)
        return true
    }

    private static func isInjected(_ object: JSONValue) -> Bool { injectors.contains { object.metadata.annotations[$0] != nil } }

    /// Whether a live value says all that a wanted one says; elements of lists with names are told by them.
    static func holds(_ live: JSONValue?, _ wanted: JSONValue?) -> Bool {
        guard let wanted else { return true }
        guard let live else { return false }
        if let members = wanted.object { return members.allSatisfy { holds(live[$0], $1) } }
        guard let elements = wanted.array, elements.contains(where: { $0["name"] != nil }) else { return live == wanted }
        return elements.allSatisfy { element in
            holds(live.array?.first { $0["name"] == element["name"] }, element)
        }
    }

    // MARK: Conversion

    static let definition = "\(ResourceType.openTelemetryCollectors.plural).\(ResourceType.openTelemetryCollectors.group)"
    private static let older = "v1alpha1"

    /// Serves v1alpha1 through this webhook.
    private func turnConversionOn(_ wanted: String?, _ others: Others) async throws -> Bool {
        guard let live = try await api.getIfFound(.customResourceDefinitions, ObjectName(namespace: nil, name: Self.definition)) else {
            throw ReviewError("does not exist; install it with: kubectl apply -f crds/")
        }
        let before = live.at("spec", "conversion", "webhook", "clientConfig", "caBundle")
        let bundle = Self.bundle(wanted, others, [before])
        var client = address.clientConfiguration(WebhookPath.convert, bundle: bundle)
        if bundle == nil || Self.isInjected(live) {
            client["caBundle"] = before
        }
        let conversion: JSONValue = ["strategy": "Webhook", "webhook": ["conversionReviewVersions": ["v1"], "clientConfig": client]]
        return try await Self.change(api, live, conversion: conversion, served: true)
    }

    /// v1alpha1 is not served any more, and nobody is asked for it. A conversion of anybody else stays, and so does what somebody made of ours.
    public static func turnConversionOff(_ api: any KubernetesAPI, of owner: ConversionOwner) async throws {
        guard let live = try await api.getIfFound(.customResourceDefinitions, ObjectName(namespace: nil, name: definition)),
            let client = live.at("spec", "conversion", "webhook", "clientConfig"), owner.owns(client, of: live)
        else { return }
        _ = try await change(api, live, conversion: ["strategy": "None"], served: false)
    }

    private static func change(_ api: any KubernetesAPI, _ live: JSONValue, conversion: JSONValue, served: Bool) async throws -> Bool {
        let versions = live.at("spec", "versions")?.array ?? []
        var operations: [JSONPatch.Operation] = []
        if !holds(live.at("spec", "conversion"), conversion) {
            operations.append(.add(JSONPointer(["spec", "conversion"]), conversion))
        }
        if let index = versions.firstIndex(where: { $0["name"]?.string == older }), versions[index]["served"]?.bool != served {
            operations += [
                .test(JSONPointer(["spec", "versions", "\(index)", "name"]), .string(older)),
                .replace(JSONPointer(["spec", "versions", "\(index)", "served"]), .bool(served)),
            ]
        }
        if operations.isEmpty { return false }
        let guarded = [.test(JSONPointer(["metadata", "resourceVersion"]), .string(live.metadata.resourceVersion))] + operations
        try await api.patch(.customResourceDefinitions, live.metadata.objectName, .json(JSONPatch(guarded)), fieldManager: fieldManager)
        return true
    }

    // MARK: The end

    /// Takes the configurations of URL mode away: an operator outside of the cluster that stops must not leave a webhook behind that nobody answers.
    public func remove() async throws {
        guard case .url = address else { return }
        for type in [ResourceType.validatingWebhookConfigurations, .mutatingWebhookConfigurations] {
            do { try await api.delete(type, ObjectName(namespace: nil, name: name)) } catch let error as KubernetesError where error.code == .notFound {}
        }
        if conversion == .on { try await Self.turnConversionOff(api, of: .address(address)) }
    }
}

/// Whose conversion is taken away.
public enum ConversionOwner: Hashable, Sendable {
    /// An operator that stops: what leads to its own address.
    case address(WebhookAddress)
    /// An operator that runs without conversion: what one of its namespace, or one outside of the cluster, has written.
    case namespace(String)

    /// - Parameter client: `clientConfig` of the definition's conversion.
    func owns(_ client: JSONValue, of definition: JSONValue) -> Bool {
        switch self {
        case .address(let address): WebhookRegistration.holds(client, address.clientConfiguration(WebhookPath.convert, bundle: nil))
        case .namespace(let namespace):
            if let service = client["service"] {
                service["namespace"]?.string == namespace && Self.wrote(["f:service", "f:namespace"], of: definition)
            } else {
                Self.wrote(["f:url"], of: definition)
            }
        }
    }

    /// Whether a field of `clientConfig` is the webhook's: who changes a field becomes its manager.
    private static func wrote(_ field: [String], of definition: JSONValue) -> Bool {
        let path = ["f:spec", "f:conversion", "f:webhook", "f:clientConfig"] + field
        return definition.at("metadata", "managedFields")?.array?.contains { entry in
            entry["manager"]?.string == WebhookRegistration.fieldManager && entry["fieldsV1"]?.at(path) != nil
        } ?? false
    }
}
