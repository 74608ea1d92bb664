// The wish for a later try, in statuses as servers send them and in broken ones.

import Testing

@testable import OTLPMessages

@Suite struct RetryInfoTests {
    private static func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] { [number << 3 | 2, UInt8(bytes.count)] + bytes }

    private static func status(type: String = "type.googleapis.com/google.rpc.RetryInfo", _ content: [UInt8]) -> [UInt8] {
        [0x08, 14] + field(3, field(1, Array(type.utf8)) + field(2, content))
    }

    @Test(
        arguments: [
            ("seconds", [0x08, 30], Duration.seconds(30)), ("nanoseconds", [0x10, 0x64], .nanoseconds(100)),
            ("both", [0x08, 1, 0x10, 1], .seconds(1) + .nanoseconds(1)),
            ("none, which is zero", [], .zero),
            ("a number beyond the range", [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], .seconds(315_576_000_000)),
        ] as [(String, [UInt8], Duration)]) func delaysAreRead(reason: String, duration: [UInt8], delay: Duration)
    {
        #expect(RetryInfo(status: Self.status(Self.field(1, duration)))?.delay == delay, "\(reason)")
    }

    @Test(
        arguments: [
            ("no details", [0x08, 14]), ("another type", status(type: "type.googleapis.com/google.rpc.ErrorInfo", field(1, [0x08, 1]))),
            ("no delay", status([])), ("a length beyond the end", [0x1a, 9, 1]), ("no message", [0xff]), ("nothing", []),
        ] as [(String, [UInt8])]) func otherStatusesHaveNone(reason: String, status: [UInt8])
    {
        #expect(RetryInfo(status: status) == nil, "\(reason)")
    }
}
