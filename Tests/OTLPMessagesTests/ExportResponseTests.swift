// Answers of receivers, also broken ones.

import Testing

@testable import OTLPMessages

@Suite struct ExportResponseTests {
    @Test(arguments: [
        ("an empty body means that all was taken", [] as [UInt8], ExportResponse()),
        ("an empty partial success means the same", [0x0a, 0], ExportResponse()),
        ("rejected points with a reason", [0x0a, 7, 0x08, 0xac, 0x02, 0x12, 2, 0x6e, 0x6f], ExportResponse(rejectedPoints: 300, errorMessage: "no")),
        ("a warning without rejected points", [0x0a, 3, 0x12, 1, 0x77], ExportResponse(errorMessage: "w")),
        (
            "unknown fields of every wire type are skipped", [0x79, 1, 2, 3, 4, 5, 6, 7, 8, 0x7d, 1, 2, 3, 4, 0x72, 1, 9, 0x68, 5, 0x0a, 2, 0x08, 1],
            ExportResponse(rejectedPoints: 1)
        ),
    ])
    func isRead(reason: String, body: [UInt8], expected: ExportResponse) {
        #expect(ExportResponse(decoding: body) == expected, "\(reason)")
    }

    @Test(arguments: [
        ("a length beyond the end", [0x0a, 5, 0x08] as [UInt8]), ("a length near 2^64", [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
        ("a key without a value", [0x08]), ("a varint that never ends", [0x08] + [UInt8](repeating: 0x80, count: 12)), ("field number 0", [0x00, 1]),
        ("a group, which proto3 does not have", [0x0b]), ("a text answer", Array("Not Found".utf8)),
        ("an inner message that is cut", [0x0a, 2, 0x12, 5]),
    ])
    func malformedIsRefused(reason: String, body: [UInt8]) {
        #expect(ExportResponse(decoding: body) == nil, "\(reason)")
    }
}
