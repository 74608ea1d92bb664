// What is set about the webhook, and the parts that it is made of.
// OperatorSettings fills it; OperatorProcess makes the server from it.
// It never reads a setting's text: values are checked when it is made.

import Admission
import Kubernetes
import KubernetesClient
import Logging

struct WebhookSettings: Sendable {
    let host: String
    let port: Int
    let address: WebhookAddress
    /// The name of both webhook configurations.
    let configuration: String
    let failurePolicy: String
    let conversion: WebhookRegistration.Conversion
    /// In the operator's namespace.
    let secret: String
    /// Where somebody else keeps certificates; nil: the Secret counts.
    let certificateFolder: String?

    /// The names that the certificate must be for: those by which API servers call.
    var names: [String] {
        switch address {
        case .service(let name, _):
            let service = "\(name.name).\(name.namespace ?? "default").svc"
            return [service, "\(service).cluster.local"]
        case .url(let url): return [Self.host(ofURL: url) ?? "localhost"]
        }
    }

    /// The host of `https://HOST[:PORT][/]`, without the brackets of an IPv6 address; nil when there is none.
    static func host(ofURL url: String) -> String? {
        let authority = url.drop { $0 != ":" }.dropFirst(3).prefix { $0 != "/" }
        let host = authority.hasPrefix("[") ? authority.dropFirst().prefix { $0 != "]" } : authority.prefix { $0 != ":" }
        let isPlain = !host.isEmpty && host.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || ".-:".contains($0)) }
        return isPlain ? String(host) : nil
    }

    /// - Parameters:
    ///   - namespace: The operator's own.
    ///   - namespaces: Those that it works in; nil means all.
    func setup(_ api: any KubernetesAPI, namespace: String, namespaces: [String]?) -> WebhookServer.Setup {
        let source: CertificateSource
        if let folder = certificateFolder {
            source = .files {
                func text(_ name: String) throws -> String { String(decoding: try SmallFile.read("\(folder)/\(name)"), as: UTF8.self) }
                return try CertificateSet.Foreign(certificate: try text("tls.crt"), key: try text("tls.key"), bundle: try? text("ca.crt"))
            }
        } else {
            source = .secret(ObjectName(namespace: namespace, name: secret))
        }
        return WebhookServer.Setup(
            host: host, port: port, source: source, rotation: CertificateRotation(names: names),
            registration: WebhookRegistration(
                api: api, address: address, name: configuration, failurePolicy: failurePolicy,
                scope: namespaces.map { .only($0) } ?? .all, conversion: conversion))
    }
}
