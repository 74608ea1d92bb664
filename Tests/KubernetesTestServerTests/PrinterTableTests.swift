// Tables for `kubectl get`: cells, columns, ages, and the JSONPath of printer columns.
// Cells of custom kinds and columns of built-in ones are those of a kube-apiserver 1.36.
// It never reads the wall clock: the current time is handed in.

import JSON
import Kubernetes
import Testing

@testable import KubernetesTestServer

@Suite struct PrinterTableTests {
    private static let now = Timestamp(secondsSinceEpoch: 1_000_000_000)

    private static func builtIn(_ type: ResourceType) throws -> ServedKind {
        try #require(BuiltInKinds.all.first { $0.type == type })
    }

    private static func custom(_ columns: [ServedKind.Column]) -> ServedKind {
        var kind = ServedKind(ResourceType(group: "test.dev", version: "v1", kind: "Good", plural: "goods"), schema: .any)
        kind.definition = "goods.test.dev"
        kind.columns = columns
        return kind
    }

    private static func cells(_ object: JSONValue, _ kind: ServedKind) -> [JSONValue] {
        TableView.table([object], metadata: [:], kind, now: now)["rows"]?[0]?["cells"]?.array ?? []
    }

    private static func names(_ kind: ServedKind, wide: Bool = false) -> [String] {
        let columns = TableView.table([], metadata: [:], kind, now: now)["columnDefinitions"]?.array ?? []
        return columns.filter { wide || $0["priority"] == 0 }.compactMap { $0["name"]?.string }
    }

    private static let good: JSONValue = [
        "metadata": ["name": "t5", "creationTimestamp": "2001-09-09T01:46:36Z", "labels": ["app.kubernetes.io/name": "x"]],
        "spec": ["n": 1, "f": 2.5, "l": ["a", "b"], "m": ["b": 1, "a": "c"], "t": "2001-09-09T00:46:40Z", "bad": "yesterday"],
        "status": ["conditions": [["type": "Other", "status": "False"], ["type": "Ready", "status": "True"]]],
    ]

