// Reading definitions and writing the kubeconfig, with errors that name the file.
// Command uses it.
// It never follows anything but plain files.

import ArgumentParser
import Glibc

enum Files {
    /// The YAML and JSON files of a folder, by name.
    static func documents(in folder: String) throws -> [String] {
        guard let directory = opendir(folder) else { throw ValidationError("cannot read the folder \(folder): \(reason())") }
        defer { closedir(directory) }
        var out: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if [".yaml", ".yml", ".json"].contains(where: name.hasSuffix) { out.append("\(folder)/\(name)") }
        }
        return out.sorted()
    }

    static func read(_ path: String) throws -> [UInt8] {
        guard let file = fopen(path, "r") else { throw ValidationError("cannot read \(path): \(reason())") }
        defer { fclose(file) }
        var out: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { out += buffer[..<count] }
        return out
    }

    /// Readable by its owner alone: a kubeconfig may hold a token.
    static func write(_ text: String, to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        guard descriptor >= 0 else { throw ValidationError("cannot write \(path): \(reason())") }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else { throw ValidationError("cannot write \(path): \(reason())") }
    }

    private static func reason() -> String { String(cString: strerror(errno)) }
}
