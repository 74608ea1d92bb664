import Admission
import JSON
import Kubernetes
import KubernetesTestServer
import Operator
import Testing

@testable import sonde_operator

@Suite struct OperatorSettingsTests {
    struct Layer: CustomTestStringConvertible {
        let flags: [String: String], environment: [String: String], file: JSONValue?
        let image: String
        let testDescription: String
    }

    static let layers = [
        Layer(
            flags: ["collectorImage": "flag"], environment: ["SONDE_COLLECTOR_IMAGE": "variable"], file: ["collectorImage": "file"], image: "flag",
            testDescription: "the flag wins"),
        Layer(
            flags: [:], environment: ["SONDE_COLLECTOR_IMAGE": "variable"], file: ["collectorImage": "file"], image: "variable",
            testDescription: "then the environment"),
        Layer(flags: [:], environment: [:], file: ["collectorImage": "file"], image: "file", testDescription: "then the file"),
    ]

    @Test(arguments: layers) func aValueComesFromTheFirstPlaceThatHasIt(layer: Layer) throws {
        #expect(try OperatorSettings(flags: layer.flags, environment: layer.environment, file: layer.file).collectorImage == layer.image)
    }

    @Test(arguments: OperatorSettings.all.map(\.key)) func everySettingHasItsFlag(key: String) throws {
        let setting = try #require(OperatorSettings.all.first { $0.key == key })
        #expect(try OperatorCommand.settings(in: [setting.flag, "value"]) == [key: "value"])
    }

    @Test func defaultsAreThoseOfTheTable() throws {
        let settings = try OperatorSettings(flags: [:], environment: [:], file: nil)
        #expect(settings.namespaces == nil)
        #expect(settings.isLeaderElectionOn && settings.grantsRoles)
        #expect(settings.metricsPort == 8080)
        #expect(settings.workers == 4)
    }

    @Test func proxiesOfTheEnvironmentArePassedOn() {
        let environment = ["HTTPS_PROXY": "a", "no_proxy": ".svc", "https_proxy": "", "ALL_PROXY": "b", "PATH": "/"]
        #expect(OperatorConfiguration.proxyVariables(of: environment) == ["HTTPS_PROXY": "a", "no_proxy": ".svc"])
    }

    static let bad: [(JSONValue, String)] = [
        (["collectorimage": "a"], "there is no setting collectorimage"),
        (["workers": 0], "workers: must be a whole number from 1 to 64"),
        (["leaderElect": "maybe"], "must be one of true, false"), (["collectorRoles": "maybe"], "collectorRoles: must be one of true, false"),
        (["metricsBindAddress": "8080"], "must be HOST:PORT"),
        (["metricsBindAddress": "a:70000"], "must be HOST:PORT"),
        (["fipsDisabledComponents": "export.kafka"], "fipsDisabledComponents: must be components such as exporter.kafka"),
        (["labelsFilter": "a ("], "labelsFilter: must be regular expressions"),
        (["annotationsFilter": "[z-a]"], "annotationsFilter: must be regular expressions"),
        (["namespaces": ["a", "b"]], "must be a single value"),
        (["webhook": true], "exactly one of webhookService and webhookUrl"),
        (["webhook": true, "webhookUrl": "https://a", "webhookService": "a/b"], "exactly one of webhookService and webhookUrl"),
        (["webhook": true, "webhookUrl": "http://a"], "webhookUrl: must be https://HOST[:PORT]"),
        (["webhook": true, "webhookUrl": "https://"], "webhookUrl: must be https://HOST[:PORT]"),
        (["webhook": true, "webhookService": "a"], "webhookService: must be NAMESPACE/NAME"),
        (["webhook": true, "webhookUrl": "https://a", "webhookBindAddress": "a"], "webhookBindAddress: must be HOST:PORT"),
        (["webhook": true, "webhookUrl": "https://a", "webhookFailurePolicy": "fail"], "webhookFailurePolicy: must be one of Fail, Ignore"),
        (["a"], "must hold one mapping"),
    ]

    @Test func theWebhookIsOffByDefault() throws { #expect(try OperatorSettings(flags: [:], environment: [:], file: nil).webhook == nil) }

    @Test(
        arguments: [
            (["webhookUrl": "https://127.0.0.1:9443/"], ["127.0.0.1"]), (["webhookUrl": "https://[::1]:9443"], ["::1"]),
            (["webhookUrl": "https://a.test"], ["a.test"]),
            (["webhookService": "sonde/hook"], ["hook.sonde.svc", "hook.sonde.svc.cluster.local"]),
        ] as [(JSONValue, [String])]) func theCertificateIsForTheNamesThatAreCalled(file: JSONValue, names: [String]) throws
    {
        var file = file
        file["webhook"] = true
        #expect(try OperatorSettings(flags: [:], environment: [:], file: file).webhook?.names == names)
    }

    /// Outside of the cluster the operator's namespace is that of its kubeconfig, where other resources may be.
    @Test func aWebhookByURLLeavesNoNamespaceOut() async throws {
        let file: JSONValue = ["webhook": true, "webhookUrl": "https://a.test"]
        let webhook = try #require(try OperatorSettings(flags: [:], environment: [:], file: file).webhook)
        func selectors(_ namespaces: [String]?) async throws -> [JSONValue?] {
            let api = TestAPIServer()
            _ = await webhook.setup(api, namespace: "default", namespaces: namespaces).registration.update(bundle: "x")
            let type = ResourceType(
                group: "admissionregistration.k8s.io", version: "v1", kind: "ValidatingWebhookConfiguration", plural: "validatingwebhookconfigurations",
                isNamespaced: false)
            let live = try await api.get(type, ObjectName(namespace: nil, name: "sonde"))
            return (live["webhooks"]?.array ?? []).map { $0.at("namespaceSelector", "matchExpressions") }
        }
        #expect(try await selectors(nil) == [nil, nil])
        #expect(try await selectors(["a"]).allSatisfy { $0?[0]?["values"] == ["a"] })
    }

    @Test(arguments: bad) func aBadValueIsNamedWithItsPlace(file: JSONValue, text: String) throws {
        let error = try #require(throws: SettingError.self) { try OperatorSettings(flags: [:], environment: [:], file: file) }
        #expect(error.description.contains(text), "\(error)")
    }

    @Test func filtersAreSeparatedBySpaces() throws {
        let settings = try OperatorSettings(flags: ["labelsFilter": "^a\\.b$  x{1,2}"], environment: [:], file: nil)
        #expect(settings.labelsFilter == ["^a\\.b$", "x{1,2}"] && settings.annotationsFilter == [])
    }

    @Test func numbersAndBooleansOfTheFileCount() throws {
        let settings = try OperatorSettings(flags: [:], environment: [:], file: ["workers": 7, "leaderElect": false, "namespaces": "a, b"])
        #expect(settings.workers == 7 && !settings.isLeaderElectionOn && settings.namespaces == ["a", "b"])
    }
}
