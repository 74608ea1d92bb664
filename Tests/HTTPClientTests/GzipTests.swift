// Gzip both ways, and the inputs that must not hurt.
// The fixed example comes from the gzip program.
// No test here writes a file.

import HTTPClient
import Testing

struct GzipTests {
    @Test(arguments: [0, 1, 1000, 32 << 10, 1_000_000]) func contentComesBack(count: Int) throws {
        let content = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        #expect(try Gzip.decompress(Gzip.compress(content), maxBytes: count) == content)
    }

    @Test func repetitionShrinks() throws { #expect(try Gzip.compress([UInt8](repeating: 65, count: 1_000_000)).count < 10_000) }

    @Test func membersOneAfterTheOtherAreOneContent() throws {
        #expect(try Gzip.decompress(Gzip.compress([1, 2]) + Gzip.compress([3]), maxBytes: 3) == [1, 2, 3])
    }

    /// `printf sonde | gzip -n`.
    @Test func dataOfTheGzipProgramIsRead() throws {
        let data: [UInt8] = [31, 139, 8, 0, 0, 0, 0, 0, 0, 3, 43, 206, 207, 75, 73, 5, 0, 0x09, 0x57, 0x15, 0x65, 5, 0, 0, 0]
        #expect(try Gzip.decompress(data, maxBytes: 100) == Array("sonde".utf8))
    }

    @Test func aBombStopsAtTheLimit() throws {
        let bomb = try Gzip.compress([UInt8](repeating: 0, count: 50_000_000))
        let error = #expect(throws: GzipError.self) { try Gzip.decompress(bomb, maxBytes: 1000) }
        #expect(error?.code == .tooLarge)
    }

    @Test func damagedDataIsRefused() throws {
        let good = try Gzip.compress(Array("some text that is long enough".utf8))
        var flipped = good
        flipped[good.count - 6] ^= 1
        for (data, reason) in [
            ([], "nothing"), ([1, 2, 3], "no gzip"), (Array(good.dropLast()), "cut off"), (flipped, "a wrong checksum"), (good + [7], "bytes behind it"),
        ] {
            let error = #expect(throws: GzipError.self, "\(reason)") { try Gzip.decompress(data, maxBytes: 1000) }
            #expect(error?.code == .corrupt, "\(reason)")
        }
    }
}
