// The operator's process: logs, metrics, the connection to the cluster, and the parts that run until a signal comes.
// OperatorCommand makes one from the settings and runs it.
// It never decides what is written to the cluster; the controllers do.

import Admission
import ArgumentParser
import CoreMetrics
import Glibc
import HTTPServer
import Kubernetes
import KubernetesClient
import KubernetesRuntime
import Logging
import Operator
import Rendering

struct OperatorProcess {
    let settings: OperatorSettings
    let environment: [String: String]

    /// Runs until SIGTERM or SIGINT.
    /// - Throws: `ExitCode` when the cluster cannot be found, the address is taken, or a part ended by itself, such as a lost Lease.
    func run() async throws {
        let signals = TerminationSignals()
        let registry = PrometheusRegistry(help: Self.help)
        MetricsSystem.bootstrap(registry)
        let logger = bootstrapLogging()
        let configuration: ClientConfiguration
        do {
            configuration = try .resolve(environment: environment, kubeconfig: settings.kubeconfig.isEmpty ? nil : settings.kubeconfig)
        } catch {
            logger.error("Found no cluster", metadata: ["error": "\(error)"])
            throw ExitCode(2)
        }
        let client = KubernetesClient(configuration)
        logger.notice("Starting", metadata: ["version": "\(OperatorVersion.text)", "server": "\(configuration.server)", "from": "\(configuration.source)"])
        do {
            try await supervise(client, configuration, registry, signals, logger)
        } catch {
            logger.error("Ended", metadata: ["error": "\(error)"])
            await client.shutdown()
            throw ExitCode(1)
        }
        await client.shutdown()
        logger.notice("Stopped")
    }

    private func supervise(
        _ client: KubernetesClient, _ configuration: ClientConfiguration, _ registry: PrometheusRegistry, _ signals: TerminationSignals, _ logger: Logger
    ) async throws {
        let gate = settings.isLeaderElectionOn ? WriteGate() : WriteGate.withoutElection()
        let elector = settings.isLeaderElectionOn ? makeElector(client, configuration, gate, logger) : nil
        let agents = HTTPAgentStatusSource()
        let collectors = HTTPCollectorMetricsSource()
        let sonde = SondeOperator(
            OperatorEnvironment(
                api: client, agents: agents, collectorMetrics: collectors, configuration: controllers,
                gate: gate, logger: logger, instance: environment["POD_NAME"] ?? Self.hostName()))
        let events = EventRecorder(
            api: client, gate: .withoutElection(), reportingController: "sonde.dev/webhook", reportingInstance: environment["POD_NAME"] ?? Self.hostName(),
            logger: logger)
        let webhook = settings.webhook.map { makeWebhook($0, client, configuration, events, logger) }
        let endpoints = Endpoints(
            registry: registry, readiness: { Self.readiness(sonde, webhook) },
            unhealthy: { elector.flatMap { $0.isHealthy ? nil : "the lease has run out and its renewal hangs" } })
        let server = try await HTTPServer.start(host: settings.metricsHost, port: settings.metricsPort, logger: logger) { endpoints.answer($0) }
        logger.info("Serving", metadata: ["address": "\(settings.metricsHost):\(server.port)", "paths": "/healthz /readyz /metrics"])
        var components: [Component] = []
        if let elector {
            components.append(Component("lease", run: { try await elector.run() }, stop: { elector.stop() }))
        }
        if let webhook {
            // Before the caches, on every replica: a resource may be checked while there is no leader.
            components.append(Component("events", run: { try await events.run() }, stop: { events.stop() }))
            components.append(Component("webhook", run: { try await webhook.run() }, stop: { await webhook.stop() }))
        }
        if settings.webhook?.conversion != .on {
            let removal = ConversionRemoval(api: client, namespace: namespace(configuration), logger: logger)
            components.append(
                Component(
                    "conversion",
                    run: {
                        try await removal.run()
                        try await SystemTime().sleep(for: .seconds(1 << 30))
                    }))
        }
        components.append(
            Component(
                "controllers", grace: SondeOperator.stopGrace + .seconds(2), run: { try await sonde.run { try await elector?.waitUntilLeading() } },
                stop: { sonde.stop() }))
        // Controllers first: the Lease is given up when nothing writes any more.
        let early = ["webhook", "conversion", "events"].filter { name in components.contains { $0.name == name } }
        let supervisor = Supervisor(components, stopOrder: ["controllers"] + early + (elector == nil ? [] : ["lease"]), logger: logger)
        var failure: (any Error)?
        do { try await supervisor.run { _ = await signals.first() } } catch { failure = error }
        try await server.shutdown()
        await agents.shutdown()
        await collectors.shutdown()
        if let failure { throw failure }
    }

