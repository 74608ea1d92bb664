// What a version cannot say of the other one, as the text of an annotation: for each place, the value, and what stands there without it.
// CollectorConversion writes it on the way there and reads it on the way back.
// It never overrides an edit: a value comes back only where its place still says what the conversion left there.

import Crypto
import JSON
import SondeAPI

struct ConversionStash: Hashable, Sendable {
    static let sizeBytesMax = 192 << 10
    /// Of all annotations of an object, keys and values together (apimachinery, TotalAnnotationSizeLimitB).
    private static let annotationsBytesMax = 256 << 10
    /// For what others still write there.
    private static let reserveBytes = 8 << 10
    private static let placesMax = 16
    private static let placeLengthMax = 200

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
    /// Places whose value found no room and does not come back; the first ones, for people.
    private(set) var incomplete: [String] = []

    var isEmpty: Bool { fields.isEmpty && incomplete.isEmpty }

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
        incomplete = (document["incomplete"]?.array ?? []).compactMap(\.string)
        fields = entries.compactMap { entry in
            guard let path = entry["path"]?.array?.compactMap(\.string), !path.isEmpty else { return nil }
            return Field(path: path, value: entry["value"], was: entry["was"]?.string ?? "")
        }
    }

    var text: String {
        var document = JSONObject([("version", .string(version)), ("fields", .array(fields.map(Self.entry)))])
        if !incomplete.isEmpty { document["incomplete"] = .array(incomplete.map { .string($0) }) }
        return JSONValue.object(document).text()
    }

    private static func entry(_ field: Field) -> JSONValue {
        var entry: JSONValue = ["path": .array(field.path.map { .string($0) })]
        entry["value"] = field.value
        if !field.was.isEmpty { entry["was"] = .string(field.was) }
        return entry
    }

    // MARK: Room

    /// What an object's other annotations leave for a stash.
    static func room(beside annotations: [String: String]) -> Int {
        let others = annotations.filter { $0.key != ConversionAnnotation.stash }.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
        return min(sizeBytesMax, annotationsBytesMax - reserveBytes - ConversionAnnotation.stash.utf8.count - others)
    }

    /// Drops the largest values until the text fits, and says whose they were. Nothing is left of a stash that has no room at all but that.
    mutating func trim(toBytes limit: Int) {
        var size = text.utf8.count
        guard size > limit else { return }
        size += Self.placesMax * Self.placeLengthMax
        let sizes = fields.map { Self.entry($0).text().utf8.count + 1 }
        var dropped: [Int] = []
        for index in fields.indices.sorted(by: { sizes[$0] > sizes[$1] }) where size > limit {
            dropped.append(index)
            size -= sizes[index]
        }
        incomplete = dropped.prefix(Self.placesMax).map { index in
            String((["spec"] + fields[index].path).joined(separator: ".").prefix(Self.placeLengthMax / 4))
        }
        if dropped.count > Self.placesMax { incomplete[Self.placesMax - 1] = "and \(dropped.count - Self.placesMax + 1) more" }
        let gone = Set(dropped)
        fields = fields.indices.filter { !gone.contains($0) }.map { fields[$0] }
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
