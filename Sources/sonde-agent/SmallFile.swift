// Reads whole small files: the configuration, header values, /proc.
// ConfigurationFile, Destination and ProcessUsage use it.
// It never reads more than its limit.

import Glibc

/// A file that could not be read.
struct FileFailure: Error {
    let message: String
}

enum SmallFile {
    static let sizeMax = 1 << 20

    static func read(_ path: String) throws(FileFailure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFailure(message: "cannot open \(path): \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            if count < 0 { throw FileFailure(message: "cannot read \(path): \(String(cString: strerror(errno)))") }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            if bytes.count > sizeMax { throw FileFailure(message: "\(path) is larger than \(sizeMax) bytes") }
        }
    }

    /// What changes when a file is written, replaced, or when a link on its path is turned to another one, as a ConfigMap's `..data` is.
    struct Signature: Equatable {
        private let device: UInt
        private let inode: UInt
        private let size: Int
        private let modifiedSeconds: Int
        private let modifiedNanoseconds: Int

        /// nil when the file is not there.
        init?(_ path: String) {
            var information = stat()
            guard stat(path, &information) == 0 else { return nil }
            device = UInt(information.st_dev)
            inode = UInt(information.st_ino)
            size = Int(information.st_size)
            modifiedSeconds = information.st_mtim.tv_sec
            modifiedNanoseconds = information.st_mtim.tv_nsec
        }
    }

    /// Names of plain entries of a folder in order; hidden ones, as ConfigMaps and Secrets have them, are left out.
    static func names(in folder: String) throws(FileFailure) -> [String] {
        guard let directory = opendir(folder) else { throw FileFailure(message: "cannot open \(folder): \(String(cString: strerror(errno)))") }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: pointer.pointee)) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }
}
