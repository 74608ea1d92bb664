// What the text of an annotation must be: a word, a number, names, a mapping of texts, a mapping; each with the remedy when it is something else.
// CollectorAnnotations reads every annotation through it.
// It never takes a value half: a mapping with one wrong entry is refused as a whole.

import JSON
import Kubernetes
import YAML

struct AnnotationShape {
    typealias Refusal = CollectorAnnotations.Refusal

    /// What to write, with an example.
    let remedy: String
    /// The value, or why not.
    private let read: @Sendable (String) throws(Refusal) -> JSONValue

    func value(_ text: String) throws(Refusal) -> JSONValue { try read(text) }

    static func of(_ name: CollectorAnnotations.Name) -> AnnotationShape {
        switch name {
        case .podLabels: labels
        case .imagePullSecrets: names
        case .runtimeClassName, .schedulerName: objectName("gvisor")
        case .loadBalancerClass: loadBalancerClass
        case .automountServiceAccountToken, .prometheusRule: boolean
        case .minReadySeconds, .progressDeadlineSeconds: number("30")
        case .revisionHistoryLimit: number("3")
        case .statefulSetUpdateStrategy: mapping("{type: RollingUpdate, rollingUpdate: {partition: 1}}", keys: ["type", "rollingUpdate"])
        case .rollout: choice(["canary"])
        case .rolloutSeconds: number("120")
        case .serviceType: choice(["ClusterIP", "NodePort", "LoadBalancer"])
        case .externalTrafficPolicy: choice(["Cluster", "Local"])
        case .serviceAnnotations: annotations("{service.beta.kubernetes.io/aws-load-balancer-type: nlb}")
        case .serviceAccountAnnotations: annotations("{eks.amazonaws.com/role-arn: \"arn:aws:iam::1:role/otel\"}")
        case .podTemplatePatch: patch
        case .traceRouting: choice(["managed"])
        }
    }

    private init(_ remedy: String, _ read: @escaping @Sendable (String) throws(Refusal) -> JSONValue) {
        self.remedy = remedy
        self.read = read
    }

    // MARK: Words and numbers

    private static let boolean = choice(["true", "false"], as: { $0 == "true" ? true : false })

    private static func choice(_ words: [String], as value: @escaping @Sendable (String) -> JSONValue = { .string($0) }) -> AnnotationShape {
        let remedy = "write one of: \(words.joined(separator: ", "))"
        return AnnotationShape(remedy) { text throws(Refusal) in
            guard words.contains(text) else { throw Refusal(message: "\"\(text.prefix(80))\" is not known", remedy: remedy) }
            return value(text)
        }
    }

    private static func number(_ example: String) -> AnnotationShape {
        let remedy = "write a whole number, for example \"\(example)\""
        return AnnotationShape(remedy) { text throws(Refusal) in
            guard let number = Int(text), (0...Int(Int32.max)).contains(number) else {
                throw Refusal(message: "\"\(text.prefix(80))\" is no whole number from 0 to \(Int32.max)", remedy: remedy)
            }
            return JSONValue(number)
        }
    }

    private static func objectName(_ example: String) -> AnnotationShape {
        let remedy = "write the name of an object, for example \(example)"
        return AnnotationShape(remedy) { text throws(Refusal) in
            guard LabelSyntax.isDNSSubdomain(text) else { throw Refusal(message: "\"\(text.prefix(80))\" is no name", remedy: remedy) }
            return .string(text)
        }
    }

    private static let loadBalancerClass: AnnotationShape = {
        let remedy = "write a name as of a label, for example service.k8s.aws/nlb"
        return AnnotationShape(remedy) { text throws(Refusal) in
            guard LabelSyntax.isKey(text) else { throw Refusal(message: "\"\(text.prefix(80))\" is no class", remedy: remedy) }
            return .string(text)
        }
    }()

    /// As `imagePullSecrets` of a pod has them.
    private static let names: AnnotationShape = {
        let remedy = "write names of Secrets, separated by commas, for example registry, mirror"
        return AnnotationShape(remedy) { text throws(Refusal) in
            let names = text.split(separator: ",", omittingEmptySubsequences: false).map { String($0.trimmed) }
            for name in names where !LabelSyntax.isDNSSubdomain(name) { throw Refusal(message: "\"\(name.prefix(80))\" is no name", remedy: remedy) }
            guard Set(names).count == names.count else { throw Refusal(message: "names a Secret twice", remedy: remedy) }
            return .array(names.map { ["name": .string($0)] })
        }
    }()

    // MARK: Mappings

    private static let labels = texts("{team: payments, cost-center: \"42\"}") { key, value in
        if CollectorAnnotations.isSelectorKey(key) { return "\(key) belongs to the selector, which cannot change" }
        if !LabelSyntax.isKey(key) { return "\"\(key.prefix(80))\" is no label key" }
        return LabelSyntax.isValue(value) ? nil : "\"\(value.prefix(80))\" is no label value"
    }

    private static func annotations(_ example: String) -> AnnotationShape {
        texts(example) { key, _ in LabelSyntax.isKey(key) ? nil : "\"\(key.prefix(80))\" is no annotation key" }
    }

    private static func texts(_ example: String, problem: @escaping @Sendable (String, String) -> String?) -> AnnotationShape {
        let remedy = "write a mapping of texts, for example \(example)"
        return AnnotationShape(remedy) { text throws(Refusal) in
            let document = try mapping(text, remedy)
            for (key, value) in document.object ?? [:] {
                guard let value = value.string else { throw Refusal(message: "the value of \(key.prefix(80)) is no text", remedy: "put it in quotes") }
                if let problem = problem(key, value) { throw Refusal(message: problem, remedy: remedy) }
            }
            return document
        }
    }

    private static func mapping(_ example: String, keys: Set<String>) -> AnnotationShape {
        let remedy = "write a mapping, for example \(example)"
        return AnnotationShape(remedy) { text throws(Refusal) in
            let document = try mapping(text, remedy)
            for key in document.object?.keys ?? [] where !keys.contains(key) {
                throw Refusal(message: "has no field \(key.prefix(80))", remedy: "there are \(keys.sorted().joined(separator: ", "))")
            }
            return document
        }
    }

    private static func mapping(_ text: String, _ remedy: String) throws(Refusal) -> JSONValue {
        do throws(YAMLError) {
            let documents = try YAML.parse(text)
            guard documents.count == 1, let document = documents.first, document.object != nil else {
                throw YAMLError(message: "is no mapping", line: 1, column: 1)
            }
            return document
        } catch {
            throw Refusal(message: "cannot be read as YAML: \(error)", remedy: remedy)
        }
    }

    private static let patch: AnnotationShape = {
        let remedy = "write a patch of the pod template, for example {spec: {containers: [{name: otc-container, tty: true}]}}"
        return AnnotationShape(remedy) { text throws(Refusal) in
            let document = try mapping(text, remedy)
            if let problem = PodTemplatePatch.problem(with: document) { throw Refusal(message: problem, remedy: remedy) }
            return document
        }
    }()
}

extension Substring {
    fileprivate var trimmed: Substring {
        let start = drop { $0.isWhitespace }
        return start.lastIndex { !$0.isWhitespace }.map { start[...$0] } ?? ""
    }
}
