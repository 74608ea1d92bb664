// Everything that can be set on sonde-operator, and where each value may come from.
// The command fills it once at start; docs/configuration.md describes the same settings, and a test compares the two.
// It never reads a file or the environment itself: both are handed in.

import Admission
import CollectorComponents
import CollectorConfig
import JSON
import Kubernetes
import Operator

/// One thing that can be set: by flag, by environment variable, by a key of the configuration file, or left at its default.
struct Setting: Sendable {
    /// The key in the configuration file: `collectorImage`.
    let key: String
    let defaultValue: String
    let help: String

    /// `--collector-image`
    var flag: String { "--" + words.joined(separator: "-") }
    /// `SONDE_COLLECTOR_IMAGE`
    var environmentVariable: String { "SONDE_" + words.map { $0.uppercased() }.joined(separator: "_") }

    private var words: [String] {
        key.reduce(into: [""]) { words, letter in
            if letter.isUppercase { words.append("") }
            words[words.count - 1] += letter.lowercased()
        }
    }
}

/// A setting whose value cannot be used: which one, where the value came from, and what to write.
struct SettingError: Error, CustomStringConvertible {
    let description: String
}

struct OperatorSettings: Sendable {
    static let all: [Setting] = [
        Setting(
            key: "kubeconfig", defaultValue: "", help: "File that names the cluster. Empty: the pod's service account, else KUBECONFIG, else ~/.kube/config."),
        Setting(key: "namespaces", defaultValue: "", help: "Comma-separated namespaces to work in. Empty: all."),
        Setting(
            key: "collectorImage",
            defaultValue: CollectorImage.pinned,
            help: "Image of collectors whose resource names none."),
        Setting(key: "agentImage", defaultValue: "ghcr.io/sonde-dev/sonde-agent:\(OperatorVersion.text)", help: "Image of agents whose EBPFProbe names none."),
        Setting(
            key: "labelsFilter", defaultValue: "",
            help: "Regular expressions, separated by spaces: labels of a collector whose key one matches do not go to its workload and policies."),
        Setting(
            key: "annotationsFilter", defaultValue: "",
            help: "Regular expressions, separated by spaces: annotations of a collector whose key one matches do not go to its objects."),
        Setting(
            key: "metricsBindAddress", defaultValue: "0.0.0.0:8080",
            help: "HOST:PORT of /metrics, /healthz and /readyz; port 0 takes a free one and logs it."),
        Setting(
            key: "collectorRoles", defaultValue: "true",
            help: "Whether Roles and ClusterRoles are made for what collectors read at the Kubernetes API. Never with a list of namespaces."),
        Setting(
            key: "fipsDisabledComponents", defaultValue: "",
            help: "Comma-separated components, as exporter.kafka or kafka, that no collector may use while the operator's kernel is in FIPS mode."),
        Setting(key: "leaderElect", defaultValue: "true", help: "Whether a Lease decides which replica writes. Needed with more than one replica."),
        Setting(key: "leaderElectionNamespace", defaultValue: "", help: "Namespace of the Lease. Empty: the operator's own, else default."),
        Setting(key: "workers", defaultValue: "4", help: "Resources of one kind that are worked on at the same time, 1 to 64."),
        Setting(key: "webhook", defaultValue: "false", help: "Whether API servers can ask this operator: validation, sidecars, conversion."),
        Setting(
            key: "webhookBindAddress", defaultValue: "0.0.0.0:9443", help: "HOST:PORT of the webhook, always with TLS; port 0 takes a free one and logs it."),
        Setting(
            key: "webhookService", defaultValue: "",
            help: "NAMESPACE/NAME of the Service by which API servers reach the webhook; the chart makes it and the configurations."),
        Setting(
            key: "webhookUrl", defaultValue: "",
            help: "https://HOST[:PORT] by which API servers reach an operator outside of the cluster; it registers itself, and takes that back when it stops."),
        Setting(key: "webhookConfiguration", defaultValue: "sonde", help: "Name of the validating and the mutating webhook configuration."),
        Setting(
            key: "webhookFailurePolicy", defaultValue: "Fail", help: "Fail or Ignore: what validation's registration by URL says of a webhook that is down."),
        Setting(key: "webhookConversion", defaultValue: "true", help: "Whether the webhook serves v1alpha1 of OpenTelemetryCollector."),
        Setting(
            key: "webhookSecret", defaultValue: "sonde-webhook-certificate",
            help: "Secret in the operator's namespace with the webhook's certificates; made when it is missing, only read when cert-manager keeps it."),
        Setting(
            key: "webhookCertDir", defaultValue: "",
            help: "Folder with tls.crt, tls.key and perhaps ca.crt that somebody else renews, instead of the Secret."),
        Setting(key: "logFormat", defaultValue: "json", help: "json or text."),
        Setting(key: "logLevel", defaultValue: "info", help: "trace, debug, info, notice, warning or error."),
    ]

