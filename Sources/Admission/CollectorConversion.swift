// OpenTelemetryCollector between v1alpha1 and v1beta1 without loss: fields by their other name, `config` as text or mapping, the rest in an annotation.
// ConversionReview calls it for each object.
// It never fails for what a resource says, and never turns a configuration that it cannot read into an empty one in silence.

import JSON
import Kubernetes
import SondeAPI
import YAML

/// Converts whole objects.
///
/// Guarantees: an object converted to the other version and back is the same, apart from whole numbers written as `1.0` (Kubernetes keeps none) and
/// values for which the annotations have no room: those are left out, and the stash names them. An edit between the two conversions wins over what was
/// kept. `status` is copied.
public enum CollectorConversion {
    public static let group = "opentelemetry.io"
    static let alpha = "opentelemetry.io/v1alpha1"
    static let beta = "opentelemetry.io/v1beta1"

    /// The object in another version; the object itself when it has that version.
    /// - Throws: For kinds and versions that are not ours.
    public static func convert(_ object: JSONValue, to version: String) throws(ReviewError) -> JSONValue {
        guard object.kind == "OpenTelemetryCollector" else { throw ReviewError("\(object.kind) is not converted here, only OpenTelemetryCollector") }
        let from = object.apiVersion
        for name in [from, version] where name != alpha && name != beta {
            throw ReviewError("\(object.metadata.objectName): there is no version \(name), only \(alpha) and \(beta)")
        }
        if from == version { return object }
        guard let spec = object["spec"], spec.object != nil else {
            var out = object
            out["apiVersion"] = .string(version)
            return out
        }
        return converted(object, spec, to: version)
    }

    private static func converted(_ object: JSONValue, _ spec: JSONValue, to version: String) -> JSONValue {
        let isUp = version == beta
        var problem: String?
        var target = isUp ? AlphaSpec.beta(of: spec, problem: &problem) : AlphaSpec.alpha(of: spec)
        var out = object
        if let stash = ConversionStash(annotation: object.metadata.annotations[ConversionAnnotation.stash], from: version) {
            target = stash.restored(into: target)
            // Only text and order are lost on the way from v1alpha1; what is lost here are fields.
            if isUp, problem == nil, !stash.incomplete.isEmpty { problem = lost(stash.incomplete) }
        }
        // What the way back would lose, given what it will find here.
        var ignored: String?
        let back = isUp ? AlphaSpec.alpha(of: target) : AlphaSpec.beta(of: target, problem: &ignored)
        var stash = ConversionStash(from: object.apiVersion, original: spec, back: back)
        stash.trim(toBytes: ConversionStash.room(beside: object.metadata.annotations))
        out["apiVersion"] = .string(version)
        out["spec"] = target
        annotate(&out, ConversionAnnotation.stash, stash.isEmpty ? nil : stash.text)
        annotate(&out, ConversionAnnotation.error, isUp ? problem : nil)
        return out
    }

    private static func lost(_ places: [String]) -> String {
        "v1alpha1 had no room for \(places.joined(separator: ", ")) of the v1beta1 resource, which a write as v1alpha1 removes"
    }

    private static func annotate(_ object: inout JSONValue, _ name: String, _ text: String?) {
        if text == nil, object.metadata.annotations[name] == nil { return }
        object.set(["metadata", "annotations", name], to: text.map { .string($0) })
        if object.at("metadata", "annotations")?.object?.isEmpty == true { object.set(["metadata", "annotations"], to: nil) }
    }
}

/// `spec` in the two versions. Each function maps what the other version has a place for and leaves out the rest.
enum AlphaSpec {
    /// Fields with one name and meaning in both versions.
    static let common: Set<String> = [
        "managementState", "resources", "nodeSelector", "args", "replicas", "autoscaler", "podDisruptionBudget", "securityContext", "podSecurityContext",
        "podAnnotations", "mode", "serviceAccount", "image", "upgradeStrategy", "imagePullPolicy", "volumeMounts", "ports", "env", "envFrom",
        "volumeClaimTemplates", "tolerations", "volumes", "ingress", "hostNetwork", "shareProcessNamespace", "priorityClassName", "affinity", "lifecycle",
        "terminationGracePeriodSeconds", "livenessProbe", "initContainers", "additionalContainers", "observability", "topologySpreadConstraints", "configmaps",
        "deploymentUpdateStrategy",
    ]

    /// The members of v1alpha1's `targetAllocator`; `prometheusCR` is mapped.
    private static let allocator: Set<String> = [
        "replicas", "nodeSelector", "resources", "allocationStrategy", "filterStrategy", "serviceAccount", "image", "enabled", "affinity", "securityContext",
        "podSecurityContext", "topologySpreadConstraints", "tolerations", "env", "observability", "podDisruptionBudget",
    ]

