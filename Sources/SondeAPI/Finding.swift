// One thing that is wrong, or likely wrong, in a document that a user wrote: where, what, and what to write instead.
// Schema checks, the validation of both resources, admission, the controllers and `sonde validate` all speak in findings.
// It never decides what happens next: an error stops the caller's work, a warning or a note does not.

/// What a check of a resource or a configuration file found.
public struct Finding: Hashable, Sendable {
    public enum Severity: String, Sendable, CaseIterable {
        /// The document cannot work as written.
        case error
        /// The document works, but likely not as meant.
        case warning
        /// Worth knowing, and no reason to act: `sonde validate` shows it, admission and conditions do not.
        case info
    }

    public let severity: Severity
    /// The stable name of the check, in kebab case: `undefined-component`.
    public let rule: String
    /// Where, as in `kubectl explain`: `spec.config.service.pipelines.metrics.receivers[0]`. Empty for the whole document.
    public let path: String
    /// What is wrong, without the path.
    public let message: String
    /// What to write or do instead; empty when the message says it all.
    public let remedy: String

    public init(_ severity: Severity, rule: String, path: String, message: String, remedy: String = "") {
        self.severity = severity
        self.rule = rule
        self.path = path
        self.message = message
        self.remedy = remedy
    }
}

extension Finding: CustomStringConvertible {
    /// One line: `path: what is wrong; what to do`. The severity is the reader's to print.
    public var description: String {
        let place = path.isEmpty ? "" : "\(path): "
        return remedy.isEmpty ? place + message : "\(place)\(message); \(remedy)"
    }
}

extension Sequence<Finding> {
    /// Only what stops the caller's work.
    public var errors: [Finding] { filter { $0.severity == .error } }

    /// Only what does not, and should be looked at.
    public var warnings: [Finding] { filter { $0.severity == .warning } }

    /// Only what is worth knowing.
    public var infos: [Finding] { filter { $0.severity == .info } }
}

/// A document that cannot be used: everything that is wrong with it. `findings` is never empty.
public struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    public let findings: [Finding]

    public init(_ first: Finding, _ others: [Finding] = []) { findings = [first] + others }

    /// Where the first error is: `destination.endpoint`.
    public var path: String { findings[0].path }

    /// What is wrong there.
    public var message: String { findings[0].message }

    /// What to write instead.
    public var remedy: String { findings[0].remedy }

    public var description: String { findings.map(\.description).joined(separator: "\n") }
}