    let kubeconfig: String
    /// Nil means all.
    let namespaces: [String]?
    let collectorImage: String
    let agentImage: String
    let labelsFilter: [String]
    let annotationsFilter: [String]
    let metricsHost: String
    let metricsPort: Int
    let grantsRoles: Bool
    let fipsDisabledComponents: [String]
    let isLeaderElectionOn: Bool
    let leaderElectionNamespace: String
    let workers: Int
    let logFormat: String
    let logLevel: String
    /// Nil: off.
    let webhook: WebhookSettings?

    /// Takes each value from the first of flags, environment, file, default that has it.
    /// - Parameters:
    ///   - flags: Values by key of those flags that were given.
    ///   - file: The configuration file's one mapping; nil when there is no file.
    /// - Throws: `SettingError` for an unknown key of the file or a value that cannot be used.
    init(flags: [String: String], environment: [String: String], file: JSONValue?) throws(SettingError) {
        let values = try Self.layer(flags: flags, environment: environment, file: file)
        kubeconfig = values.text("kubeconfig")
        let listed = values.text("namespaces").split(separator: ",").map { $0.filter { $0 != " " } }.filter { !$0.isEmpty }
        namespaces = listed.isEmpty ? nil : listed
        collectorImage = values.text("collectorImage")
        agentImage = values.text("agentImage")
        labelsFilter = try values.patterns("labelsFilter")
        annotationsFilter = try values.patterns("annotationsFilter")
        (metricsHost, metricsPort) = try values.address("metricsBindAddress")
        grantsRoles = try values.flag("collectorRoles")
        fipsDisabledComponents = try values.components("fipsDisabledComponents")
        isLeaderElectionOn = try values.flag("leaderElect")
        leaderElectionNamespace = values.text("leaderElectionNamespace")
        workers = try values.number("workers", in: 1...64)
        logFormat = try values.choice("logFormat", of: ["json", "text"])
        logLevel = try values.choice("logLevel", of: ["trace", "debug", "info", "notice", "warning", "error"])
        webhook = try values.flag("webhook") ? values.webhook() : nil
    }

    private static func layer(flags: [String: String], environment: [String: String], file: JSONValue?) throws(SettingError) -> SettingValues {
        var values = SettingValues()
        let members = file?.object ?? [:]
        if let file, file.object == nil { throw SettingError(description: "the configuration file must hold one mapping, and holds a \(file.kindName)") }
        for key in members.keys where !all.contains(where: { $0.key == key }) {
            throw SettingError(description: "configuration file: there is no setting \(key); there are \(all.map(\.key).joined(separator: ", "))")
        }
        for setting in all {
            if let flag = flags[setting.key] {
                values.set(setting.key, flag, origin: setting.flag)
            } else if let variable = environment[setting.environmentVariable] {
                values.set(setting.key, variable, origin: setting.environmentVariable)
            } else if let member = members[setting.key] {
                guard let text = member.string ?? (member.object == nil && member.array == nil ? member.text() : nil) else {
                    throw SettingError(description: "configuration file: \(setting.key) must be a single value, and is a \(member.kindName)")
                }
                values.set(setting.key, text, origin: "configuration file: \(setting.key)")
            } else {
                values.set(setting.key, setting.defaultValue, origin: "default of \(setting.key)")
            }
        }
        return values
    }
}

