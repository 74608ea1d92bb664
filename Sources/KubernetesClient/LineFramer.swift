// Cuts a byte stream into lines, wherever its pieces were split.
// Watches are read through it: one line is one event.
// It never holds more than one line's limit: a longer line is skipped and reported.

/// A value: feed pieces, take lines.
struct LineFramer {
    enum Line: Hashable { case line([UInt8]), tooLong(bytes: Int) }

    let lineBytesMax: Int
    private var buffer: [UInt8] = []
    /// Where the first line that was not taken begins.
    private var start = 0
    /// Up to where no line end was found.
    private var searched = 0
    /// Bytes of a too long line that were thrown away.
    private var skippedBytes = 0

    init(lineBytesMax: Int) { self.lineBytesMax = lineBytesMax }

    /// A line was begun that has no end.
    var hasPartialLine: Bool { start < buffer.count || skippedBytes > 0 }

    mutating func append(_ piece: [UInt8]) {
        if start == buffer.count {
            buffer = piece
            start = 0
            searched = 0
        } else {
            if start > 0 {
                buffer.removeFirst(start)
                searched -= start
                start = 0
            }
            buffer.append(contentsOf: piece)
        }
    }

    /// The next complete line without its line end; nil when more bytes are needed.
    mutating func next() -> Line? {
        guard let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) else {
            searched = buffer.count
            if buffer.count - start > lineBytesMax {
                skippedBytes += buffer.count - start
                buffer = []
                start = 0
                searched = 0
            }
            return nil
        }
        let line = buffer[start..<end]
        let skipped = skippedBytes
        start = end + 1
        searched = start
        skippedBytes = 0
        if skipped > 0 || line.count > lineBytesMax { return .tooLong(bytes: skipped + line.count) }
        return .line(Array(line))
    }
}
