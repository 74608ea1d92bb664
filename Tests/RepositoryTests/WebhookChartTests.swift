// The webhook in the Helm chart: its registrations are those that the operator completes, and its rights are what it uses.
// Objects are read back from `helm template`; names and paths are compared with the sources.
// It never talks to a cluster.

import JSON
import Kubernetes
import Testing
import YAML

@Suite struct WebhookChartTests {
    private static func render(_ values: String...) throws -> [JSONValue] {
        let folder = ChartTests.chart
        let (status, output) = try Tools.run(
            "helm", ["template", "sonde", folder, "--namespace", "sonde-system", "-f", "\(folder)/ci/webhook-values.yaml"] + values)
        try #require(status == 0, "helm template \(values): \(output)")
        return try YAML.parse(output)
    }

    private static func all(_ kind: String, in objects: [JSONValue]) -> [JSONValue] { objects.filter { $0["kind"]?.string == kind } }

    private static func webhooks(_ objects: [JSONValue]) -> [JSONValue] {
        (all("ValidatingWebhookConfiguration", in: objects) + all("MutatingWebhookConfiguration", in: objects)).flatMap { $0["webhooks"]?.array ?? [] }
    }

    @Test func withoutTheSwitchThereIsNone() throws {
        let objects = try Self.render("--set", "webhook.enabled=false")
        #expect(Self.webhooks(objects).isEmpty)
        #expect(objects.allSatisfy { !$0.metadata.name.hasSuffix("webhook") && !$0.metadata.name.hasSuffix("-conversion") })
        let arguments = Self.all("Deployment", in: objects)[0].at("spec", "template", "spec", "containers")?[0]?["args"]?.array ?? []
        #expect(arguments.allSatisfy { $0.string?.contains("webhook") == false })
    }

    @Test func registrationsAreThoseOfTheOperatorWithoutABundle() throws {
        let registration = try Repository.text("Sources/Admission/WebhookRegistration.swift")
        let paths = try Repository.text("Sources/Admission/WebhookHandler.swift")
        let webhooks = Self.webhooks(try Self.render())
        #expect(webhooks.count == 3)
        for webhook in webhooks {
            let name = webhook["name"]?.string ?? ""
            #expect(registration.contains("\"\(name)\""), "the operator does not know \(name)")
            let path = webhook.at("clientConfig", "service", "path")?.string ?? ""
            #expect(paths.contains("\"\(path)\""), "nobody answers at \(path)")
            #expect(webhook.at("clientConfig", "caBundle") == nil, "the operator writes it; a chart that has it takes it away again")
            #expect((webhook["timeoutSeconds"]?.int ?? 30) <= 5 && webhook["admissionReviewVersions"] == ["v1"])
            #expect(webhook["matchPolicy"] == "Equivalent", "v1alpha1 is checked too")
            let excluded = webhook.at("namespaceSelector", "matchExpressions")?[0]
            #expect(excluded == ["key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["sonde-system"]])
        }
        #expect(webhooks.map { $0["failurePolicy"]?.string } == ["Ignore", "Ignore", "Ignore"])
        #expect(webhooks.map { $0["sideEffects"]?.string } == ["None", "None", "NoneOnDryRun"])
    }

    @Test func theOlderVersionIsServedOnlyWithTheWebhook() throws {
        func served(_ values: String...) throws -> [JSONValue] {
            let objects = try values.isEmpty ? Self.render() : Self.render("--set", values[0])
            let definition = try #require(objects.first { $0.metadata.name == "opentelemetrycollectors.opentelemetry.io" })
            return (definition.at("spec", "versions")?.array ?? []).compactMap { $0["served"] }
        }
        #expect(try served() == [true, true])
        #expect(try served("webhook.enabled=false") == [true, false])
        #expect(try served("webhook.conversion.enabled=false") == [true, false])
    }