/// The chosen value of each setting, with the place it came from for error texts.
private struct SettingValues {
    private var values: [String: (text: String, origin: String)] = [:]

    mutating func set(_ key: String, _ text: String, origin: String) { values[key] = (text, origin) }

    func text(_ key: String) -> String { values[key]?.text ?? "" }

    func flag(_ key: String) throws(SettingError) -> Bool { try choice(key, of: ["true", "false"]) == "true" }

    func choice(_ key: String, of choices: [String]) throws(SettingError) -> String {
        guard choices.contains(text(key)) else { throw problem(key, "must be one of \(choices.joined(separator: ", "))") }
        return text(key)
    }

    func number(_ key: String, in range: ClosedRange<Int>) throws(SettingError) -> Int {
        guard let number = Int(text(key)), range.contains(number) else {
            throw problem(key, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func patterns(_ key: String) throws(SettingError) -> [String] {
        let patterns = text(key).split(whereSeparator: \.isWhitespace).map(String.init)
        guard patterns.allSatisfy(OperatorConfiguration.isKeyPattern) else { throw problem(key, "must be regular expressions, separated by spaces") }
        return patterns
    }

    func components(_ key: String) throws(SettingError) -> [String] {
        let names = text(key).split(separator: ",").map { $0.filter { $0 != " " } }.filter { !$0.isEmpty }
        guard names.allSatisfy(DisabledComponents.isName) else { throw problem(key, "must be components such as exporter.kafka, separated by commas") }
        return names
    }

    func address(_ key: String) throws(SettingError) -> (host: String, port: Int) {
        let text = text(key)
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]), (0...65535).contains(port) else {
            throw problem(key, "must be HOST:PORT with a port from 0 to 65535, such as 0.0.0.0:8080 or [::]:8080")
        }
        let host = text[..<colon]
        return (host.isEmpty ? "0.0.0.0" : host.filter { $0 != "[" && $0 != "]" }, port)
    }

    func webhook() throws(SettingError) -> WebhookSettings {
        let (host, port) = try address("webhookBindAddress")
        let policy = try choice("webhookFailurePolicy", of: ["Fail", "Ignore"])
        let conversion: WebhookRegistration.Conversion = try flag("webhookConversion") ? .on : .off
        let directory = text("webhookCertDir")
        return WebhookSettings(
            host: host, port: port, address: try webhookAddress(), configuration: text("webhookConfiguration"), failurePolicy: policy,
            conversion: conversion, secret: text("webhookSecret"), certificateFolder: directory.isEmpty ? nil : directory)
    }

    private func webhookAddress() throws(SettingError) -> WebhookAddress {
        let (service, url) = (text("webhookService"), text("webhookUrl"))
        guard service.isEmpty != url.isEmpty else {
            throw SettingError(description: "webhook: exactly one of webhookService and webhookUrl says how API servers reach the webhook")
        }
        if service.isEmpty {
            guard url.hasPrefix("https://"), WebhookSettings.host(ofURL: url) != nil else { throw problem("webhookUrl", "must be https://HOST[:PORT]") }
            return .url(url.hasSuffix("/") ? String(url.dropLast()) : url)
        }
        let parts = service.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { throw problem("webhookService", "must be NAMESPACE/NAME") }
        return .service(ObjectName(namespace: parts[0], name: parts[1]), port: 443)
    }

    private func problem(_ key: String, _ rule: String) -> SettingError {
        SettingError(description: "\(values[key]?.origin ?? key): \(rule), and is \"\(text(key))\"")
    }
}
