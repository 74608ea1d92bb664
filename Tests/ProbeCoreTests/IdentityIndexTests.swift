// Ids to owners: names that come late, cgroups that go, links that lie.

import Testing

@testable import ProbeCore

@Suite struct IdentityIndexTests {
    static let uid = CgroupPathTests.uid
    static let srv = CgroupPathTests.id, sandbox = CgroupPathTests.other
    static let pod = CgroupDirectory(id: 10, path: "/kubepods/pod\(uid)")
    static let srvDirectory = CgroupDirectory(id: 11, path: "/kubepods/pod\(uid)/\(srv)")
    static let sandboxDirectory = CgroupDirectory(id: 12, path: "/kubepods/pod\(uid)/\(sandbox)")
    static let nginx = CgroupDirectory(id: 2, path: "/system.slice/nginx.service")
    static let srvNamed = PodContainer(podUID: uid, containerID: srv, namespace: "shop", pod: "cart-0", container: "srv")

    static func link(id: String = srv) throws -> ContainerLogLink {
        try #require(ContainerLogLink(name: "cart-0_shop_srv-\(id).log", target: "/var/log/pods/shop_cart-0_\(uid)/srv/0.log"))
    }

    @Test func pathAndLinkTogetherNameAContainer() throws {
        var index = IdentityIndex()
        index.observe([Self.nginx, Self.pod, Self.srvDirectory])
        #expect(index.resolve(11) == .incomplete(.container(PodContainer(podUID: Self.uid, containerID: Self.srv))))
        #expect(index.needsLinks)
        index.observe([try Self.link()])
        #expect(index.resolve(11) == .known(.container(Self.srvNamed)))
        #expect(index.resolve(2) == .known(.unit("nginx")))
        #expect(index.resolve(99) == .unknown)
        #expect(!index.needsLinks)
    }

    @Test func theSandboxAndThePodsOwnCgroupCountForThePod() throws {
        var index = IdentityIndex()
        index.observe([Self.pod, Self.srvDirectory, Self.sandboxDirectory])
        index.observe([try Self.link()])
        let named = PodContainer(podUID: Self.uid, namespace: "shop", pod: "cart-0")
        #expect(index.resolve(10) == .known(.container(named)))
        var sandbox = named
        sandbox.containerID = Self.sandbox
        #expect(index.resolve(12) == .incomplete(.container(sandbox)))
        for _ in 0..<IdentityIndex.namelessWindowsMax { index.advanceWindow() }
        #expect(index.resolve(12) == .known(.container(sandbox)))
        #expect(!index.needsLinks)
    }

    @Test func aContainerWithoutALinkCountsAsItsPathSaysAfterSomeWindows() {
        var index = IdentityIndex()
        index.observe([Self.srvDirectory])
        let owner = Owner.container(PodContainer(podUID: Self.uid, containerID: Self.srv))
        for _ in 0..<IdentityIndex.namelessWindowsMax {
            #expect(index.resolve(11) == .incomplete(owner))
            index.advanceWindow()
            index.observe([Self.srvDirectory])
        }
        #expect(index.resolve(11) == .known(owner))
    }

    @Test func aGoneCgroupIsRememberedForAWhile() throws {
        var index = IdentityIndex()
        index.observe([Self.srvDirectory])
        index.observe([try Self.link()])
        index.advanceWindow()
        index.observe([CgroupDirectory]())
        #expect(index.resolve(11) == .known(.container(Self.srvNamed)))
        #expect(!index.isAlive(11) && index.isJustGone(11) && index.livingOwners.isEmpty)
        for _ in 0...IdentityIndex.goneWindowsMax { index.advanceWindow() }
        #expect(index.resolve(11) == .unknown)
        #expect(!index.isJustGone(11))
    }

    @Test func anIDThatIsUsedAgainBelongsToItsNewPath() {
        var index = IdentityIndex()
        index.observe([Self.srvDirectory])
        index.advanceWindow()
        index.observe([CgroupDirectory(id: 11, path: "/system.slice/cron.service")])
        #expect(index.resolve(11) == .known(.unit("cron")))
    }

    @Test func rememberedCgroupsAreLimited() {
        var index = IdentityIndex()
        index.observe((1...UInt64(IdentityIndex.goneMax + 10)).map { CgroupDirectory(id: $0, path: "/system.slice/u\($0).service") })
        index.observe([CgroupDirectory]())
        let remembered = (1...UInt64(IdentityIndex.goneMax + 10)).filter { index.resolve($0) != .unknown }
        #expect(remembered.count == IdentityIndex.goneMax)
    }

    @Test func aStaleLinkNamesNobody() throws {
        var index = IdentityIndex()
        index.observe([CgroupDirectory(id: 21, path: "/kubepods/pod11111111-2222/\(Self.sandbox)")])
        index.observe([try Self.link()])
        #expect(index.resolve(21) == .incomplete(.container(PodContainer(podUID: "11111111-2222", containerID: Self.sandbox))))
    }

    // MARK: Names cut at 255 bytes

    static let longPod = String(repeating: "p", count: 150), longNamespace = String(repeating: "n", count: 60)

    static func cutLink(container: String, id: String) throws -> ContainerLogLink {
        let name = String("\(longPod)_\(longNamespace)_\(container)-\(id)".prefix(251)) + ".log"
        return try #require(ContainerLogLink(name: name, target: "/l/\(longNamespace)_\(longPod)_\(uid)/\(container)/0.log"))
    }

    @Test func aCutIDIsFoundByItsPrefix() throws {
        var index = IdentityIndex()
        index.observe([Self.srvDirectory, Self.sandboxDirectory])
        index.observe([try Self.cutLink(container: String(repeating: "c", count: 36), id: Self.srv)])
        #expect(
            index.resolve(11)
                == .known(
                    .container(
                        PodContainer(
                            podUID: Self.uid, containerID: Self.srv, namespace: Self.longNamespace, pod: Self.longPod,
                            container: String(repeating: "c", count: 36)))))
    }

    @Test func aLostIDIsFoundByEliminationOnly() throws {
        let link = try Self.cutLink(container: String(repeating: "c", count: 60), id: Self.srv)
        #expect(link.containerID == .prefix(""))
        var alone = IdentityIndex()
        alone.observe([Self.srvDirectory])
        alone.observe([link])
        #expect(
            alone.resolve(11)
                == .known(
                    .container(PodContainer(podUID: Self.uid, containerID: Self.srv, namespace: link.namespace, pod: link.pod, container: link.container))))
        // With the sandbox beside it two ids could be meant: both count for the pod, neither for a container.
        var ambiguous = IdentityIndex()
        ambiguous.observe([Self.srvDirectory, Self.sandboxDirectory])
        ambiguous.observe([link])
        let podOnly = PodContainer(podUID: Self.uid, containerID: Self.srv, namespace: link.namespace, pod: link.pod)
        #expect(ambiguous.resolve(11) == .incomplete(.container(podOnly)))
    }
}
