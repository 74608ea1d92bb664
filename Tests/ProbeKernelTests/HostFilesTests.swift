// Walks of folders that look like a host's, and of this host's own cgroups.

import Foundation
import ProbeCore
import Testing

@testable import ProbeKernel

@Suite struct HostFilesTests {
    static func folder() throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appending(path: "sonde-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }

    @Test func aWalkGivesEveryFolderWithItsInode() throws {
        let root = try Self.folder()
        defer { try? FileManager.default.removeItem(at: root) }
        let deep = root.appending(path: "kubepods/pod1/c")
        try FileManager.default.createDirectory(at: deep, withIntermediateDirectories: true)
        try Data("1".utf8).write(to: deep.appending(path: "cgroup.procs"))
        let directories = try #require(CgroupHierarchy(mode: .v2, root: root.path).directories())
        #expect(directories.map(\.path) == ["/", "/kubepods", "/kubepods/pod1", "/kubepods/pod1/c"])
        let inode = try FileManager.default.attributesOfItem(atPath: deep.path)[.systemFileNumber] as? UInt64
        #expect(directories.last?.id == inode)
        #expect(CgroupHierarchy(mode: .v2, root: root.path).directories(limit: 2)?.count == 2)
    }

    @Test func aHierarchyThatIsNotThereIsNone() {
        #expect(CgroupHierarchy(mode: .v2, root: "/does/not/exist").directories() == nil)
    }

    @Test func thisHostHasAHierarchyWithOurOwnCgroup() throws {
        let hierarchy = CgroupHierarchy.detect()
        let directories = try #require(hierarchy.directories())
        let lines = try String(contentsOfFile: "/proc/self/cgroup", encoding: .utf8).split(separator: "\n")
        let line = try #require(lines.first { $0.contains(hierarchy.mode == .v2 ? "0::" : ":memory:") })
        let mine = try #require(line.split(separator: ":", omittingEmptySubsequences: false).last)
        let entry = try #require(directories.first { $0.path == mine })
        let inode = try FileManager.default.attributesOfItem(atPath: hierarchy.root + (mine == "/" ? "" : mine))[.systemFileNumber] as? UInt64
        #expect(entry.id == inode)
    }

    @Test func linksAreReadWithoutBeingFollowed() throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let id = String(repeating: "a", count: 64)
        let name = "cart-0_shop_srv-\(id).log"
        try FileManager.default.createSymbolicLink(atPath: folder.appending(path: name).path, withDestinationPath: "/nowhere/shop_cart-0_1234/srv/0.log")
        try Data().write(to: folder.appending(path: "plain_file_x-\(id).log"))
        let links = containerLogLinks(in: folder.path)
        #expect(links.count == 1 && links[0].podUID == "1234" && links[0].containerID == .whole(id))
        #expect(containerLogLinks(in: "/does/not/exist").isEmpty)
    }
}