    /// What the controllers are told of the settings.
    private var controllers: OperatorConfiguration {
        var controllers = OperatorConfiguration(
            namespaces: settings.namespaces, collectorImage: settings.collectorImage, agentImage: settings.agentImage,
            proxyVariables: OperatorConfiguration.proxyVariables(of: environment), labelsFilter: settings.labelsFilter,
            annotationsFilter: settings.annotationsFilter, grantsRoles: settings.grantsRoles, workers: settings.workers)
        controllers.disabledComponents = disabledComponents
        return controllers
    }

    /// Nothing is forbidden where the kernel is in no FIPS mode (crypto/fips.c: 1 in this file).
    private var disabledComponents: [String] {
        let mode = try? SmallFile.read("/proc/sys/crypto/fips_enabled")
        return mode?.first == UInt8(ascii: "1") ? settings.fipsDisabledComponents : []
    }

    private func makeWebhook(
        _ setup: WebhookSettings, _ client: KubernetesClient, _ configuration: ClientConfiguration, _ events: EventRecorder, _ logger: Logger
    ) -> WebhookServer {
        let grantsRoles = settings.grantsRoles && settings.namespaces == nil
        var facts = CollectorFacts(
            collectorImage: settings.collectorImage, proxyVariables: OperatorConfiguration.proxyVariables(of: environment), grantsRoles: grantsRoles)
        facts.disabledComponents = disabledComponents
        let handler = WebhookHandler(
            api: client, facts: facts, rights: ConfiguredRights(grantsRoles: grantsRoles), logger: logger, record: { events.record($0, about: $1) })
        return WebhookServer(
            handler: handler, setup: setup.setup(client, namespace: namespace(configuration), namespaces: settings.namespaces), api: client, logger: logger)
    }

    /// The operator's own.
    private func namespace(_ configuration: ClientConfiguration) -> String { environment["POD_NAMESPACE"] ?? configuration.namespace }

    /// The webhook counts only when it is on.
    private static func readiness(_ sonde: SondeOperator, _ webhook: WebhookServer?) -> SondeOperator.Readiness {
        if let reason = webhook?.waitingFor { return .waiting(reason) }
        return sonde.readiness
    }

    private func makeElector(_ client: KubernetesClient, _ configuration: ClientConfiguration, _ gate: WriteGate, _ logger: Logger) -> LeaderElector {
        let namespace = settings.leaderElectionNamespace.isEmpty ? configuration.namespace : settings.leaderElectionNamespace
        let host = environment["POD_NAME"] ?? Self.hostName()
        let identity = "\(host)_\(String(UInt64.random(in: .min ... .max), radix: 16))"
        let election = ElectionConfiguration(lease: ObjectName(namespace: namespace, name: "sonde-operator"), identity: identity)
        return LeaderElector(api: client, configuration: election, gate: gate, logger: logger)
    }

    private func bootstrapLogging() -> Logger {
        let format = StructuredLogHandler.Format(rawValue: settings.logFormat) ?? .json
        let level = Logger.Level(rawValue: settings.logLevel) ?? .info
        LoggingSystem.bootstrap(
            { label, provider in
                var handler = StructuredLogHandler(label: label, format: format, level: level)
                handler.metadataProvider = provider
                return handler
            }, metadataProvider: ReconcileID.metadataProvider)
        return Logger(label: "sonde-operator")
    }

    private static func hostName() -> String {
        var name = utsname()
        guard uname(&name) == 0 else { return "sonde-operator" }
        return withUnsafeBytes(of: &name.nodename) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// HELP texts of what is not plain from the name.
    private static let help = [
        "sonde_applies_total": "Server-side applies by result; skipped ones would have changed nothing.",
        "sonde_agent_status_requests_total": "Questions to agents by result; deferred ones wait for the next round, as this one took too long.",
        "sonde_agents_left_out": "Agents of the probe that was asked last that are beyond the limit and not asked.",
        "sonde_collector_metrics_requests_total": "Questions to collectors' pods for their own metrics, by result.",
        "sonde_collector_lost_items_total": "Items that collectors say they have lost, by collector, component and signal, in the pods that are asked.",
        "sonde_collector_refused_items_total": "Items that collectors say they have refused, which clients send again.",
        "sonde_collector_queue_fill_ratio": "How full a collector's sending queue is, from 0 to 1, in the pod where it is fullest.",
        "sonde_collector_series_left_out_total": "Counts of collectors' losses and queues for which there was no series any more.",
        "sonde_reconciles_total": "Reconciles by controller and result.",
        "sonde_findings": "Errors, warnings and notes of the validation that the resources have at the moment, by severity.",
        "sonde_leader": "1 while this process holds the lease.",
    ]
}
