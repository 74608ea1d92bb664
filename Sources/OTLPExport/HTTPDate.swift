// Dates in HTTP headers: the three forms of RFC 9110, section 5.6.7.
// ExportAnswer reads `Retry-After` and `Date` with it.
// It never looks at the day of the week and knows no time zone but GMT.

enum HTTPDate {
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// Seconds since 1970; nil for anything else than `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` or `Sun Nov  6 08:49:37 1994`.
    static func unixSeconds(_ text: String) -> Int64? {
        let words = text.split { " ,-".contains($0) }
        if words.count == 6, words[5] == "GMT" { return seconds(day: words[1], month: words[2], year: words[3], time: words[4]) }
        if words.count == 5 { return seconds(day: words[2], month: words[1], year: words[4], time: words[3]) }
        return nil
    }

    private static func seconds(day: Substring, month: Substring, year: Substring, time: Substring) -> Int64? {
        let clock = time.split(separator: ":", omittingEmptySubsequences: false).compactMap { number($0, digits: 2...2) }
        guard let day = number(day, digits: 1...2), (1...31).contains(day), let month = months.firstIndex(of: String(month)),
            let writtenYear = number(year, digits: 2...4), clock.count == 3, clock[0] < 24, clock[1] < 60, clock[2] <= 60
        else { return nil }
        // Two digits stand for the year that is less than 50 years ahead; no date here is older than this century.
        let fullYear = year.count == 2 ? 2000 + writtenYear : writtenYear
        return days(year: fullYear, month: Int64(month) + 1, day: day) * 86_400 + clock[0] * 3600 + clock[1] * 60 + clock[2]
    }

    private static func number(_ text: Substring, digits: ClosedRange<Int>) -> Int64? {
        guard digits.contains(text.utf8.count), text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        return Int64(text)
    }

    /// Days since 1970 in the Gregorian calendar. Years are counted from March, so that the leap day is their last.
    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month > 2 ? year : year - 1
        let monthFromMarch = (month + 9) % 12
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
        return shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
    }
}
