// Every form of cgroup path that kubelets, runtimes and systemd make.

import Testing

@testable import ProbeCore

@Suite struct CgroupPathTests {
    static let uid = "0f9e6a52-3c1d-4e8b-9a77-5b2f1c0d4e61"
    static let slice = "0f9e6a52_3c1d_4e8b_9a77_5b2f1c0d4e61"
    static let id = String(repeating: "0123456789abcdef", count: 4)
    static let other = String(repeating: "fedcba9876543210", count: 4)

    static let pods: [(reason: String, path: String, uid: String, container: String?)] = [
        ("cgroupfs, burstable", "/kubepods/burstable/pod\(uid)/\(id)", uid, id),
        ("cgroupfs, best effort", "/kubepods/besteffort/pod\(uid)/\(id)", uid, id),
        ("cgroupfs, guaranteed: no folder of a class", "/kubepods/pod\(uid)/\(id)", uid, id),
        ("cgroupfs with a cgroupRoot", "/platform/node/kubepods/burstable/pod\(uid)/\(id)", uid, id),
        ("cgroupfs, the pod itself", "/kubepods/burstable/pod\(uid)", uid, nil),
        (
            "cgroupfs, static pod: a hash without dashes", "/kubepods/burstable/pod0123456789abcdef0123456789abcdef/\(id)", "0123456789abcdef0123456789abcdef",
            id
        ),
        ("cgroupfs, CRI-O", "/kubepods/burstable/pod\(uid)/crio-\(id)", uid, id),
        ("what a container makes below itself", "/kubepods/burstable/pod\(uid)/\(id)/init.scope", uid, id),
        (
            "systemd, containerd", "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod\(slice).slice/cri-containerd-\(id).scope", uid, id
        ),
        ("systemd, guaranteed", "/kubepods.slice/kubepods-pod\(slice).slice/cri-containerd-\(id).scope", uid, id),
        ("systemd, CRI-O", "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod\(slice).slice/crio-\(id).scope", uid, id),
        ("systemd, Docker", "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod\(slice).slice/docker-\(id).scope", uid, id),
        (
            "systemd with a cgroupRoot, as kind has it",
            "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod\(slice).slice/cri-containerd-\(id).scope",
            uid, id
        ),
        (
            "systemd, static pod", "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0123456789abcdef0123456789abcdef.slice",
            "0123456789abcdef0123456789abcdef", nil
        ),
        (
            "CRI-O's monitor is no container",
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod\(slice).slice/crio-conmon-\(id).scope", uid, nil
        ),
        ("a runtime that was told the wrong driver", "/system.slice/containerd.service/kubepods-burstable-pod\(slice).slice:cri-containerd:\(id)", uid, id),
        ("Docker in a pod", "/kubepods/burstable/pod\(uid)/\(id)/docker/\(other)", uid, id),
        ("a cluster in a pod belongs to that pod", "/kubepods/burstable/pod\(uid)/\(id)/kubepods/pod11111111-2222/\(other)", uid, id),
        ("a node that is a container itself", "/docker/\(other)/kubepods/burstable/pod\(uid)/\(id)", uid, id),
    ]

    @Test(arguments: pods) func podsAreFound(reason: String, path: String, uid: String, container: String?) {
        #expect(CgroupPlace(path: path) == .pod(uid: uid, containerID: container), "\(reason)")
    }

    @Test(arguments: [
        ("a service", "/system.slice/nginx.service", CgroupPlace.unit("nginx")),
        ("the deepest unit", "/user.slice/user-1000.slice/user@1000.service/app.slice/editor.service", .unit("editor")),
        ("an instance", "/system.slice/system-getty.slice/getty@tty1.service", .unit("getty@tty1")),
        ("what a service makes below itself", "/system.slice/containerd.service/worker", .unit("containerd")),
        ("a session", "/user.slice/user-1000.slice/session-3.scope", .unit("session-3")),
        ("init", "/init.scope", .unit("init")), ("a container outside of Kubernetes", "/system.slice/docker-\(id).scope", .unit("docker")),
        ("the root", "/", .host), ("a slice is no unit that runs something", "/system.slice", .host),
        ("a folder called pod that is not below kubepods", "/pod\(uid)/\(id)", .host), ("a folder of that class without a pod", "/kubepods/burstable", .host),
        ("no uid", "/kubepods/pod", .host), ("letters that no uid has", "/kubepods/podium", .host),
        ("an empty unit name", "/.service", .host),
    ])
    func theHostsOwn(reason: String, path: String, place: CgroupPlace) {
        #expect(CgroupPlace(path: path) == place, "\(reason)")
    }

    @Test(arguments: [
        ("63 digits", String(id.dropLast())), ("65 digits", id + "0"), ("capital letters", id.uppercased()), ("a letter too far", "g" + id.dropFirst()),
    ])
    func onlyContainerIDsAreContainers(reason: String, name: String) {
        #expect(CgroupPlace(path: "/kubepods/pod\(Self.uid)/\(name)") == .pod(uid: Self.uid, containerID: nil), "\(reason)")
    }
}
