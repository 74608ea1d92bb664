import JSON
import Logging
import Testing

@testable import sonde_operator

@Suite struct StructuredLogHandlerTests {
    @Test func aLineOfJSONIsOneObject() throws {
        let handler = StructuredLogHandler(label: "a", format: .json, level: .info)
        let line = handler.line(stamp: "t", level: .error, message: "two\nlines", fields: ["object": "ns/\"x\""])
        #expect(!line.contains("\n"))
        let value = try JSONValue(parsing: Array(line.utf8))
        #expect(value == ["time": "t", "level": "error", "logger": "a", "msg": "two\nlines", "object": "ns/\"x\""])
    }

    @Test func textIsQuotedWhereItMust() {
        let handler = StructuredLogHandler(label: "a", format: .text, level: .info)
        #expect(handler.line(stamp: "t", level: .info, message: "a b", fields: ["k": "v"]) == "time=t level=info logger=a msg=\"a b\" k=v")
    }
}
