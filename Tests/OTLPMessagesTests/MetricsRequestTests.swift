// The protobuf form of small requests, byte for byte, worked out by hand from opentelemetry-proto v1.

import Testing

@testable import OTLPMessages

@Suite struct MetricsRequestTests {
    static let time = TimeSpan(startUnixNanoseconds: 1, endUnixNanoseconds: 2)
    /// start_time_unix_nano = 1, time_unix_nano = 2: the same in every point.
    static let timeBytes: [UInt8] = [0x11, 1, 0, 0, 0, 0, 0, 0, 0, 0x19, 2, 0, 0, 0, 0, 0, 0, 0]

    /// Wraps what stands in `Metric` after its name into a request with an empty resource and scope.
    static func request(metric body: [UInt8]) -> [UInt8] {
        let metric: [UInt8] = [0x0a, 1, UInt8(ascii: "m")] + body
        let scopeMetrics: [UInt8] = [0x0a, 0, 0x12, UInt8(metric.count)] + metric
        let group: [UInt8] = [0x0a, 0, 0x12, UInt8(scopeMetrics.count)] + scopeMetrics
        return [0x0a, UInt8(group.count)] + group
    }

    static func encode(_ data: Metric.Data) -> [UInt8] {
        MetricsRequest([
            ResourceMetrics(resource: Resource([]), scope: Scope(name: "", version: ""), metrics: [Metric(name: "m", unit: "", data: data)])
        ]).bytes()
    }

    @Test func aSumIsMonotonicAndCumulative() {
        let point = Self.timeBytes + [0x31, 7, 0, 0, 0, 0, 0, 0, 0]
        let sum: [UInt8] = [0x0a, UInt8(point.count)] + point + [0x10, 2, 0x18, 1]
        let encoded = Self.encode(.sum([NumberPoint(time: Self.time, value: .int(7))], .cumulative, .monotonic))
        #expect(encoded == Self.request(metric: [0x3a, UInt8(sum.count)] + sum))
    }