    @Test(arguments: [
        (".spec.n", "integer", 1 as JSONValue, "an integer stays one"), (".spec.n", "string", "1", "any value can be text"),
        (".spec.l", "string", #"["a","b"]"#, "a list is JSON"),
        (".spec.m", "string", #"{"a":"c","b":1}"#, "a map is JSON with sorted keys"), (".spec.l[0]", "string", "a", "an index"),
        (".spec.l[-1]", "string", "b", "from the end"), (".spec.l[*]", "string", "a", "the first of many"), (".spec.absent", "string", .null, "absent"),
        (".spec.l", "integer", .null, "a list is no integer"), (".spec.f", "integer", 2, "cut to an integer"), (".spec.f", "number", 2.5, "a number"),
        (".spec.n", "boolean", .null, "an integer is no boolean"), (".spec.t", "date", "60m", "a time is an age"),
        (".spec.bad", "date", "<invalid>", "no time"),
        (#".status.conditions[?(@.type=="Ready")].status"#, "string", "True", "a filter"),
        (#".status.conditions[?(@.type!='Ready')].status"#, "string", "False", "not equal"),
        (#"{.spec.n}"#, "integer", 1, "in braces"), (#".metadata.labels.app\.kubernetes\.io/name"#, "string", "x", "escaped dots"),
        (".metadata.labels['app.kubernetes.io/name']", "string", "x", "a quoted field"), (".metadata.creationTimestamp", "date", "4s", "age"),
    ])
    func customColumnShowsValue(path: String, type: String, expected: JSONValue, reason: String) {
        let kind = Self.custom([ServedKind.Column(name: "C", type: type, path: path)])
        #expect(Self.cells(Self.good, kind) == ["t5", expected], "\(reason)")
    }

    @Test(arguments: ["spec.n", ".spec..n", ".spec[", ".spec[?(@.a=b)]", ".spec[0:2]", ".a b", ".spec['']"])
    func pathOutsideOfTheSubsetIsRefused(path: String) {
        #expect(JSONPath(path) == nil)
    }

    @Test func customKindWithoutColumnsShowsAge() {
        #expect(Self.names(Self.custom([])) == ["Name", "Age"])
        #expect(Self.cells(Self.good, Self.custom([])) == ["t5", "4s"])
        let own = Self.custom([ServedKind.Column(name: "N", type: "integer", priority: 1, path: ".spec.n")])
        #expect(Self.names(own) == ["Name"] && Self.names(own, wide: true) == ["Name", "N"])
    }

    @Test func tableCarriesMetadataOfListAndRows() {
        let table = TableView.table([Self.good], metadata: ["resourceVersion": "7", "continue": "x"], Self.custom([]), now: Self.now)
        #expect(table["kind"] == "Table" && table["apiVersion"] == "meta.k8s.io/v1" && table.at("metadata", "continue") == "x")
        let object = table["rows"]?[0]?["object"]
        #expect(object?["kind"] == "PartialObjectMetadata" && object?.at("metadata", "name") == "t5" && object?["spec"] == nil)
        #expect(table["columnDefinitions"]?[0]?["format"] == "name")
    }

    @Test(arguments: [
        (ResourceType.deployments, ["Name", "Ready", "Up-to-date", "Available", "Age"], ["Containers", "Images", "Selector"]),
        (.statefulSets, ["Name", "Ready", "Age"], ["Containers", "Images"]),
        (.daemonSets, ["Name", "Desired", "Current", "Ready", "Up-to-date", "Available", "Node Selector", "Age"], ["Containers", "Images", "Selector"]),
        (.services, ["Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age"], ["Selector"]),
        (.pods, ["Name", "Ready", "Status", "Restarts", "Age"], ["IP", "Node"]),
        (.configMaps, ["Name", "Data", "Age"], []), (.secrets, ["Name", "Type", "Data", "Age"], []), (.serviceAccounts, ["Name", "Age"], []),
        (.namespaces, ["Name", "Status", "Age"], []), (.leases, ["Name", "Holder", "Age"], []), (.customResourceDefinitions, ["Name", "Created At"], []),
        (.events, ["Last Seen", "Type", "Reason", "Object", "Message"], ["Name"]),
        (.podDisruptionBudgets, ["Name", "Min Available", "Max Unavailable", "Allowed Disruptions", "Age"], []),
        (.nodes, ["Name", "Status", "Roles", "Age", "Version"], []),
    ])
    func builtInKindHasColumnsOfAServer(type: ResourceType, shown: [String], wide: [String]) throws {
        let kind = try Self.builtIn(type)
        #expect(Self.names(kind) == shown && Self.names(kind, wide: true) == shown + wide)
    }

    @Test func workloadShowsReplicasContainersAndSelector() throws {
        let deployment: JSONValue = [
            "metadata": ["name": "web", "creationTimestamp": "2001-09-09T01:36:40Z"],
            "spec": [
                "replicas": 3, "selector": ["matchLabels": ["app": "web"]],
                "template": ["spec": ["containers": [["name": "a", "image": "x:1"], ["name": "b", "image": "y:2"]], "nodeSelector": ["os": "linux"]]],
            ],
            "status": ["readyReplicas": 1, "updatedReplicas": 2, "availableReplicas": 1],
        ]
        #expect(Self.cells(deployment, try Self.builtIn(.deployments)) == ["web", "1/3", 2, 1, "10m", "a,b", "x:1,y:2", "app=web"])
        let daemonSet = Self.cells(deployment, try Self.builtIn(.daemonSets))
        #expect(daemonSet.prefix(8) == ["web", 0, 0, 0, 0, 0, "os=linux", "10m"])
    }

    @Test(
        arguments: [
            (
                ["type": "ClusterIP", "clusterIP": "10.0.0.1", "ports": [["port": 80], ["port": 53, "protocol": "UDP"]]],
                ["ClusterIP", "10.0.0.1", "<none>", "80/TCP,53/UDP"]
            ),
            (["type": "ClusterIP", "clusterIP": "None"], ["ClusterIP", "None", "<none>", "<none>"]),
            (
                ["type": "LoadBalancer", "clusterIP": "10.0.0.1", "ports": [["port": 80, "nodePort": 30000]]],
                ["LoadBalancer", "10.0.0.1", "<pending>", "80:30000/TCP"]
            ),
            (["type": "ExternalName", "externalName": "a.b"], ["ExternalName", "<none>", "a.b", "<none>"]),
        ] as [(JSONValue, [JSONValue])])
    func serviceShowsAddressesAndPorts(spec: JSONValue, expected: [JSONValue]) throws {
        #expect(Array(Self.cells(["metadata": ["name": "s"], "spec": spec], try Self.builtIn(.services))[1...4]) == expected)
    }

    @Test(
        arguments: [
            ([:], "Unknown", "no status at all"), (["phase": "Running"], "Running", "the phase"),
            (["phase": "Failed", "reason": "Evicted"], "Evicted", "a reason says more"),
            (["phase": "Pending", "containerStatuses": [["state": ["waiting": ["reason": "ImagePullBackOff"]]]]], "ImagePullBackOff", "a waiting container"),
        ] as [(JSONValue, String, String)])
    func podShowsWhyItDoesNotRun(status: JSONValue, expected: String, reason: String) throws {
        let kind = try Self.builtIn(.pods)
        #expect(Self.cells(["metadata": ["name": "p"], "status": status], kind)[2].string == expected, "\(reason)")
        let deleted: JSONValue = ["metadata": ["name": "p", "deletionTimestamp": "2001-09-09T01:46:40Z"], "status": status]
        #expect(Self.cells(deleted, kind)[2] == "Terminating")
    }

    @Test func eventsOfBothGroupsShowTheirObject() throws {
        let event: JSONValue = [
            "metadata": ["name": "e"], "eventTime": "2001-09-09T01:46:30.000000Z", "type": "Warning", "reason": "Why", "note": "What.",
            "regarding": ["kind": "EBPFProbe", "name": "p"],
        ]
        #expect(Self.cells(event, try Self.builtIn(.events)) == ["10s", "Warning", "Why", "ebpfprobe/p", "What.", "e"])
    }

    @Test(
        arguments: [
            (-5, "<invalid>"), (-1, "0s"), (0, "0s"), (119, "119s"), (120, "2m"), (125, "2m5s"), (600, "10m"), (10_799, "179m"), (10_800, "3h"),
            (11_100, "3h5m"),
            (28_800, "8h"), (172_799, "47h"), (172_800, "2d"), (180_000, "2d2h"), (691_200, "8d"), (63_072_000, "2y"), (63_158_400, "2y1d"),
            (252_288_000, "8y"),
        ] as [(Int64, String)])
    func durationsReadAsKubectlPrintsThem(seconds: Int64, expected: String) {
        #expect(HumanDuration.text(seconds: seconds) == expected)
    }

    @Test func objectWithoutCreationHasUnknownAge() {
        #expect(HumanDuration.text(since: nil, now: Self.now) == "<unknown>" && HumanDuration.text(since: "x", now: Self.now) == "<invalid>")
    }
}
