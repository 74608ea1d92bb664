// Log pipelines that parse less than they seem to, each tried on a real collector.
// Validation calls it for every filelog receiver that runs.
// It never reports an error: the logs arrive, without what was meant to be read from them.

import JSON
import SondeAPI

enum LogTraps {
    static func findings(_ spec: OpenTelemetryCollectorSpec, _ configuration: CollectorConfiguration) -> [Finding] {
        configuration.enabled(.receivers, ofType: ["filelog", "file_log"]).flatMap { id, value -> [Finding] in
            let operators = value["operators"]?.array ?? []
            let path = "spec.config.receivers.\(id)"
            var findings = mount(spec, value, path) + containerPath(value, operators, path)
            for (index, step) in operators.enumerated() where step["type"]?.string == "regex_parser" {
                findings += parser(step, operators, "\(path).operators[\(index)]")
            }
            return findings
        }
    }

    /// A pod sees no file of its node that is not mounted, and the receiver waits for files in silence.
    private static func mount(_ spec: OpenTelemetryCollectorSpec, _ value: JSONValue, _ path: String) -> [Finding] {
        let mounts = (spec["volumeMounts"]?.array ?? []).compactMap { $0["mountPath"]?.string }
        let files = value["include"]?.array?.compactMap(\.string) ?? []
        guard let index = files.firstIndex(where: { file in file.hasPrefix("/var/log/") && !mounts.contains(where: file.hasPrefix) }) else { return [] }
        return [
            warning(
                "files-not-mounted", "\(path).include[\(index)]", "no volumeMount holds \(files[index]), so the pod finds no file",
                "use mode: daemonset, with /var/log/pods of the node as a hostPath in spec.volumes and in spec.volumeMounts")
        ]
    }

    private static func containerPath(_ value: JSONValue, _ operators: [JSONValue], _ path: String) -> [Finding] {
        guard operators.contains(where: { $0["type"]?.string == "container" }), value["include_file_path"]?.bool != true else { return [] }
        return [
            Finding(
                .warning, rule: "container-operator-needs-path", path: path,
                message: "the container operator reads namespace, pod and container from the file's path, which is not there: every line is an error",
                remedy: "add include_file_path: true")
        ]
    }

    private static func parser(_ step: JSONValue, _ operators: [JSONValue], _ path: String) -> [Finding] {
        let regex = step["regex"]?.string ?? ""
        var findings: [Finding] = []
        if regex.contains("?P<level>"), step["severity"] == nil, !operators.contains(where: { $0["type"]?.string == "severity_parser" }) {
            findings.append(
                warning(
                    "level-without-severity", path, "level stays an attribute and never becomes the record's severity",
                    "add severity: {parse_from: attributes.level}"))
        }
        if regex.contains("?P<message>"), !operators.contains(where: { $0["type"]?.string == "move" && $0["to"]?.string == "body" }) {
            findings.append(
                warning(
                    "body-kept-whole", path, "message is stored beside the whole line",
                    "add an operator {type: move, from: attributes.message, "
                        + "to: body}"))
        }
        if let layout = step.at("timestamp", "layout")?.string, layout.hasSuffix("%LZ") || layout.hasSuffix("%fZ") {
            findings.append(
                warning(
                    "literal-z-layout", "\(path).timestamp.layout", "takes times that end in Z only; +02:00 is an error for each line",
                    "write layout_type: gotime and layout: '2006-01-02T15:04:05.999999999Z07:00'"))
        }
        return findings
    }

    private static func warning(_ rule: String, _ path: String, _ message: String, _ remedy: String) -> Finding {
        Finding(.warning, rule: rule, path: path, message: message, remedy: remedy)
    }
}
