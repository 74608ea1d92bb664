// Gzip (RFC 1952) of whole byte arrays with the system's zlib.
// Exporters compress what they send; tests and receivers decompress it.
// It never gives out more than the caller's limit, however well the input was packed.

import CZlib

public struct GzipError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// Not gzip, cut off, or followed by other bytes.
        case corrupt
        case tooLarge
        case outOfMemory
    }

    public let code: Code
    public let message: String
    public var description: String { message }
}

public enum Gzip {
    private static let pieceBytes = 32 << 10

    /// One gzip member. The default is zlib's fastest level: what is sent is repetitive text and numbers, and its sender should cost little.
    /// - Parameter level: 1 (fastest) to 9 (smallest).
    public static func compress(_ bytes: [UInt8], level: Int32 = 1) throws(GzipError) -> [UInt8] {
        var stream = z_stream()
        guard sonde_deflate_init_gzip(&stream, level) == Z_OK else { throw GzipError(code: .outOfMemory, message: "No memory for compression.") }
        defer { deflateEnd(&stream) }
        var output: [UInt8] = []
        // zlib counts input in 32 bits; everything sent is far below.
        guard bytes.count <= Int(UInt32.max) else { throw GzipError(code: .tooLarge, message: "More than 4 GiB cannot be compressed in one piece.") }
        _ = run(&stream, input: bytes, output: &output, maxBytes: Int.max) { deflate($0, Z_FINISH) }
        return output
    }

    /// The content of gzip data of one or more members.
    /// - Parameter maxBytes: A longer content is the error `tooLarge`; memory stays below this plus 32 KiB.
    public static func decompress(_ bytes: [UInt8], maxBytes: Int) throws(GzipError) -> [UInt8] {
        guard bytes.count <= Int(UInt32.max) else { throw GzipError(code: .tooLarge, message: "More than 4 GiB cannot be decompressed in one piece.") }
        var output: [UInt8] = []
        var rest = bytes
        repeat {
            var stream = z_stream()
            guard sonde_inflate_init_gzip(&stream) == Z_OK else { throw GzipError(code: .outOfMemory, message: "No memory for decompression.") }
            defer { inflateEnd(&stream) }
            let result = run(&stream, input: rest, output: &output, maxBytes: maxBytes) { inflate($0, Z_NO_FLUSH) }
            guard output.count <= maxBytes else { throw GzipError(code: .tooLarge, message: "The gzip data holds more than \(maxBytes) bytes.") }
            guard result == Z_STREAM_END else { throw GzipError(code: .corrupt, message: "The data is not gzip, or it is cut off or damaged.") }
            rest = Array(rest.suffix(Int(stream.avail_in)))
        } while !rest.isEmpty
        return output
    }

    /// Runs zlib over the whole input until it ends, fails or the output is longer than `maxBytes`; returns its last code.
    private static func run(
        _ stream: inout z_stream, input: [UInt8], output: inout [UInt8], maxBytes: Int, step: (UnsafeMutablePointer<z_stream>) -> Int32
    ) -> Int32 {
        var input = input
        return input.withUnsafeMutableBufferPointer { source in
            stream.next_in = source.baseAddress
            stream.avail_in = UInt32(source.count)
            var code = Z_OK
            while code == Z_OK, output.count <= maxBytes {
                let piece = [UInt8](unsafeUninitializedCapacity: pieceBytes) { space, count in
                    stream.next_out = space.baseAddress
                    stream.avail_out = UInt32(space.count)
                    code = step(&stream)
                    count = space.count - Int(stream.avail_out)
                }
                output.append(contentsOf: piece)
            }
            return code
        }
    }
}
