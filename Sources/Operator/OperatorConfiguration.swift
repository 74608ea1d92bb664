// What a deployment of the operator decides for all resources: images, namespaces, names of its field managers.
// The executable fills it from flags, environment and file; the reconcilers read it.
// It never changes while the process runs.

import Rendering

/// Settings of the operator's controllers.
public struct OperatorConfiguration: Hashable, Sendable {
    /// Namespaces to work in; nil means all, with cluster-wide reads.
    public var namespaces: [String]?
    /// The image of collectors whose resource names none.
    public var collectorImage: String
    /// The image of agents whose EBPFProbe names none.
    public var agentImage: String
    /// The operator's own proxy variables, which its collectors and agents get too: `HTTPS_PROXY` and its like.
    public var proxyVariables: [String: String]
    /// Regular expressions over keys of a collector's labels that its objects do not get.
    public var labelsFilter: [String]
    /// Regular expressions over keys of a collector's annotations that its objects do not get.
    public var annotationsFilter: [String]
    /// Whether Roles and ClusterRoles are made for what collectors read at the Kubernetes API. Only where the operator works in all namespaces:
    /// with a list it may touch nothing of the whole cluster.
    public var grantsRoles: Bool
    /// Components that no collector may use: `exporter.kafka`, or `kafka` for every kind.
    public var disabledComponents: [String] = []
    /// Resources of one kind that are worked on at the same time.
    public var workers: Int
    /// How often the cluster is asked for kinds of other products that may have been installed meanwhile.
    public var neighbourPause: Duration = .seconds(10)
    /// Between two looks at a collector's own metrics.
    public var healthPause: Duration = .seconds(30)
    /// Between two looks at a canary.
    public var rolloutPause: Duration = .seconds(5)
    /// Owns the fields of rendered objects in server-side apply. The status has a manager of its own, `<fieldManager>-status`.
    public var fieldManager: String

    public init(
        namespaces: [String]? = nil, collectorImage: String, agentImage: String, proxyVariables: [String: String] = [:],
        labelsFilter: [String] = [], annotationsFilter: [String] = [], grantsRoles: Bool = true, workers: Int = 4, fieldManager: String = "sonde-operator"
    ) {
        precondition(workers > 0, "the operator needs a worker")
        precondition(namespaces.map { !$0.isEmpty } ?? true, "a list of namespaces names at least one")
        self.namespaces = namespaces
        self.collectorImage = collectorImage
        self.agentImage = agentImage
        self.proxyVariables = proxyVariables
        self.labelsFilter = labelsFilter
        self.annotationsFilter = annotationsFilter
        self.grantsRoles = grantsRoles && namespaces == nil
        self.workers = workers
        self.fieldManager = fieldManager
    }

    /// What programs read for a proxy, in both spellings, as far as it is set.
    public static func proxyVariables(of environment: [String: String]) -> [String: String] {
        let names = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"]
        return environment.filter { (names + names.map { $0.lowercased() }).contains($0.key) && !$0.value.isEmpty }
    }

    /// Whether a text can stand in `labelsFilter` and `annotationsFilter`.
    public static func isKeyPattern(_ text: String) -> Bool { KeyFilter.isPattern(text) }

    var statusFieldManager: String { "\(fieldManager)-status" }
}