    private static let selectors = ["podMonitorSelector", "serviceMonitorSelector"]

    /// Places that mean something only as a whole: an edit of a selector's labels leaves none of its expressions.
    static let wholes: [[String]] = selectors.map { ["targetAllocator", "prometheusCR", $0] }

    /// A configuration that says nothing, in the place of one that cannot be read: admission and the controller refuse it.
    static let unreadable: JSONValue = ["receivers": [:], "exporters": [:], "service": ["pipelines": [:]]]

    /// - Parameter problem: Why `config` could not be read.
    static func beta(of spec: JSONValue, problem: inout String?) -> JSONValue {
        var out: JSONValue = [:]
        for (field, value) in spec.object ?? [:] {
            switch field {
            case "config" where value.isNull: break
            case "config": out["config"] = configuration(value, &problem)
            case "updateStrategy": out["daemonSetUpdateStrategy"] = value
            case "targetAllocator": out[field] = value.object == nil ? value : allocatorToBeta(value)
            case _ where common.contains(field): out[field] = value
            default: break
            }
        }
        addScale(spec, &out)
        return out
    }

    static func alpha(of spec: JSONValue) -> JSONValue {
        var out: JSONValue = [:]
        for (field, value) in spec.object ?? [:] {
            switch field {
            // A text of something else could not be told from one that somebody broke: what is no mapping is only kept.
            case "config": if value.object != nil { out["config"] = .string(YAML.text(wholeNumbers(value), keys: .sorted)) }
            case "daemonSetUpdateStrategy": out["updateStrategy"] = value
            case "targetAllocator": out[field] = value.object == nil ? value : allocatorToAlpha(value)
            case _ where common.contains(field): out[field] = value
            default: break
            }
        }
        return out
    }

    /// `1.0` as `1`, as Kubernetes stores it: the text is the same before and after.
    private static func wholeNumbers(_ value: JSONValue) -> JSONValue {
        switch value {
        case .double(let number): Int64(exactly: number).map { JSONValue.int($0) } ?? value
        case .array(let elements): .array(elements.map(wholeNumbers))
        case .object(let members): .object(JSONObject(distinctKeys: members.keys, values: members.values.map(wholeNumbers)))
        default: value
        }
    }

    /// `minReplicas` and `maxReplicas` stood beside `autoscaler` before it had them.
    private static func addScale(_ spec: JSONValue, _ out: inout JSONValue) {
        for field in ["minReplicas", "maxReplicas"] {
            guard let value = spec[field], !value.isNull, out.at("autoscaler", field) == nil, out["autoscaler"].map({ $0.object != nil }) ?? true else {
                continue
            }
            out.set(["autoscaler", field], to: value)
        }
    }

    private static func configuration(_ value: JSONValue, _ problem: inout String?) -> JSONValue {
        guard let text = value.string else {
            problem = "must be a text of YAML, is \(value.kindName)"
            return unreadable
        }
        do {
            let documents = try YAML.parse(text)
            guard let document = documents.first, documents.count == 1, document.object != nil else {
                problem = "must hold one mapping, holds \(documents.first.map { "\(documents.count) documents, the first one \($0.kindName)" } ?? "nothing")"
                return unreadable
            }
            return document
        } catch {
            problem = "line \(error.line), column \(error.column): \(error.message)"
            return unreadable
        }
    }

    private static func allocatorToBeta(_ value: JSONValue) -> JSONValue {
        var out: JSONValue = [:]
        for (field, member) in value.object ?? [:] {
            if allocator.contains(field) { out[field] = member }
            guard field == "prometheusCR", member.object != nil else { continue }
            var resources = member
            for selector in selectors {
                // An empty map selected everything; in v1beta1 a missing selector selects nothing.
                let labels = member[selector] ?? [:]
                resources[selector] = labels.object?.isEmpty == false ? ["matchLabels": labels] : [:]
            }
            out[field] = resources
        }
        return out
    }

    private static func allocatorToAlpha(_ value: JSONValue) -> JSONValue {
        var out: JSONValue = [:]
        for (field, member) in value.object ?? [:] {
            if allocator.contains(field) { out[field] = member }
            guard field == "prometheusCR", let given = member.object else { continue }
            var resources: JSONValue = [:]
            for (name, setting) in given where ["enabled", "scrapeInterval"].contains(name) { resources[name] = setting }
            for selector in selectors {
                if let labels = given[selector]?["matchLabels"], labels.object != nil {
                    resources[selector] = labels
                } else if given[selector]?.object != nil {
                    resources[selector] = [:]
                }
            }
            out[field] = resources
        }
        return out
    }
}
