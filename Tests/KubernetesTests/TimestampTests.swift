// Times in objects: text to instant and back, at the edges of the calendar.

import Kubernetes
import Testing

@Suite struct TimestampTests {
    static let instants: [(text: String, seconds: Int64, why: String)] = [
        ("1970-01-01T00:00:00Z", 0, "the epoch"),
        ("1969-12-31T23:59:59Z", -1, "before the epoch"),
        ("2000-02-29T12:00:00Z", 951_825_600, "a leap day of a year divisible by 400"),
        ("2024-02-29T23:59:59Z", 1_709_251_199, "a leap day"),
        ("2026-11-22T22:10:49Z", 1_795_385_449, "an ordinary time"),
        ("2100-03-01T00:00:00Z", 4_107_542_400, "after a February without a leap day in a year divisible by 4"),
        ("9999-12-31T23:59:59Z", 253_402_300_799, "the last of four digits"),
    ]

    @Test(arguments: instants) func textAndInstantAgree(_ row: (text: String, seconds: Int64, why: String)) {
        #expect(Timestamp(rfc3339: row.text)?.secondsSinceEpoch == row.seconds, "\(row.why)")
        #expect(Timestamp(secondsSinceEpoch: row.seconds).rfc3339 == row.text, "\(row.why)")
    }

    @Test func daysOfFourCenturiesRoundTrip() {
        for day in stride(from: Int64(0), to: 146_097, by: 11) {
            let instant = Timestamp(secondsSinceEpoch: day * 86400 + 1)
            guard Timestamp(rfc3339: instant.rfc3339) == instant else {
                Issue.record("\(instant.rfc3339) does not round trip")
                return
            }
        }
    }

    @Test func offsetsAndFractionsAreRead() {
        #expect(Timestamp(rfc3339: "1970-01-01T01:30:00+01:30") == Timestamp(secondsSinceEpoch: 0))
        #expect(Timestamp(rfc3339: "1969-12-31T19:00:00-05:00") == Timestamp(secondsSinceEpoch: 0))
        #expect(Timestamp(rfc3339: "1970-01-01T00:00:01.5Z") == Timestamp(secondsSinceEpoch: 1, nanoseconds: 500_000_000))
        #expect(Timestamp(rfc3339: "1970-01-01T00:00:01.1234567899Z") == Timestamp(secondsSinceEpoch: 1, nanoseconds: 123_456_789))
        #expect(Timestamp(secondsSinceEpoch: 1, nanoseconds: 42_000).rfc3339Micro == "1970-01-01T00:00:01.000042Z")
    }

    @Test(arguments: [
        "", "2026-01-01", "2026-13-01T00:00:00Z", "2025-02-29T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:00",
        "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00Zx", "2026-01-01 00:00:00Z", "2026-01-01T00:00:00+25:00", "+026-01-01T00:00:00Z",
    ])
    func otherTextsAreRefused(_ text: String) { #expect(Timestamp(rfc3339: text) == nil) }

    @Test func arithmeticCarriesNanoseconds() {
        let start = Timestamp(secondsSinceEpoch: 10, nanoseconds: 900_000_000)
        #expect(start.advanced(by: .milliseconds(200)) == Timestamp(secondsSinceEpoch: 11, nanoseconds: 100_000_000))
        #expect(start.advanced(by: .milliseconds(-950)) == Timestamp(secondsSinceEpoch: 9, nanoseconds: 950_000_000))
        #expect(start.advanced(by: .seconds(3)).since(start) == .seconds(3))
        #expect(start < start.advanced(by: .nanoseconds(1)))
    }
}
