// Log pipelines that parse less than they seem to, each tried on a real collector.
// Validation calls it for every filelog receiver that runs.
// It never reports an error: the logs arrive, without what was meant to be read from them.

import JSON
import SondeAPI

enum LogTraps {
    static func findings(_ spec: OpenTelemetryCollectorSpec, _ configuration: CollectorConfiguration) -> [Finding] {
        configuration.enabled(.receivers, ofType: ["filelog", "file_log"]).flatMap { id, value -> [Finding] in
            let operators = value["operators"]?.array ?? []
            let path = RuleSubject.path(.receivers, id)
            let statements = self.statements(after: id, configuration)
            var findings = mount(spec, value, path) + containerPath(value, operators, path)
            for (index, step) in operators.enumerated() {
                let place = "\(path).operators[\(index)]"
                if step["type"]?.string == "regex_parser" { findings += parser(step, operators, statements, place) }
                findings += layout(step, place)
            }
            return findings
        }
    }

    /// Statements of transform processors in the pipelines of a receiver: they may finish what the operators leave.
    private static func statements(after receiver: String, _ configuration: CollectorConfiguration) -> [String] {
        let processors = Set(configuration.pipelines.filter { $0.receivers.contains(receiver) }.flatMap(\.processors))
        return processors.filter { ComponentID.type($0) == "transform" }
            .flatMap { configuration.components(.processors)[$0]?["log_statements"]?.allStrings ?? [] }
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
        let reads = operators.contains { $0["type"]?.string == "container" && $0["add_metadata_from_filepath"]?.bool != false }
        guard reads, value["include_file_path"]?.bool != true else { return [] }
        return [
            warning(
                "container-operator-needs-path", path,
                "the container operator reads namespace, pod and container from the file's path, which is not there: every line is an error",
                "add include_file_path: true")
        ]
    }

    // MARK: Regular expressions

    private static let levelNames: Set<String> = ["level", "severity", "lvl", "loglevel", "log_level"]
    private static let messageNames: Set<String> = ["message", "msg"]

    private static func parser(_ step: JSONValue, _ operators: [JSONValue], _ statements: [String], _ path: String) -> [Finding] {
        let regex = step["regex"]?.string ?? ""
        var findings: [Finding] = []
        if let level = NamedGroup(levelNames, in: regex) {
            if !setsSeverity(operators, statements) {
                findings.append(
                    warning(
                        "level-without-severity", path, "\(level.name) stays an attribute and never becomes the record's severity",
                        "add severity: {parse_from: attributes.\(level.name)}"))
            }
            if isLoose(level, regex), step["if"] == nil, !operators.contains(where: { $0["type"]?.string == "router" }) {
                findings.append(
                    warning(
                        "unanchored-level-regex", "\(path).regex",
                        "the group \(level.name) takes a word of any line: plain text and klog lines give nonsense, and other formats stay as they are",
                        "name the levels, (?P<\(level.name)>TRACE|DEBUG|INFO|WARN|ERROR|FATAL), begin with ^ and the form of the time, and route other formats "
                            + "with if:"))
            }
        }
        if let message = NamedGroup(messageNames, in: regex), !setsBody(operators, statements) {
            findings.append(
                warning(
                    "body-kept-whole", path, "\(message.name) is stored beside the whole line, which stays the body",
                    "add an operator {type: move, from: attributes.\(message.name), to: body}"))
        }
        return findings
    }

    private static func setsSeverity(_ operators: [JSONValue], _ statements: [String]) -> Bool {
        operators.contains { $0["severity"] != nil || $0["type"]?.string == "severity_parser" } || statements.contains { $0.contains("severity_number") }
    }

    private static func setsBody(_ operators: [JSONValue], _ statements: [String]) -> Bool {
        operators.contains { $0["type"]?.string == "move" && $0["to"]?.string == "body" || $0["parse_to"]?.string == "body" }
            || statements.contains { $0.contains("set(body") || $0.contains("set(log.body") }
    }

    private static let anyWord: Set<String> = [
        #"\S+"#, #"\S*"#, #"\S+?"#, #"\w+"#, #"\w*"#, #"\w+?"#, ".+", ".*", ".+?", ".*?", "[^ ]+", "[^ ]*", #"[^\s]+"#, #"[^\s]*"#,
    ]

    /// Whether a level may be any word: nothing in front of it tells a log line of the format from other text.
    private static func isLoose(_ level: NamedGroup, _ regex: String) -> Bool {
        var before = level.before[...]
        while let blank = [#"\s+"#, #"\s*"#, " +", " *", #"\s"#, " "].first(where: before.hasSuffix) { before = before.dropLast(blank.count) }
        if before.last.map({ "=[\":|<".contains($0) }) == true, !before.hasSuffix("(?P<") { return false }
        guard anyWord.contains(level.content) else { return !regex.hasPrefix("^") }
        return !(regex.hasPrefix("^") && (before.contains(#"\d"#) || before.contains("[0-9")))
    }

    // MARK: Times

    /// A layout that ends in the letter Z takes that letter, and no other zone.
    private static func layout(_ step: JSONValue, _ path: String) -> [Finding] {
        let isTimeParser = step["type"]?.string == "time_parser"
        guard let layout = step.at("timestamp", "layout")?.string ?? (isTimeParser ? step["layout"]?.string : nil), layout.hasSuffix("Z") else { return [] }
        let effect =
            layout.hasSuffix("%Z")
            ? "takes names of zones only: Z is an error for each line, and +02:00 stops the collector (seen with 0.156)"
            : "takes times that end in Z only; +02:00 is an error for each line, and the time of the container's log is kept"
        return [
            warning(
                "literal-z-layout", isTimeParser ? "\(path).layout" : "\(path).timestamp.layout", effect,
                "write layout_type: gotime and layout: '2006-01-02T15:04:05.999999999Z07:00'")
        ]
    }

    private static func warning(_ rule: String, _ path: String, _ message: String, _ remedy: String) -> Finding {
        Finding(.warning, rule: rule, path: path, message: message, remedy: remedy)
    }
}

/// The first named group of a regular expression that has one of the names.
struct NamedGroup {
    let name: String
    /// The expression before the group.
    let before: String
    /// The expression inside of the group.
    let content: String

    /// Nil when there is no such group.
    init?(_ names: Set<String>, in regex: String) {
        let characters = Array(regex)
        var index = 0
        while index < characters.count {
            if characters[index] == "\\" {
                index += 2
                continue
            }
            if let (name, start) = Self.opening(characters, index), names.contains(name) {
                self.name = name
                before = String(characters[..<index])
                content = String(characters[start..<Self.end(characters, start)])
                return
            }
            index += 1
        }
        return nil
    }

    /// The name after `(?P<` or `(?<`, and where the content begins.
    private static func opening(_ characters: [Character], _ index: Int) -> (String, Int)? {
        for mark in ["(?P<", "(?<"] where characters[index...].starts(with: mark) {
            let rest = characters[(index + mark.count)...]
            guard let close = rest.firstIndex(of: ">") else { return nil }
            return (String(rest[..<close]), close + 1)
        }
        return nil
    }

    /// The index of the parenthesis that closes the group.
    private static func end(_ characters: [Character], _ start: Int) -> Int {
        var depth = 0
        var isInClass = false
        var index = start
        while index < characters.count {
            switch characters[index] {
            case "\\": index += 1
            case "[": isInClass = true
            case "]": isInClass = false
            case "(" where !isInClass: depth += 1
            case ")" where !isInClass:
                if depth == 0 { return index }
                depth -= 1
            default: break
            }
            index += 1
        }
        return characters.count
    }
}
