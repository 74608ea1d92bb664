// Slots of the kernel as buckets of OTLP.

import OTLPMessages
import ProbePrograms
import Testing

@testable import ProbeCore

@Suite struct SlotHistogramTests {
    static let time = TimeSpan(startUnixNanoseconds: 1, endUnixNanoseconds: 2)

    static func point(_ slots: [Int: UInt64], sumNanoseconds: UInt64 = 0) throws -> ExponentialHistogramPoint {
        let row = try #require(CounterRow(perCPU: [Fixture.histogram(slots, sumNanoseconds: sumNanoseconds)], kind: .connects))
        return row.histogram().point(attributes: [], time: time)
    }

    @Test(arguments: 1..<HistogramLayout.slotCount) func aSlotIsTheBucketWithTheSameBounds(slot: Int) throws {
        let point = try Self.point([slot: 7])
        #expect(point.bucketCounts == [7] && point.scale == 0 && point.zeroCount == 0 && point.count == 7)
        // Bucket `index` of scale 0 ends at 2^(index + 1), inclusive.
        let upper = Double(sign: .plus, exponent: Int(point.offset) + 1, significand: 1)
        #expect(upper == HistogramUnit.binarySecond.upperBoundSeconds(slot: slot))
    }

    @Test func theFirstSlotIsTheZeroBucketUpToItsBound() throws {
        let point = try Self.point([0: 3, 2: 1])
        #expect(point.zeroCount == 3 && point.zeroThreshold == HistogramUnit.binarySecond.upperBoundSeconds(slot: 0))
        #expect(point.offset == -28 && point.bucketCounts == [1] && point.count == 4)
    }

    @Test func bucketsRunFromTheFirstToTheLastThatIsUsed() throws {
        let point = try Self.point([20: 5, 23: 1], sumNanoseconds: 2_500_000_000)
        #expect(point.offset == -10 && point.bucketCounts == [5, 0, 0, 1] && point.sum == 2.5)
    }

    @Test func anEmptyHistogramHasNoBuckets() throws {
        let point = try Self.point([:])
        #expect(point.bucketCounts.isEmpty && point.count == 0 && point.offset == 0)
    }

    @Test func theCountIsThatOfTheBucketsAlsoInTheMiddleOfAnEvent() throws {
        // The kernel has counted a third event but not yet its slot.
        let bytes = Fixture.words([3, 30] + [0, 2] + [UInt64](repeating: 0, count: HistogramLayout.slotCount - 2))
        let row = try #require(CounterRow(perCPU: [bytes], kind: .connects))
        #expect(row.histogram().count == 2)
    }
}
