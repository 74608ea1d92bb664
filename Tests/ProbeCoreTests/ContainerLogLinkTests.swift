// Names of links in /var/log/containers, with the traps that real nodes have.

import Testing

@testable import ProbeCore

@Suite struct ContainerLogLinkTests {
    static let id = CgroupPathTests.id
    static let uid = CgroupPathTests.uid

    @Test func nameAndTargetGiveEverything() throws {
        let link = try #require(ContainerLogLink(name: "shop-1_cart_srv-\(Self.id).log", target: "/var/log/pods/cart_shop-1_\(Self.uid)/srv/0.log"))
        #expect(link.namespace == "cart" && link.pod == "shop-1" && link.container == "srv" && link.podUID == Self.uid)
        #expect(link.containerID == .whole(Self.id))
    }

    @Test func podNamesMayHoldDotsAndContainersDashes() throws {
        let link = try #require(
            ContainerLogLink(name: "cart.v2-0_shop_log-agent-\(Self.id).log", target: "/var/log/pods/shop_cart.v2-0_\(Self.uid)/log-agent/3.log"))
        #expect(link.pod == "cart.v2-0" && link.container == "log-agent" && link.containerID == .whole(Self.id))
    }

    @Test func anyFolderOfPodLogsWillDo() {
        #expect(ContainerLogLink(name: "p_n_c-\(Self.id).log", target: "../pods/n_p_\(Self.uid)/c/0.log")?.podUID == Self.uid)
        #expect(ContainerLogLink(name: "p_n_c-\(Self.id).log", target: "n_p_\(Self.uid)/c/0.log")?.podUID == Self.uid)
    }

    @Test func withoutATargetTheNameGivesTheNames() throws {
        let link = try #require(ContainerLogLink(name: "shop-1_cart_log-agent-\(Self.id).log", target: nil))
        #expect(link.namespace == "cart" && link.pod == "shop-1" && link.container == "log-agent" && link.podUID == nil)
        #expect(link.containerID == .whole(Self.id))
    }

    /// The kubelet cuts the stem at 251 bytes and then adds `.log`.
    static func cutName(pod: String, namespace: String, container: String) -> String {
        String("\(pod)_\(namespace)_\(container)-\(id)".prefix(251)) + ".log"
    }

    @Test(arguments: [(150, 60, 36, 2), (150, 60, 20, 18), (150, 60, 38, 0), (180, 60, 60, 0)])
    func aCutNameKeepsThePrefixOfTheID(podLength: Int, namespaceLength: Int, containerLength: Int, digits: Int) throws {
        let pod = String(repeating: "p", count: podLength), namespace = String(repeating: "n", count: namespaceLength)
        let container = String(repeating: "c", count: containerLength)
        let name = Self.cutName(pod: pod, namespace: namespace, container: container)
        try #require(name.utf8.count == 255)
        let link = try #require(ContainerLogLink(name: name, target: "/var/log/pods/\(namespace)_\(pod)_\(Self.uid)/\(container)/0.log"))
        #expect(link.pod == pod && link.namespace == namespace && link.container == container)
        #expect(link.containerID == .prefix(String(Self.id.prefix(digits))))
    }

    @Test(
        arguments: [
            ("another suffix", "p_n_c-\(id).txt", nil), ("no id", "p_n_c.log", nil), ("a short id that was not cut", "p_n_c-0123.log", "/x/n_p_\(uid)/c/0.log"),
            ("two parts", "p_c-\(id).log", nil), ("four parts", "p_n_c_d-\(id).log", nil), ("an empty namespace", "p__c-\(id).log", nil),
            ("an empty container", "p_n_-\(id).log", nil), ("a name of another pod than the target's", "q_n_c-\(id).log", "/x/n_p_\(uid)/c/0.log"),
            ("a cut name without a target", cutName(pod: String(repeating: "p", count: 200), namespace: "n", container: "c"), nil),
        ] as [(String, String, String?)])
    func othersAreRefused(reason: String, name: String, target: String?) {
        #expect(ContainerLogLink(name: name, target: target) == nil, "\(reason)")
    }
}
