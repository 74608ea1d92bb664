// The keeper of the webhook's certificates against an API server: Secret, registrations, races of replicas, Secrets of others.
// The server is the one in the process; time is moved by hand.
// It never listens: what would be served is remembered.

import Crypto
import JSON
import Kubernetes
import KubernetesRuntime
import KubernetesTestServer
import Logging
import SondeAPI
import Synchronization
import Testing

@testable import Admission

/// What a server was handed.
private final class Served: Sendable {
    private let all = Mutex<[Identity]>([])
    var list: [Identity] { all.withLock { $0 } }
    func add(_ identity: Identity) { all.withLock { $0.append(identity) } }
}

@Suite struct KeeperTests {
    private static let secret = ObjectName(namespace: "default", name: "sonde-webhook-certificate")
    private static let url = WebhookAddress.url("https://127.0.0.1:9443")
    private static let configuration = ObjectName(namespace: nil, name: "sonde")
    private static let definition = ObjectName(namespace: nil, name: "opentelemetrycollectors.opentelemetry.io")

    private func server() async throws -> TestAPIServer {
        let server = TestAPIServer()
        try await server.create(.customResourceDefinitions, CustomResourceDefinitions.openTelemetryCollector)
        return server
    }

    private func keeper(
        _ api: any KubernetesAPI, _ time: ManualTime, _ served: Served, address: WebhookAddress = url, source: CertificateSource = .secret(secret)
    ) -> CertificateKeeper {
        CertificateKeeper(
            api: api, source: source, rotation: CertificateRotation(names: ["127.0.0.1"]),
            registration: WebhookRegistration(api: api, address: address, name: "sonde"), time: time,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            serve: { served.add($0) })
    }

    private func bundle(_ api: any KubernetesAPI, _ type: ResourceType = .validatingWebhookConfigurations) async throws -> String {
        let live = try await api.get(type, Self.configuration)
        let texts = Set((live["webhooks"]?.array ?? []).compactMap { $0.at("clientConfig", "caBundle")?.string })
        try #require(texts.count == 1, "\(texts.count) bundles")
        let bytes = try #require(texts.first.flatMap { Base64.decode($0) })
        return String(decoding: bytes, as: UTF8.self)
    }

    private func stored(_ api: any KubernetesAPI) async throws -> CertificateSet {
        guard case .own(let set) = CertificateSet.content(of: try await api.get(.secrets, Self.secret)) else { throw ReviewError("no set of ours") }
        return set
    }

