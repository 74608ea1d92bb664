// A terminal as far as `sonde top` uses one: what stands on its screen after the bytes that it got.
// Sequences that it does not know are kept, so that a test can say that there were none.

/// One screen; bytes are UTF-8.
struct TestScreen {
    private(set) var isAlternate = false
    private(set) var isCursorShown = true
    private(set) var wraps = true
    private(set) var unknown: [String] = []
    private var cells: [[Character]]
    private let columns: Int
    private var row = 0
    private var column = 0
    private var pending: [UInt8] = []

    init(columns: Int, rows: Int) {
        self.columns = columns
        cells = Array(repeating: Array(repeating: " ", count: columns), count: rows)
    }

    var lines: [String] { cells.map { Self.trimmed(String($0)) } }

    static func trimmed(_ line: String) -> String {
        var line = line
        while line.last == " " { line.removeLast() }
        return line
    }

    mutating func take(_ text: String) { take(Array(text.utf8)) }

    /// Bytes may end within a sequence or a character; the rest comes with the next ones.
    mutating func take(_ bytes: [UInt8]) {
        pending += bytes
        var place = 0
        while place < pending.count, let next = step(from: place) { place = next }
        pending.removeFirst(place)
    }

    /// - Returns: the place behind what was taken; nil when it is not complete.
    private mutating func step(from start: Int) -> Int? {
        if pending[start] == 0x1b {
            guard start + 1 < pending.count else { return nil }
            guard pending[start + 1] == UInt8(ascii: "[") else {
                unknown.append("ESC \(pending[start + 1])")
                return start + 2
            }
            guard let end = pending[(start + 2)...].firstIndex(where: { (0x40...0x7e).contains($0) }) else { return nil }
            control(String(decoding: pending[(start + 2)..<end], as: UTF8.self), Character(Unicode.Scalar(pending[end])))
            return end + 1
        }
        let length = pending[start] < 0x80 ? 1 : pending[start] < 0xe0 ? 2 : pending[start] < 0xf0 ? 3 : 4
        guard start + length <= pending.count else { return nil }
        switch pending[start] {
        case 0x0d: column = 0
        case 0x0a: row = min(row + 1, cells.count - 1)
        case ..<0x20, 0x7f: unknown.append("control \(pending[start])")
        default: put(Character(String(decoding: pending[start..<start + length], as: UTF8.self)))
        }
        return start + length
    }

    private mutating func put(_ character: Character) {
        if column >= columns { unknown.append("beyond the right edge") } else { cells[row][column] = character }
        column += 1
    }

    private mutating func control(_ parameters: String, _ final: Character) {
        switch (parameters, final) {
        case ("?1049", "h"): isAlternate = true
        case ("?1049", "l"): isAlternate = false
        case ("?25", "h"): isCursorShown = true
        case ("?25", "l"): isCursorShown = false
        case ("?7", "h"): wraps = true
        case ("?7", "l"): wraps = false
        case ("2", "J"): cells = cells.map { $0.map { _ in " " } }
        case ("", "K"): for place in min(column, columns)..<columns { cells[row][place] = " " }
        case (_, "m"): break
        case (_, "H"):
            let numbers = parameters.split(separator: ";").compactMap { Int($0) }
            row = min((numbers.first ?? 1) - 1, cells.count - 1)
            column = (numbers.last ?? 1) - 1
        default: unknown.append("CSI \(parameters)\(final)")
        }
    }
}
