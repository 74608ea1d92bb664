// Walking the cgroup tree and the kubelet's links, in folders made here.
import Foundation
import ProbeCore
import Testing

@testable import ProbeKernel

@Suite struct HostTreeTests {
    @Test func walkFindsEveryFolderWithItsInode() throws {
        let root = try folder()
        defer { try? FileManager.default.removeItem(atPath: root) }
        try FileManager.default.createDirectory(atPath: root + "/kubepods/burstable/pod1", withIntermediateDirectories: true)
        try Data().write(to: URL(fileURLWithPath: root + "/cgroup.procs"))
        let found = try #require(CgroupHierarchy(mode: .v2, root: root).directories())
        #expect(Set(found.map(\.path)) == ["/", "/kubepods", "/kubepods/burstable", "/kubepods/burstable/pod1"])
        for directory in found {
            let inode = try FileManager.default.attributesOfItem(atPath: root + directory.path)[.systemFileNumber] as? UInt64
            #expect(directory.id == inode, "\(directory.path)")
        }
    }

    @Test func walkEndsAtItsLimitAndAMissingRootIsNil() throws {
        let root = try folder()
        defer { try? FileManager.default.removeItem(atPath: root) }
        for name in 0..<10 { try FileManager.default.createDirectory(atPath: root + "/\(name)", withIntermediateDirectories: true) }
        #expect(CgroupHierarchy(mode: .v2, root: root).directories(limit: 4)?.count == 4)
        #expect(CgroupHierarchy(mode: .v2, root: root + "/none").directories() == nil)
    }

    @Test func folderThatIsNoCgroup2MountMeansVersion1() throws {
        #expect(CgroupHierarchy.detect(mount: "/tmp") == CgroupHierarchy(mode: .v1Memory, root: "/tmp/memory"))
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/sys/fs/cgroup/unified/cgroup.procs"))) func cgroup2MountIsRecognised() {
        #expect(CgroupHierarchy.detect(mount: "/sys/fs/cgroup/unified") == CgroupHierarchy(mode: .v2, root: "/sys/fs/cgroup/unified"))
    }

    @Test func linksOfTheKubeletAreReadAndFilesAreNot() throws {
        let root = try folder()
        defer { try? FileManager.default.removeItem(atPath: root) }
        let id = String(repeating: "ab", count: 32)
        try FileManager.default.createSymbolicLink(
            atPath: root + "/cart.v2-0_shop-1_srv-\(id).log",
            withDestinationPath: "/var/log/pods/shop-1_cart.v2-0_0b8b1f0e-1111-2222-3333-444455556666/srv/0.log")
        try Data().write(to: URL(fileURLWithPath: root + "/x_y_z-\(id).log"))
        let links = containerLogLinks(in: root)
        #expect(links.map(\.pod) == ["cart.v2-0"])
        #expect(links.first?.podUID == "0b8b1f0e-1111-2222-3333-444455556666")
        #expect(containerLogLinks(in: root + "/none").isEmpty)
    }

    private func folder() throws -> String {
        let path = NSTemporaryDirectory() + "/sonde-tree-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }
}
