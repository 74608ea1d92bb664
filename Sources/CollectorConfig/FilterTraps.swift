// Conditions of the filter processor that a collector refuses: the two styles mixed, or the names of one style in the other.
// Validation calls it for every filter processor that runs; each was tried on a real collector.
// It never judges what a condition selects.

import CollectorComponents
import JSON
import SondeAPI

enum FilterTraps {
    /// A signal's section of the old style, and its list of the new one.
    private static let oldSections = [("metrics", "metric_conditions"), ("traces", "trace_conditions"), ("logs", "log_conditions")]
    private static let newLists = [
        "metric_conditions": "metric, datapoint", "trace_conditions": "span, spanevent", "log_conditions": "log", "profile_conditions": "profile",
    ]
    /// Names that begin a path in the new style; `otelcol` is the client and the request by which data came.
    private static let contexts: Set<String> = [
        "resource", "scope", "instrumentation_scope", "metric", "datapoint", "span", "spanevent", "log", "profile", "otelcol",
    ]

    /// Lists of conditions that say their context came with 0.146.
    static func knowsConditions(_ subject: RuleSubject) -> Bool { subject.version.map { $0 >= ReleaseVersion(minor: 146) } ?? true }

    static func findings(_ subject: RuleSubject) -> [Finding] {
        subject.configuration.enabled(.processors, ofType: ["filter"]).flatMap { id, value in
            let path = RuleSubject.path(.processors, id)
            return bothStyles(value, path) + datapointsOfMetrics(value, path, isNew: knowsConditions(subject)) + namesWithoutContext(value, path)
        }
    }

    private static func bothStyles(_ value: JSONValue, _ path: String) -> [Finding] {
        oldSections.compactMap { old, list in
            // A section of another signal, or one without conditions, is taken.
            guard value[list] != nil, value[old]?.object?.contains(where: { $1.array?.isEmpty == false || $1.object?.isEmpty == false }) == true else {
                return nil
            }
            return error(
                path, "has \(old) and \(list), and a collector refuses both together",
                "move the conditions of \(old) to \(list), with the context (metric., datapoint., span., log., resource.) before each name")
        }
    }

    private static func datapointsOfMetrics(_ value: JSONValue, _ path: String, isNew: Bool) -> [Finding] {
        let prefixed = "move it to metric_conditions, with metric. or datapoint. before each name"
        let remedy = isNew ? prefixed : "move it to metrics.datapoint, where attributes are its own"
        return conditions(value.at("metrics", "metric")).compactMap { index, condition in
            guard TransformationLanguage.roots(condition).contains(where: { $0 == "datapoint" || $0 == "attributes" }) else { return nil }
            return error(
                "\(path).metrics.metric[\(index)]", "a metric has no attributes, its data points have, and a collector refuses the condition", remedy)
        }
    }

    private static func namesWithoutContext(_ value: JSONValue, _ path: String) -> [Finding] {
        newLists.sorted { $0.key < $1.key }.flatMap { list, usual in
            conditions(value[list]).compactMap { index, condition in
                guard let name = TransformationLanguage.roots(condition).first(where: { !contexts.contains($0) }) else { return nil }
                return error(
                    "\(path).\(list)[\(index)]", "\(name) does not say whose it is, and a collector refuses the condition",
                    "write one of \(usual), resource, scope and a dot before it, for example \(usual.prefix { $0 != "," }).\(name)")
            }
        }
    }

    /// Conditions that are texts; those with settings of their own say their context beside them.
    private static func conditions(_ list: JSONValue?) -> [(Int, String)] {
        (list?.array ?? []).enumerated().compactMap { index, condition in condition.string.map { (index, $0) } }
    }

    private static func error(_ path: String, _ message: String, _ remedy: String) -> Finding {
        Finding(.error, rule: "mixed-filter-styles", path: path, message: message, remedy: remedy)
    }
}