    @Test func theFirstRoundMakesServesAndRegisters() async throws {
        let (api, time, served) = (try await server(), ManualTime(), Served())
        let keeper = keeper(api, time, served)
        #expect(keeper.waitingFor?.contains("certificate") == true)
        #expect(try await keeper.round())
        #expect(keeper.waitingFor == nil)
        let set = try await stored(api)
        #expect(served.list == [set.serving])
        for type in [ResourceType.validatingWebhookConfigurations, .mutatingWebhookConfigurations] { #expect(try await bundle(api, type) == set.bundle) }
        let live = try await api.get(.customResourceDefinitions, Self.definition)
        #expect(live.at("spec", "conversion", "webhook", "clientConfig", "url") == "https://127.0.0.1:9443/convert")
        #expect(live.at("spec", "versions")?.array?.first { $0["name"] == "v1alpha1" }?["served"] == true)
    }

    @Test func aSettledRoundWritesNothing() async throws {
        let (api, time, served) = (try await server(), ManualTime(), Served())
        let keeper = keeper(api, time, served)
        #expect(try await keeper.round())
        let before = api.writeCount
        for _ in 0..<100 {
            time.advance(by: CertificateKeeper.interval)
            #expect(try await keeper.round())
        }
        #expect(api.writeCount == before && served.list.count == 1)
        #expect(api.requestCounts["patch"] == 3, "what is there already is not even sent: \(api.requestCounts)")
    }

    @Test func replicasShareOneSecret() async throws {
        let (api, time) = (try await server(), ManualTime())
        let all = (0..<4).map { _ in Served() }
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for served in all {
                let keeper = keeper(api, time, served)
                group.addTask { try await keeper.round() }
            }
            for try await isWell in group { #expect(isWell) }
        }
        let set = try await stored(api)
        for served in all { #expect(served.list == [set.serving]) }
        #expect(try await bundle(api) == set.bundle)
    }

    @Test func aRotationGoesOverTheOverlap() async throws {
        let (api, time) = (try await server(), ManualTime())
        let (first, second) = (Served(), Served())
        let keepers = [keeper(api, time, first), keeper(api, time, second)]
        func round() async throws { for keeper in keepers { #expect(try await keeper.round()) } }
        try await round()
        let old = try await stored(api)
        time.advance(by: .seconds(500 * 86_400))
        try await round()
        let announced = try await stored(api)
        #expect(announced.authority == old.authority && announced.next != nil)
        #expect(try await bundle(api) == announced.bundle)
        #expect(try #require(first.list.last).certificate.isSigned(by: old.authority.certificate), "the next one does not sign yet")
        time.advance(by: .seconds(601))
        try await round()
        try await round()
        let signed = try await stored(api)
        #expect(signed.authority == announced.next)
        for served in [first, second] { #expect(served.list.last == signed.serving) }
        #expect(try await bundle(api).contains(old.authority.certificate.pem), "a replica may not have looked yet")
        let retention = CertificateRotation(names: ["127.0.0.1"]).retention
        time.advance(by: retention - .seconds(60))
        try await round()
        #expect(try await bundle(api).contains(old.authority.certificate.pem))
        time.advance(by: .seconds(60))
        try await round()
        #expect(try await !bundle(api).contains(old.authority.certificate.pem), "every replica that is asked serves with the new one")
        #expect(try await stored(api).retiredSince == nil)
    }

    @Test func aNextAuthorityThatIsNotRegisteredDoesNotSign() async throws {
        let (api, time, served) = (try await server(), ManualTime(), Served())
        let keeper = keeper(api, time, served)
        #expect(try await keeper.round())
        api.faults.add(.forbidden(verb: "patch", pathContains: "webhookconfigurations"))
        time.advance(by: .seconds(500 * 86_400))
        #expect(try await !keeper.round())
        time.advance(by: .seconds(3600))
        #expect(try await !keeper.round())
        #expect(try await stored(api).next != nil)
        #expect(try await stored(api).retired.isEmpty)
    }

    @Test func aDeletedSecretComesBackAsItWas() async throws {
        let (api, time, served) = (try await server(), ManualTime(), Served())
        let keeper = keeper(api, time, served)
        #expect(try await keeper.round())
        let set = try await stored(api)
        try await api.delete(.secrets, Self.secret)
        #expect(try await keeper.round())
        #expect(try await stored(api) == set)
        #expect(served.list.count == 1)
    }

    @Test(
        arguments: [(["app.kubernetes.io/managed-by": "sonde-operator"], ["tls.crt": "eA=="]), ([:], [:]), ([:], ["tls.crt": ""])]
            as [(JSONValue, JSONValue)])
    func aDamagedOrEmptySecretIsWrittenAnew(labels: JSONValue, data: JSONValue) async throws {
        let (api, time, served) = (try await server(), ManualTime(), Served())
        try await put(api, data, metadata: ["labels": labels])
        #expect(try await keeper(api, time, served).round())
        #expect(try await served.list == [stored(api).serving])
    }

    /// A replica whose reads fail would go on with a certificate that is not trusted any more: nobody may ask it then.
    @Test func aReplicaThatCannotLookIsNotReady() async throws {
        let (api, time, served) = (try await server(), ManualTime(), Served())
        let keeper = keeper(api, time, served)
        #expect(try await keeper.round())
        api.faults.add(.forbidden(verb: "get", pathContains: "secrets"))
        let rotation = CertificateRotation(names: ["127.0.0.1"])
        time.advance(by: rotation.fence)
        #expect(try await !keeper.round())
        #expect(keeper.waitingFor == nil)
        time.advance(by: .seconds(1))
        #expect(keeper.waitingFor?.contains("could not be read for 601") == true, "\(keeper.waitingFor ?? "")")
        #expect(rotation.retention > rotation.fence)
        api.faults.removeAll()
        #expect(try await keeper.round())
        #expect(keeper.waitingFor == nil)
    }

    @Test func theAnnotationAsksForANewAuthority() async throws {
        let (api, time, served) = (try await server(), ManualTime(), Served())
        let keeper = keeper(api, time, served)
        #expect(try await keeper.round())
        try await api.patch(.secrets, Self.secret, .merge(["metadata": ["annotations": [CertificateKeeper.rotateAnnotation: "now"]]]))
        #expect(try await keeper.round())
        #expect(try await stored(api).next != nil)
        #expect(try await api.get(.secrets, Self.secret).metadata.annotations[CertificateKeeper.rotateAnnotation] == nil)
    }

    @Test func aSecretOfSomebodyElseIsOnlyRead() async throws {
        let (api, time, served) = (try await server(), ManualTime(), Served())
        let own = try #require(try CertificateRotation(names: ["127.0.0.1"]).step(from: nil, now: time.wallClock, isNextTrusted: false)).set
        var data = own.secretData
        for key in ["ca.key", "ca-bundle.crt"] { data[key] = nil }
        try await api.create(
            .secrets,
            [
                "apiVersion": "v1", "kind": "Secret", "metadata": ["name": .string(Self.secret.name), "namespace": "default"], "type": "kubernetes.io/tls",
                "data": data,
            ])
        let before = try await api.get(.secrets, Self.secret)
        #expect(try await keeper(api, time, served).round())
        #expect(served.list == [own.serving])
        #expect(try await api.get(.secrets, Self.secret) == before)
        #expect(try await bundle(api) == own.authority.certificate.pem)
    }

    // MARK: Certificates of others

    private func put(_ api: any KubernetesAPI, _ data: JSONValue, metadata: JSONValue = [:]) async throws {
        var object: JSONValue = ["apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data]
        object.set(["metadata", "name"], to: .string(Self.secret.name))
        object.set(["metadata", "namespace"], to: "default")
        if let live = try await api.getIfFound(.secrets, Self.secret) {
            object.set(["metadata", "resourceVersion"], to: .string(live.metadata.resourceVersion))
            try await api.replace(.secrets, object)
        } else {
            try await api.create(.secrets, object)
        }
    }

    /// `data` as cert-manager writes it, of an authority of its own.
    private func foreign(_ time: ManualTime, name: String = "127.0.0.1", from: Duration = .zero, to: Duration = .seconds(86_400)) throws -> JSONValue {
        let now = time.wallClock
        let authority = try Identity.authority(
            commonName: "other", from: now.advanced(by: .seconds(-86_400)), to: now.advanced(by: .seconds(10 * 86_400)))
        let leaf = try Identity.server(names: [name], from: now.advanced(by: from), to: now.advanced(by: to), issuer: authority)
        func text(_ pem: String) -> JSONValue { .string(Base64.encode(Array(pem.utf8))) }
        return ["tls.crt": text(leaf.certificate.pem), "tls.key": text(leaf.key.pem), "ca.crt": text(authority.certificate.pem)]
    }

    @Test(arguments: ["expired", "begins", "127.0.0.1", "no certificate with its key"])
    func whatOthersKeepIsCheckedAndNeverWritten(problem: String) async throws {
        let (api, time, served) = (try await server(), ManualTime(), Served())
        var data = try foreign(time)
        switch problem {
        case "expired": data = try foreign(time, from: .seconds(-7200), to: .seconds(-3600))
        case "begins": data = try foreign(time, from: .seconds(3600))
        case "127.0.0.1": data = try foreign(time, name: "other.test")
        default: data["tls.key"] = "bm90aGluZw=="
        }
        try await put(api, data)
        let before = try await api.get(.secrets, Self.secret)
        let keeper = keeper(api, time, served)
        for _ in 0..<3 { #expect(try await !keeper.round()) }
        #expect(served.list.isEmpty)
        #expect(keeper.waitingFor?.contains(problem) == true && keeper.waitingFor?.contains("or delete it") == true, "\(keeper.waitingFor ?? "")")
        #expect(try await api.get(.secrets, Self.secret) == before)
        // The remedy that it names.
        try await api.delete(.secrets, Self.secret)
        #expect(try await keeper.round())
        #expect(try await served.list == [stored(api).serving])
    }

    /// cert-manager takes over the Secret that the operator made, and leaves the authority's key in it.
    @Test func aSecretThatCertManagerTookOverIsLeftToIt() async throws {
        let (api, time, served) = (try await server(), ManualTime(), Served())
        let keeper = keeper(api, time, served)
        #expect(try await keeper.round())
        let data = try foreign(time)
        try await api.patch(
            .secrets, Self.secret, .merge(["metadata": ["annotations": ["cert-manager.io/certificate-name": "webhook"]], "data": data]),
            fieldManager: "cert-manager")
        let taken = try await api.get(.secrets, Self.secret)
        for _ in 0..<3 {
            #expect(try await keeper.round())
            time.advance(by: CertificateKeeper.interval)
        }
        #expect(try await api.get(.secrets, Self.secret) == taken)
        #expect(served.list.count == 2 && served.list.last?.certificate.isFor("127.0.0.1") == true)
    }

    @Test func aRenewalByOthersTurnsNobodyAway() async throws {
        let (api, time, served) = (try await server(), ManualTime(), Served())
        let keeper = keeper(api, time, served)
        func authority(_ data: JSONValue) throws -> String {
            String(decoding: try #require(data["ca.crt"]?.string.flatMap { Base64.decode($0) }), as: UTF8.self)
        }
        let (first, second) = (try foreign(time), try foreign(time))
        try await put(api, first)
        #expect(try await keeper.round())
        time.advance(by: .seconds(3600))
        #expect(try await keeper.round())
        try await put(api, second)
        #expect(try await keeper.round())
        for text in [first, second] { #expect(try await bundle(api).contains(authority(text)), "both are trusted, before the new one is served") }
        #expect(served.list.count == 1)
        time.advance(by: CertificateKeeper.interval)
        #expect(try await keeper.round())
        #expect(served.list.count == 2)
        #expect(try await bundle(api).contains(authority(first)), "another replica may serve with it")
        let conversion = try await api.get(.customResourceDefinitions, Self.definition).at("spec", "conversion", "webhook", "clientConfig", "caBundle")
        #expect(try await conversion?.string == Base64.encode(Array(bundle(api).utf8)))
        let writes = api.writeCount
        #expect(try await keeper.round())
        #expect(api.writeCount == writes, "settled")
        time.advance(by: CertificateRotation(names: ["a"]).fence * 2)
        #expect(try await keeper.round())
        #expect(try await bundle(api) == authority(second))
    }

    // MARK: The chart's configurations

    private func chart(_ api: any KubernetesAPI, annotations: JSONValue = [:]) async throws {
        let client: JSONValue = ["service": ["namespace": "sonde", "name": "webhook", "path": "/x"]]
        func webhook(_ name: String) -> JSONValue {
            ["name": .string(name), "clientConfig": client, "sideEffects": "None", "admissionReviewVersions": ["v1"]]
        }
        let webhooks: [(ResourceType, [JSONValue])] = [
            (.validatingWebhookConfigurations, [webhook("opentelemetrycollector.sonde.dev"), webhook("other.example.org")]),
            (.mutatingWebhookConfigurations, [webhook("sidecar.sonde.dev")]),
        ]
        for (type, list) in webhooks {
            try await api.apply(
                type,
                [
                    "apiVersion": .string(type.apiVersion), "kind": .string(type.kind), "metadata": ["name": "sonde", "annotations": annotations],
                    "webhooks": .array(list),
                ], fieldManager: "helm", force: true)
        }
    }

    private static let service = WebhookAddress.service(ObjectName(namespace: "sonde", name: "webhook"), port: 443)

    @Test func onlyTheBundleOfOurWebhooksIsWritten() async throws {
        let (api, time, served) = (try await server(), ManualTime(), Served())
        try await chart(api)
        let before = try await api.get(.validatingWebhookConfigurations, Self.configuration)["webhooks"]?.array ?? []
        #expect(try await keeper(api, time, served, address: Self.service).round())
        let after = try await api.get(.validatingWebhookConfigurations, Self.configuration)["webhooks"]?.array ?? []
        #expect(after.count == 2)
        var ours = try #require(after.first)
        #expect(ours.at("clientConfig", "caBundle") != nil)
        ours.set(["clientConfig", "caBundle"], to: nil)
        #expect([ours, after[1]] == before)
        #expect(
            try await api.get(.customResourceDefinitions, Self.definition).at("spec", "conversion", "webhook", "clientConfig", "service")
                == ["namespace": "sonde", "name": "webhook", "path": "/convert", "port": 443])
    }

    @Test func aMissingConfigurationIsToldAndTriedAgain() async throws {
        let (api, time, served) = (try await server(), ManualTime(), Served())
        let keeper = keeper(api, time, served, address: Self.service)
        #expect(try await !keeper.round())
        #expect(keeper.waitingFor?.contains("webhook.enabled=true") == true)
        try await chart(api)
        #expect(try await keeper.round())
        #expect(keeper.waitingFor == nil)
    }

    @Test func certManagersInjectionIsLeftAlone() async throws {
        let (api, time, served) = (try await server(), ManualTime(), Served())
        try await chart(api, annotations: ["cert-manager.io/inject-ca-from": "sonde/webhook"])
        let before = try await api.get(.validatingWebhookConfigurations, Self.configuration)
        #expect(try await keeper(api, time, served, address: Self.service).round())
        #expect(try await api.get(.validatingWebhookConfigurations, Self.configuration) == before)
    }

    @Test func filesAreServedAsTheyAre() async throws {
        let (api, time, served) = (try await server(), ManualTime(), Served())
        let set = try #require(try CertificateRotation(names: ["127.0.0.1"]).step(from: nil, now: time.wallClock, isNextTrusted: false)).set
        let files = try CertificateSet.Foreign(
            certificate: set.serving.certificate.pem + set.authority.certificate.pem, key: set.serving.key.pem, bundle: set.authority.certificate.pem)
        #expect(try await keeper(api, time, served, source: .files { files }).round())
        #expect(served.list.map(\.chainPEM) == [set.serving.certificate.pem + set.authority.certificate.pem])
        #expect(try await api.getIfFound(.secrets, Self.secret) == nil)
        #expect(try await bundle(api) == set.authority.certificate.pem)
    }

    @Test func filesThatCannotBeReadAreTold() async throws {
        let (api, time, served) = (try await server(), ManualTime(), Served())
        let keeper = keeper(api, time, served, source: .files { throw ReviewError("/certs/tls.crt cannot be read") })
        #expect(try await !keeper.round())
        #expect(keeper.waitingFor?.contains("/certs/tls.crt cannot be read") == true)
    }

    // MARK: The end

    @Test func aRegistrationByURLIsTakenBack() async throws {
        let (api, time, served) = (try await server(), ManualTime(), Served())
        #expect(try await keeper(api, time, served).round())
        try await WebhookRegistration(api: api, address: Self.url, name: "sonde").remove()
        #expect(try await api.getIfFound(.validatingWebhookConfigurations, Self.configuration) == nil)
        let live = try await api.get(.customResourceDefinitions, Self.definition)
        #expect(live.at("spec", "conversion", "strategy") == "None")
        #expect(live.at("spec", "versions")?.array?.first { $0["name"] == "v1alpha1" }?["served"] == false)
    }

    @Test func theConversionOfAnotherOperatorStays() async throws {
        let api = try await server()
        let foreign: JSONValue = [
            "strategy": "Webhook", "webhook": ["conversionReviewVersions": ["v1"], "clientConfig": ["url": "https://other.example.org/convert"]],
        ]
        try await api.patch(.customResourceDefinitions, Self.definition, .merge(["spec": ["conversion": foreign]]), fieldManager: "helm")
        for owner in [ConversionOwner.namespace("sonde"), .address(Self.url)] { try await WebhookRegistration.turnConversionOff(api, of: owner) }
        #expect(try await api.get(.customResourceDefinitions, Self.definition).at("spec", "conversion") == foreign)
    }

    private func conversion(_ api: any KubernetesAPI) async throws -> JSONValue? {
        try await api.get(.customResourceDefinitions, Self.definition).at("spec", "conversion")
    }

    /// Another operator may have taken over what ours had written before.
    @Test(arguments: [url, service]) func aConversionThatSomebodyTookOverStays(address: WebhookAddress) async throws {
        let (api, time, served) = (try await server(), ManualTime(), Served())
        try await chart(api)
        #expect(try await keeper(api, time, served, address: address).round())
        let theirs: JSONValue = ["url": "https://other.example.org/convert", "service": nil]
        try await api.patch(
            .customResourceDefinitions, Self.definition, .merge(["spec": ["conversion": ["webhook": ["clientConfig": theirs]]]]), fieldManager: "other")
        let before = try await conversion(api)
        for owner in [ConversionOwner.namespace("sonde"), .address(address)] { try await WebhookRegistration.turnConversionOff(api, of: owner) }
        #expect(try await conversion(api) == before)
    }

    @Test(arguments: [(url, "elsewhere", true), (service, "sonde", true), (service, "elsewhere", false)])
    func whatOurNamespaceLeftBehindIsTakenAway(address: WebhookAddress, namespace: String, isTaken: Bool) async throws {
        let (api, time, served) = (try await server(), ManualTime(), Served())
        try await chart(api)
        #expect(try await keeper(api, time, served, address: address).round())
        try await WebhookRegistration.turnConversionOff(api, of: .namespace(namespace))
        let isGone = try await conversion(api) == ["strategy": "None"]
        #expect(isGone == isTaken)
        let live = try await api.get(.customResourceDefinitions, Self.definition)
        #expect(live.at("spec", "versions")?.array?.first { $0["name"] == "v1alpha1" }?["served"] == .bool(!isTaken))
    }

    @Test func anOperatorThatStopsLeavesItsSuccessorAlone() async throws {
        let (api, time, served) = (try await server(), ManualTime(), Served())
        #expect(try await keeper(api, time, served, address: .url("https://127.0.0.1:1")).round())
        #expect(try await keeper(api, time, served, address: Self.url).round())
        try await WebhookRegistration.turnConversionOff(api, of: .address(.url("https://127.0.0.1:1")))
        #expect(try await conversion(api)?.at("webhook", "clientConfig", "url") == "https://127.0.0.1:9443/convert")
    }

    @Test func withoutConversionTheDefinitionIsNotTouched() async throws {
        let api = try await server()
        let before = try await api.get(.customResourceDefinitions, Self.definition)
        let registration = WebhookRegistration(api: api, address: Self.url, name: "sonde", conversion: .off)
        #expect(await registration.update(bundle: "x").problems.isEmpty)
        try await registration.remove()
        #expect(try await api.get(.customResourceDefinitions, Self.definition) == before)
    }
}