    @Test func anUpDownCounterLeavesMonotonicOut() {
        let point = Self.timeBytes + [0x31] + [UInt8](repeating: 0xff, count: 8)
        let sum: [UInt8] = [0x0a, UInt8(point.count)] + point + [0x10, 1]
        #expect(
            Self.encode(.sum([NumberPoint(time: Self.time, value: .int(-1))], .delta, .nonMonotonic)) == Self.request(metric: [0x3a, UInt8(sum.count)] + sum))
    }

    @Test func aGaugeHasNoStartTimeAndKeepsAZero() {
        let point: [UInt8] = [0x19, 2, 0, 0, 0, 0, 0, 0, 0, 0x21, 0, 0, 0, 0, 0, 0, 0, 0]
        let encoded = Self.encode(.gauge([NumberPoint(time: TimeSpan(startUnixNanoseconds: 0, endUnixNanoseconds: 2), value: .double(0))]))
        #expect(encoded == Self.request(metric: [0x2a, UInt8(point.count + 2), 0x0a, UInt8(point.count)] + point))
    }

    @Test func aHistogramPacksCountsAndBounds() {
        let counts: [UInt8] = [0x32, 16, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]
        let bounds: [UInt8] = [0x3a, 8, 0, 0, 0, 0, 0, 0, 0xe0, 0x3f]
        let count: [UInt8] = [0x21, 3, 0, 0, 0, 0, 0, 0, 0]
        let sum: [UInt8] = [0x29, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f]
        let point: [UInt8] = Self.timeBytes + count + sum + counts + bounds
        let body: [UInt8] = [0x0a, UInt8(point.count)] + point + [0x10, 2]
        let encoded = Self.encode(.histogram([HistogramPoint(time: Self.time, count: 3, sum: 1.5, bucketCounts: [1, 2], bounds: [0.5])], .cumulative))
        #expect(encoded == Self.request(metric: [0x4a, UInt8(body.count)] + body))
    }

    @Test func anExponentialHistogramHasNegativeOffsetsAsZigzagAndCountsAsPackedVarints() {
        let count: [UInt8] = [0x21, 0x2d, 1, 0, 0, 0, 0, 0, 0]
        let sum: [UInt8] = [0x29, 0, 0, 0, 0, 0, 0, 0, 0x40]
        let zeros: [UInt8] = [0x39, 1, 0, 0, 0, 0, 0, 0, 0]
        // Offset -29 is zigzag 57; 300 is the varint ac 02.
        let positive: [UInt8] = [0x42, 6, 0x08, 57, 0x12, 2, 0xac, 0x02]
        let threshold: [UInt8] = [0x71, 0, 0, 0, 0, 0, 0, 0x20, 0x3e]
        let point: [UInt8] = Self.timeBytes + count + sum + zeros + positive + threshold
        let body: [UInt8] = [0x0a, UInt8(point.count)] + point + [0x10, 2]
        let encoded = Self.encode(
            .exponentialHistogram(
                [
                    ExponentialHistogramPoint(
                        time: Self.time, count: 301, sum: 2, zeroCount: 1, zeroThreshold: 0x1p-29, offset: -29, bucketCounts: [300])
                ], .cumulative))
        #expect(encoded == Self.request(metric: [0x52, UInt8(body.count)] + body))
    }

    @Test(
        "attribute values are members of a oneof, written also when zero",
        arguments: [
            (AttributeValue.string("v"), [0x0a, 1, 0x76] as [UInt8]), (.string(""), [0x0a, 0]), (.bool(true), [0x10, 1]), (.bool(false), [0x10, 0]),
            (.int(0), [0x18, 0]), (.int(-1), [0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
            (.double(0.5), [0x21, 0, 0, 0, 0, 0, 0, 0xe0, 0x3f]),
        ])
    func attributeValue(value: AttributeValue, expected: [UInt8]) {
        var writer = ProtobufWriter()
        writer.attributes(7, [Attribute("k", value)])
        #expect(writer.bytes == [0x3a, UInt8(expected.count + 5), 0x0a, 1, 0x6b, 0x12, UInt8(expected.count)] + expected)
    }

    @Test func scopeCarriesVersionAndSchemaURLStandsBesideItAndTheResource() {
        let request = MetricsRequest([ResourceMetrics(resource: Resource([]), scope: Scope(name: "s", version: "1", schemaURL: "u"), metrics: [])])
        #expect(request.bytes() == [0x0a, 18, 0x0a, 0, 0x12, 11, 0x0a, 6, 0x0a, 1, 0x73, 0x12, 1, 0x31, 0x1a, 1, 0x75, 0x1a, 1, 0x75])
    }

    @Test(arguments: [127, 128, 300, 16_383, 16_384, 70_000]) func lengthsOfAnySizeStandBeforeTheirMessage(size: Int) {
        var writer = ProtobufWriter()
        writer.message(1) { writer in writer.message(2) { $0.string(3, String(repeating: "x", count: size)) } }
        func varint(_ value: Int) -> [UInt8] {
            value < 128 ? [UInt8(value)] : [UInt8(value & 0x7f) | 0x80] + varint(value >> 7)
        }
        let inner = [0x1a] + varint(size) + [UInt8](repeating: 0x78, count: size)
        let outer = [0x12] + varint(inner.count) + inner
        #expect(writer.bytes == [0x0a] + varint(outer.count) + outer)
    }

    @Test func pointsAreCountedOverAllKinds() {
        let number = NumberPoint(time: Self.time, value: .int(1))
        let histogram = HistogramPoint(time: Self.time, count: 0, sum: 0, bucketCounts: [0], bounds: [])
        let exponential = ExponentialHistogramPoint(time: Self.time, count: 0, sum: 0, offset: 0, bucketCounts: [])
        let metrics: [Metric.Data] = [
            .gauge([number]), .sum([number, number], .cumulative, .monotonic), .histogram([histogram], .delta), .exponentialHistogram([exponential], .delta),
        ]
        let group = ResourceMetrics(
            resource: Resource([]), scope: Scope(name: "", version: ""), metrics: metrics.map { Metric(name: "m", unit: "1", data: $0) })
        #expect(MetricsRequest([group, group]).pointCount == 10)
    }
}
