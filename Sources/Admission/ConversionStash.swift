// What a version cannot say of the other one, as the text of an annotation: for each place, the value, and what stands there without it.
// CollectorConversion writes it on the way there and reads it on the way back.
// It never overrides an edit: a value comes back only where its place still says what the conversion left there.

import Crypto
import JSON

struct ConversionStash: Hashable, Sendable {
    /// Together with the other annotations a stash must stay below the 256 KiB that Kubernetes allows.
    static let sizeBytesMax = 192 << 10

    struct Field: Hashable, Sendable {
        /// Keys below `spec`.
        let path: [String]
        /// Nil: nothing stands there.
        let value: JSONValue?
        /// What the way back gives for this place, hashed; empty when it gives nothing.
        let was: String
    }

    /// The version whose spec is kept.
    let version: String
    private(set) var fields: [Field]

    var isEmpty: Bool { fields.isEmpty }

    /// - Parameters:
    ///   - original: The spec that is to come back.
    ///   - back: What the way back gives by itself.
    init(from version: String, original: JSONValue, back: JSONValue) {
        self.version = version
        fields = []
        compare(original, back, [])
    }

    /// Nil when there is none for this version, or when it cannot be read: then the conversion goes by the fields alone.
    init?(annotation: String?, from version: String) {
        guard let annotation, let document = try? JSONValue(parsing: annotation), document["version"]?.string == version,
            let entries = document["fields"]?.array
        else { return nil }
        self.version = version
        fields = entries.compactMap { entry in
            guard let path = entry["path"]?.array?.compactMap(\.string), !path.isEmpty else { return nil }
            return Field(path: path, value: entry["value"], was: entry["was"]?.string ?? "")
        }
    }

    var text: String {
        let entries = fields.map { field -> JSONValue in
            var entry: JSONValue = ["path": .array(field.path.map { .string($0) })]
            entry["value"] = field.value
            if !field.was.isEmpty { entry["was"] = .string(field.was) }
            return entry
        }
        return JSONValue.object(JSONObject([("version", .string(version)), ("fields", .array(entries))])).text()
    }

    /// The spec with every kept value whose place nobody has changed.
    func restored(into spec: JSONValue) -> JSONValue {
        var out = spec
        for field in fields {
            // A mapping that somebody removed does not come back for the sake of what was in it.
            guard let parent = spec.at(Array(field.path.dropLast())), parent.object != nil, Self.hash(spec.at(field.path)) == field.was else { continue }
            out.set(field.path, to: field.value)
        }
        return out
    }

    private mutating func compare(_ original: JSONValue?, _ back: JSONValue?, _ path: [String]) {
        if Self.hash(original) == Self.hash(back) { return }
        if let members = original?.object, let others = back?.object, !AlphaSpec.wholes.contains(path) {
            let keys = members.keys + others.keys.filter { !members.contains($0) }
            for key in keys.sorted() { compare(members[key], others[key], path + [key]) }
        } else {
            fields.append(Field(path: path, value: original, was: Self.hash(back)))
        }
    }

    /// Without the order of keys and the difference of `1` and `1.0`, neither of which Kubernetes keeps.
    private static func hash(_ value: JSONValue?) -> String { value.map { String(SHA256.hexadecimal($0.bytes(.goSorted)).prefix(24)) } ?? "" }
}
