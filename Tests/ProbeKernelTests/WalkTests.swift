// The walk over all tasks: sockets of every namespace, also those that are older than the programs.

import Foundation
import ProbeCore
import ProbePrograms
import Testing

@testable import ProbeKernel

@Suite(.serialized) struct WalkTests {
    /// A process in a cgroup and a network namespace of its own that listens, has connections open and waits for a line on standard input before it goes on.
    private func start(_ workload: Workload, _ program: String) throws -> (process: Process, input: Pipe, output: Pipe) {
        let process = Process(), input = Pipe(), output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/timeout")
        process.arguments = [
            "20", "/bin/sh", "-c",
            "echo $$ > \(workload.path)/cgroup.procs; exec unshare -n /bin/sh -c 'ip link set lo up; exec /usr/bin/python3 -u -c \"$0\"' \"$1\"", "sh",
            program,
        ]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        return (process, input, output)
    }

    private static let server = """
        import socket, sys
        server = socket.create_server(('127.0.0.1', 8080), backlog=64)
        pairs = []
        for _ in range(3):
            client = socket.create_connection(('127.0.0.1', 8080)); pairs.append((client, server.accept()[0]))
        """

    @Test func socketsOfOtherNamespacesAreFoundOnceWithTheirStates() throws {
        let workload = try Workload()
        let (process, input, output) = try start(workload, Self.server + "\nimport os\nos.fork()\nprint('ready')\nsys.stdin.readline()")
        defer { process.waitUntilExit() }
        _ = output.fileHandleForReading.availableData
        let probe = try loaded(.iter)
        defer { probe.close() }
        for _ in 0..<2 {
            let states = try probe.openSockets().filter { $0.cgroup == workload.cgroup }.map(\.state).sorted()
            #expect(states == [1, 1, 1, 1, 1, 1, 10], "three connections, both ends, and the listener; a fork has them open too")
        }
        input.fileHandleForWriting.closeFile()
        process.waitUntilExit()
        #expect(try probe.openSockets().allSatisfy { $0.cgroup != workload.cgroup }, "closed sockets are forgotten")
    }

    @Test func aListenersDropsAreItsOwn() throws {
        let workload = try Workload()
        let (process, input, output) = try start(
            workload,
            """
            import socket, sys, time
            def overflows():
                lines = [line.split() for line in open('/proc/net/netstat') if line.startswith('TcpExt')]
                return int(lines[1][lines[0].index('ListenOverflows')])
            server = socket.create_server(('127.0.0.1', 8080), backlog=0)
            clients = []
            for _ in range(6):
                client = socket.socket(); client.setblocking(False); client.connect_ex(('127.0.0.1', 8080)); clients.append(client)
            time.sleep(0.1)
            print(overflows())
            sys.stdin.readline()
            """)
        defer { process.waitUntilExit() }
        let truth = Int(String(decoding: output.fileHandleForReading.availableData, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
        let probe = try loaded(.iter)
        defer { probe.close() }
        let listener = try #require(try probe.openSockets().first { $0.cgroup == workload.cgroup && $0.state == 10 })
        #expect(Int(listener.drops) == truth && listener.drops > 0)
        input.fileHandleForWriting.closeFile()
    }

    /// Version 1 keeps no cgroup in a socket, so what is older than the programs has an owner only by the walk.
    @Test func connectionsOlderThanTheProgramsHaveAnOwner() throws {
        let workload = try Workload()
        let (process, input, output) = try start(
            workload,
            Self.server + """

                print('ready')
                sys.stdin.readline()
                import struct
                for client, peer in pairs:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0)); client.close()
                    try: peer.recv(1)
                    except ConnectionResetError: pass
                child = socket.create_connection(('127.0.0.1', 8080)); peer = server.accept()[0]
                child.close(); peer.recv(1); peer.close()
                """)
        defer { process.waitUntilExit() }
        _ = output.fileHandleForReading.availableData
        let walk = try loaded(.iter)
        defer { walk.close() }
        _ = try walk.openSockets()
        let tcp = try #require(ProbeLoader().load(.tcp, settings: settings(), sharing: [walk]).probe)
        defer { tcp.close() }
        input.fileHandleForWriting.write(Data("go\n".utf8))
        process.waitUntilExit()
        let resets = try tcp.groups(of: "resets").of(workload).flatMap(\.values).reduce(UInt64(0)) { $0 + $1.withUnsafeBytes { $0.load(as: UInt64.self) } }
        #expect(resets == 6, "three sent, three received, of sockets older than the program")
        let servers = try tcp.groups(of: "lifetimes").of(workload).filter { word($0.key, LifetimeKey.roleOffset) == ConnectKey.Role.server.rawValue }
        #expect(Histogram(servers.flatMap(\.values)).count == 1, "the child of a listener that is older than the program")
    }

    @Test func aKernelWithoutTheFunctionSaysSo() {
        let load = ProbeLoader(host: .current(), btf: KernelBTF(argumentCounts: [:])).load(.iter, settings: settings())
        #expect(load.probe == nil && load.hooks[0].failure?.reason.contains("no function bpf_iter_task_new") == true)
    }
}