    @Test func onlyTheConversionChangesTheDefinition() throws {
        func roles(_ values: String...) throws -> [JSONValue] {
            let objects = try values.isEmpty ? Self.render() : Self.render("--set", values[0])
            return Self.all("ClusterRole", in: objects).filter { role in
                (role["rules"]?.array ?? []).contains { $0["resources"]?.array?.contains("customresourcedefinitions") == true && $0["verbs"] != ["get"] }
            }
        }
        let on = try roles()
        #expect(on.map(\.metadata.name) == ["sonde-sonde-system-conversion"])
        #expect(on.first?["rules"]?.array?.count == 1 && on.first?["rules"]?[0]?["resourceNames"] == ["opentelemetrycollectors.opentelemetry.io"])
        #expect(Self.all("ClusterRoleBinding", in: try Self.render()).contains { $0.metadata.name == "sonde-sonde-system-conversion" })
        for value in ["webhook.conversion.enabled=false", "webhook.enabled=false", "rbac.create=false"] { #expect(try roles(value) == [], "\(value)") }
    }

    @Test func validationFailsClosedByDefaultAndPodsNever() throws {
        let policies = Self.webhooks(try Self.render("--set", "webhook.failurePolicy=Fail")).map { $0["failurePolicy"]?.string }
        #expect(policies == ["Fail", "Fail", "Ignore"])
    }

    @Test func nobodyWaitsLongForAWebhookThatRefuses() throws {
        func render(_ values: String) throws -> (status: Int32, output: String) {
            try Tools.run("helm", ["template", "sonde", ChartTests.chart, "--set", "webhook.enabled=true," + values])
        }
        let refused = try render("webhook.failurePolicy=Fail,webhook.timeoutSeconds=6")
        #expect(refused.status != 0 && refused.output.contains("at most 5"), "\(refused.output.prefix(300))")
        for values in ["webhook.failurePolicy=Fail,webhook.timeoutSeconds=5", "webhook.failurePolicy=Ignore,webhook.timeoutSeconds=30"] {
            #expect(try render(values).status == 0, "\(values)")
        }
    }

    @Test func chosenNamespacesAreTheOnlyOnes() throws {
        for webhook in Self.webhooks(try Self.render("--set", "watchNamespaces={team-a,team-b}")) {
            let expressions = webhook.at("namespaceSelector", "matchExpressions")?.array ?? []
            #expect(expressions.contains(["key": "kubernetes.io/metadata.name", "operator": "In", "values": ["team-a", "team-b"]]))
        }
    }

    @Test func selectorsForPodsAreTaken() throws {
        let webhook = try #require(Self.webhooks(try Self.render()).last)
        #expect(webhook.at("namespaceSelector", "matchLabels") == ["sidecars": "true"])
        #expect(webhook.at("namespaceSelector", "matchExpressions")?.array?.count == 2)
        #expect(webhook.at("objectSelector", "matchLabels") == ["app": "mine"])
        #expect(Self.all("MutatingWebhookConfiguration", in: try Self.render("--set", "webhook.sidecar.enabled=false")).isEmpty)
    }

    @Test func theServiceReachesThePortThatIsListenedOn() throws {
        let objects = try Self.render()
        let container = try #require(Self.all("Deployment", in: objects)[0].at("spec", "template", "spec", "containers")?[0])
        let service = try #require(objects.first { $0["kind"] == "Service" && $0.metadata.name == "sonde-webhook" })
        #expect(service.at("spec", "publishNotReadyAddresses") == nil, "a pod that ends would be asked for as long as it is there")
        #expect(service.at("spec", "ports")?[0] == ["name": "webhook", "port": 443, "targetPort": "webhook", "protocol": "TCP"])
        #expect(container["ports"]?.array?.contains(["name": "webhook", "containerPort": 9443]) == true)
        let arguments = container["args"]?.array?.compactMap(\.string) ?? []
        #expect(arguments.contains("--webhook-service=sonde-system/sonde-webhook") && arguments.contains("--webhook-bind-address=0.0.0.0:9443"))
        let configuration = try #require(arguments.first { $0.hasPrefix("--webhook-configuration=") }?.split(separator: "=").last)
        #expect(Set(Self.all("ValidatingWebhookConfiguration", in: objects).map(\.metadata.name)) == [String(configuration)])
        let settings = try Repository.text("Sources/sonde-operator/OperatorSettings.swift")
        for argument in arguments where argument.hasPrefix("--webhook") {
            let words = argument.dropFirst(2).prefix { $0 != "=" }.split(separator: "-").map(String.init)
            let key = words[0] + words.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
            #expect(settings.contains("key: \"\(key)\""), "\(argument) sets nothing that the operator knows")
        }
    }

    @Test func itsRightsAreNamedOneByOne() throws {
        let objects = try Self.render()
        let cluster = try #require(objects.first { $0["kind"] == "ClusterRole" && $0.metadata.name.hasSuffix("-webhook") })
        let rules = cluster["rules"]?.array ?? []
        let written = rules.filter { $0["verbs"]?.array?.contains("patch") == true && $0["apiGroups"] != ["events.k8s.io"] }
        #expect(written.count == 1 && written.allSatisfy { $0["resourceNames"]?.array?.count == 1 }, "only our own registrations are written")
        #expect(rules.contains(["apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"], "verbs": ["create"]]))
        let role = try #require(objects.first { $0["kind"] == "Role" && $0.metadata.name == "sonde-webhook" })
        #expect(
            role["rules"]?.array?.filter { $0["resourceNames"] != nil }
                == [["apiGroups": [""], "resources": ["secrets"], "resourceNames": ["sonde-webhook-certificate"], "verbs": ["get", "update"]]])
        #expect(Self.all("RoleBinding", in: objects).contains { $0.metadata.name == "sonde-webhook" })
    }

    @Test func certManagersSecretIsOnlyRead() throws {
        let objects = try Self.render("--set", "webhook.certificate.certManager.enabled=true")
        let certificate = try #require(objects.first { $0["kind"] == "Certificate" })
        #expect(certificate.at("spec", "secretName") == "sonde-webhook-certificate")
        #expect(certificate.at("spec", "dnsNames")?[0] == "sonde-webhook.sonde-system.svc")
        #expect(objects.contains { $0["kind"] == "Issuer" })
        let role = try #require(objects.first { $0["kind"] == "Role" && $0.metadata.name == "sonde-webhook" })
        #expect(role["rules"]?.array?.map { $0["verbs"] } == [["get"]])
        let named = try Self.render(
            "--set", "webhook.certificate.certManager.enabled=true,webhook.certificate.certManager.issuerRef.name=x,webhook.certificate.secretName=mine")
        #expect(named.allSatisfy { $0["kind"] != "Issuer" })
        #expect(named.first { $0["kind"] == "Certificate" }?.at("spec", "secretName") == "mine")
    }

    @Test(arguments: ["webhook.port=0", "webhook.failurePolicy=fail", "webhook.timeoutSeconds=31", "webhook.unknown=1", "webhook.certificate.secretName=A_b"])
    func wrongValuesAreRefused(value: String) throws {
        let (status, output) = try Tools.run("helm", ["template", "sonde", ChartTests.chart, "--set", value])
        #expect(status != 0 && output.contains("schema"), "\(value) was taken: \(output.prefix(300))")
    }
}
