// Two texts compared line by line, in the form that `diff -u` has made usual.
// DiffText shows objects with it.
// It never compares texts beyond its limit line by line: it shows both whole.

enum LineDiff {
    static let contextLines = 3
    /// Comparing costs the product of lines and differences.
    static let linesMax = 20_000

    private enum Edit { case same(Substring), removed(Substring), added(Substring) }

    /// Hunks without the two lines that name the texts; empty when they are equal.
    static func unified(from old: String, to new: String) -> String {
        let edits = edits(lines(old), lines(new))
        var text = ""
        var place = 0
        while let first = edits[place...].firstIndex(where: isChange) {
            let start = max(place, first - contextLines)
            var end = first
            // Changes that are close share a hunk.
            while let next = edits[end...].firstIndex(where: isChange), next <= end + 2 * contextLines || end == first { end = next + 1 }
            let stop = min(edits.count, end + contextLines)
            text += hunk(edits, start..<stop)
            place = stop
        }
        return text
    }

    private static func lines(_ text: String) -> [Substring] {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last == "" { lines.removeLast() }
        return lines
    }

    private static func edits(_ old: [Substring], _ new: [Substring]) -> [Edit] {
        guard old.count + new.count <= linesMax else { return old.map(Edit.removed) + new.map(Edit.added) }
        let difference = new.difference(from: old)
        let removed = Set(difference.removals.compactMap { if case .remove(let offset, _, _) = $0 { offset } else { nil } })
        let added = Set(difference.insertions.compactMap { if case .insert(let offset, _, _) = $0 { offset } else { nil } })
        var edits: [Edit] = []
        var (left, right) = (0, 0)
        while left < old.count || right < new.count {
            if left < old.count, removed.contains(left) {
                edits.append(.removed(old[left]))
                left += 1
            } else if right < new.count, added.contains(right) {
                edits.append(.added(new[right]))
                right += 1
            } else {
                edits.append(.same(old[left]))
                left += 1
                right += 1
            }
        }
        return edits
    }

    private static func isChange(_ edit: Edit) -> Bool { if case .same = edit { false } else { true } }

    private static func hunk(_ edits: [Edit], _ range: Range<Int>) -> String {
        func count(_ range: Range<Int>, old: Bool) -> Int {
            edits[range].count { edit in
                switch edit {
                case .same: true
                case .removed: old
                case .added: !old
                }
            }
        }
        func position(old: Bool) -> String {
            let before = count(0..<range.lowerBound, old: old), lines = count(range, old: old)
            return "\(lines == 0 ? before : before + 1),\(lines)"
        }
        var text = "@@ -\(position(old: true)) +\(position(old: false)) @@\n"
        for edit in edits[range] {
            switch edit {
            case .same(let line): text += " \(line)\n"
            case .removed(let line): text += "-\(line)\n"
            case .added(let line): text += "+\(line)\n"
            }
        }
        return text
    }
}
