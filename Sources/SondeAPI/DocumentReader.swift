// Reads typed values out of a document that a schema has already checked and completed.
// The typed forms of the probe resource and of the agent's file are built with it.
// It never reports problems: a value that is missing or of another type reads as empty, and the schema has refused it before.

import JSON

/// One object of a checked document.
struct DocumentReader {
    let value: JSONValue

    init(_ value: JSONValue?) { self.value = value ?? .null }

    subscript(key: String) -> DocumentReader { DocumentReader(value[key]) }

    func bool(_ key: String) -> Bool { value[key]?.bool ?? false }
    func int(_ key: String) -> Int { value[key]?.int ?? 0 }
    func double(_ key: String) -> Double { value[key]?.double ?? 0 }
    func string(_ key: String) -> String { value[key]?.string ?? "" }
    /// Nil when absent or empty.
    func text(_ key: String) -> String? { value[key]?.string.flatMap { $0.isEmpty ? nil : $0 } }
    func strings(_ key: String) -> [String] { value[key]?.array?.compactMap(\.string) ?? [] }
    func ints(_ key: String) -> [Int] { value[key]?.array?.compactMap(\.int) ?? [] }
    func choice<Choice: RawRepresentable<String>>(_ key: String, _ fallback: Choice) -> Choice { value[key]?.string.flatMap(Choice.init) ?? fallback }
}
