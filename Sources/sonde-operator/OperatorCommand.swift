// The command line of sonde-operator: one flag for each setting, and the configuration file.
// `main` runs it; what the process does then stands in OperatorProcess.swift.
// It never holds a default itself: flags that were not given leave the choice to the environment, the file and the table of settings.

import ArgumentParser
import Glibc
import JSON
import KubernetesClient
import YAML

@main
struct OperatorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sonde-operator",
        abstract: "Runs OpenTelemetryCollector and EBPFProbe resources: collectors, and eBPF agents that feed them.",
        discussion: """
            Each setting is taken from the first of these that has it:
              1. its flag                  --collector-image IMAGE
              2. its environment variable  SONDE_COLLECTOR_IMAGE=IMAGE
              3. its key in the file that --config names  collectorImage: IMAGE
              4. its default

            /metrics, /healthz and /readyz are served at --metrics-bind-address. SIGTERM stops taking work, waits for what runs, and gives up the Lease.
            """,
        version: OperatorVersion.text)

    @Option(help: "YAML file with one key for each setting, such as collectorImage.")
    var config: String?

    @Option(help: .of("kubeconfig")) var kubeconfig: String?
    @Option(help: .of("namespaces")) var namespaces: String?
    @Option(help: .of("collectorImage")) var collectorImage: String?
    @Option(help: .of("agentImage")) var agentImage: String?
    @Option(help: .of("labelsFilter")) var labelsFilter: String?
    @Option(help: .of("annotationsFilter")) var annotationsFilter: String?
    @Option(help: .of("metricsBindAddress")) var metricsBindAddress: String?
    @Option(help: .of("collectorRoles")) var collectorRoles: String?
    @Option(help: .of("fipsDisabledComponents")) var fipsDisabledComponents: String?
    @Option(help: .of("leaderElect")) var leaderElect: String?
    @Option(help: .of("leaderElectionNamespace")) var leaderElectionNamespace: String?
    @Option(help: .of("workers")) var workers: String?
    @Option(help: .of("webhook")) var webhook: String?
    @Option(help: .of("webhookBindAddress")) var webhookBindAddress: String?
    @Option(help: .of("webhookService")) var webhookService: String?
    @Option(help: .of("webhookUrl")) var webhookUrl: String?
    @Option(help: .of("webhookConfiguration")) var webhookConfiguration: String?
    @Option(help: .of("webhookFailurePolicy")) var webhookFailurePolicy: String?
    @Option(help: .of("webhookConversion")) var webhookConversion: String?
    @Option(help: .of("webhookSecret")) var webhookSecret: String?
    @Option(help: .of("webhookCertDir")) var webhookCertDir: String?
    @Option(help: .of("logFormat")) var logFormat: String?
    @Option(help: .of("logLevel")) var logLevel: String?

    /// The flags that were given, by the key of their setting.
    private var given: [String: String] {
        let flags = [
            "kubeconfig": kubeconfig, "namespaces": namespaces, "collectorImage": collectorImage, "agentImage": agentImage,
            "labelsFilter": labelsFilter, "annotationsFilter": annotationsFilter, "metricsBindAddress": metricsBindAddress, "collectorRoles": collectorRoles,
            "fipsDisabledComponents": fipsDisabledComponents, "leaderElect": leaderElect,
            "leaderElectionNamespace": leaderElectionNamespace, "workers": workers,
            "webhook": webhook, "webhookBindAddress": webhookBindAddress, "webhookService": webhookService, "webhookUrl": webhookUrl,
            "webhookConfiguration": webhookConfiguration, "webhookFailurePolicy": webhookFailurePolicy,
            "webhookConversion": webhookConversion, "webhookSecret": webhookSecret,
            "webhookCertDir": webhookCertDir, "logFormat": logFormat, "logLevel": logLevel,
        ]
        return flags.compactMapValues { $0 }
    }

    /// What a command line gives, by the key of the setting. - Throws: When the line cannot be read.
    static func settings(in arguments: [String]) throws -> [String: String] { try parse(arguments).given }

    func run() async throws {
        let environment = Self.environment()
        let settings: OperatorSettings
        do {
            let file = try config.map(Self.configurationFile)
            settings = try OperatorSettings(flags: given, environment: environment, file: file)
        } catch {
            throw ValidationError(error.description)
        }
        try await OperatorProcess(settings: settings, environment: environment).run()
    }

    private static func configurationFile(_ path: String) throws(SettingError) -> JSONValue {
        let bytes: [UInt8]
        do { bytes = try SmallFile.read(path) } catch { throw SettingError(description: "--config: \(error)") }
        let documents: [JSONValue]
        do { documents = try YAML.parse(bytes) } catch {
            throw SettingError(description: "--config \(path): line \(error.line), column \(error.column): \(error.message)")
        }
        guard documents.count <= 1 else { throw SettingError(description: "--config \(path): there must be one document, and there are \(documents.count)") }
        return documents.first ?? [:]
    }

    private static func environment() -> [String: String] {
        var variables: [String: String] = [:]
        var entry = environ
        while let pointer = entry.pointee {
            let parts = String(cString: pointer).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
            entry += 1
        }
        return variables
    }
}

extension ArgumentHelp {
    /// The help of a setting, with its default, from the one table.
    fileprivate static func of(_ key: String) -> ArgumentHelp {
        guard let setting = OperatorSettings.all.first(where: { $0.key == key }) else { preconditionFailure("there is no setting \(key)") }
        return ArgumentHelp(stringLiteral: setting.help + (setting.defaultValue.isEmpty ? "" : " (default: \(setting.defaultValue))"))
    }
}
