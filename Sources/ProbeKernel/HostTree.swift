// What names the cgroups of this host: the one hierarchy that is read, its folders, and the kubelet's links.
// Used by the agent and `sonde top`, which hand what they get to ProbeCore.
// Never asks for a file's status: a folder's inode number comes with its name, which is ten times faster on cgroupfs.
import CBPF
import Glibc
import ProbeCore

/// The cgroup hierarchy that ids are taken from.
public struct CgroupHierarchy: Sendable, Hashable {
    public var mode: ProbeSettings.CgroupMode
    /// The folder whose paths cgroups are named by.
    public var root: String

    /// The unified hierarchy where the mount is a cgroup2 file system, else version 1's memory hierarchy below it (also on hybrid hosts).
    public static func detect(mount: String = "/sys/fs/cgroup") -> CgroupHierarchy {
        // CGROUP2_SUPER_MAGIC, include/uapi/linux/magic.h
        if sonde_filesystem_type(mount) == 0x6367_7270 { return CgroupHierarchy(mode: .v2, root: mount) }
        return CgroupHierarchy(mode: .v1Memory, root: mount + "/memory")
    }

    public init(mode: ProbeSettings.CgroupMode, root: String) {
        self.mode = mode
        self.root = root
    }

    /// Every folder of the hierarchy, its root included; nil when the root cannot be read.
    ///
    /// What is beyond the limit is left out: its counts stay without a name. A folder that goes away meanwhile is not there.
    public func directories(limit: Int = 65536) -> [CgroupDirectory]? {
        var status = stat()
        guard stat(root, &status) == 0, let first = subdirectories(of: root) else { return nil }
        var found = [CgroupDirectory(id: UInt64(status.st_ino), path: "/")]
        var waiting = first.map { CgroupDirectory(id: $0.id, path: "/" + $0.name) }
        while let directory = waiting.popLast(), found.count < limit {
            found.append(directory)
            for (id, name) in subdirectories(of: root + directory.path) ?? [] {
                waiting.append(CgroupDirectory(id: id, path: directory.path + "/" + name))
            }
        }
        return found
    }
}

/// The links that the kubelet makes in `/var/log/containers`, at most `limit`; empty when there is no such folder.
public func containerLogLinks(in folder: String = "/var/log/containers", limit: Int = 16384) -> [ContainerLogLink] {
    var links: [ContainerLogLink] = []
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    while links.count < limit, let entry = readdir(stream) {
        guard Int32(entry.pointee.d_type) == Int32(DT_LNK) else { continue }
        let name = entryName(entry)
        if let link = ContainerLogLink(name: name, target: linkTarget(folder + "/" + name)) { links.append(link) }
    }
    return links
}

private func subdirectories(of path: String) -> [(id: UInt64, name: String)]? {
    guard let stream = opendir(path) else { return nil }
    defer { closedir(stream) }
    var found: [(UInt64, String)] = []
    while let entry = readdir(stream) {
        guard Int32(entry.pointee.d_type) == Int32(DT_DIR) else { continue }
        let name = entryName(entry)
        if name != "." && name != ".." { found.append((UInt64(entry.pointee.d_ino), name)) }
    }
    return found
}

private func entryName(_ entry: UnsafeMutablePointer<dirent>) -> String {
    withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
}

private func linkTarget(_ path: String) -> String? {
    let bytes = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
        count = buffer.withMemoryRebound(to: CChar.self) { text in text.baseAddress.map { max(0, readlink(path, $0, 4096)) } ?? 0 }
    }
    return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
}
