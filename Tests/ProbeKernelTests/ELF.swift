// Just enough of ELF to find a section of an embedded object.
import Foundation

/// Where a section of a 64-bit little-endian ELF file lies.
func elfSection(_ name: String, in object: [UInt8]) -> (offset: Int, size: Int)? {
    func integer(_ offset: Int, _ bytes: Int) -> Int { (0..<bytes).reduce(0) { $0 | Int(object[offset + $1]) << (8 * $1) } }
    let table = integer(0x28, 8)
    let headers = (0..<integer(0x3c, 2)).map { table + $0 * 64 }
    let names = integer(headers[integer(0x3e, 2)] + 24, 8)
    for header in headers {
        let text = object[(names + integer(header, 4))...].prefix { $0 != 0 }
        if String(decoding: text, as: UTF8.self) == name { return (integer(header + 24, 8), integer(header + 32, 8)) }
    }
    return nil
}
