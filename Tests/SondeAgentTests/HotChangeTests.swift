// The built agent, in network and pid namespaces of its own, whose file changes while it runs: which metrics leave it then, and that it stays the same process.
// A Python program is the receiver, the load and the one that writes the file.
// It never reaches beyond its own loopback.

import Foundation
import ProbeCore
import ProbeKernel
import SondeAPI
import TestSupport
import Testing

@testable import sonde_agent

@Suite(.enabled(if: getuid() == 0 && FileManager.default.fileExists(atPath: "/sys/kernel/btf/vmlinux"), "needs root and BTF"), .serialized)
struct HotChangeTests {
    /// Prints, for each of three configurations, which of the given words were in what the agent sent while there was load.
    private static let program = """
        import http.server, json, os, socket, subprocess, sys, threading, time
        binary, folder = sys.argv[1:3]
        subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
        words = ['ebpf.syscall.duration', 'ebpf.syscall.calls', 'network.peer.address', '127.0.0.77', 'ebpf.tcp.connect.duration']
        bodies = []
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                bodies.append(self.rfile.read(int(self.headers['Content-Length'])))
                self.send_response(200); self.send_header('Content-Length', '0'); self.end_headers()
            def log_message(self, *_): pass
        receiver = http.server.HTTPServer(('127.0.0.1', 4318), Handler)
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        listener = socket.create_server(('127.0.0.77', 8080))

        def configure(mode, addresses):
            text = json.dumps({
                'apiVersion': 'sonde.dev/v1alpha1', 'kind': 'AgentConfiguration', 'intervalSeconds': 1, 'statusPort': 0,
                'destination': {'endpoint': 'http://127.0.0.1:4318', 'compression': 'None'},
                'signals': {'scheduler': {'enabled': False}, 'disk': {'enabled': False}, 'events': {'enabled': False}, 'dns': {'enabled': False},
                            'syscalls': {'enabled': True, 'names': ['getpgid'], 'mode': mode}},
                'attributes': {'addresses': addresses}})
            with open(folder + '/new', 'w') as file: file.write(text)
            os.rename(folder + '/new', folder + '/agent.yaml')

        def sent(wanted):
            until = time.monotonic() + 25
            while time.monotonic() < until:
                del bodies[:]
                end = time.monotonic() + 1.5
                while time.monotonic() < end:
                    os.getpgid(0)
                    with socket.create_connection(listener.getsockname()): listener.accept()[0].close()
                    time.sleep(0.02)
                seen = [word for word in words if any(word.encode() in body for body in bodies)]
                if sorted(seen) == sorted(wanted): break
            return seen

        plain = ['ebpf.syscall.duration', 'ebpf.tcp.connect.duration']
        told = ['ebpf.syscall.calls', 'network.peer.address', '127.0.0.77', 'ebpf.tcp.connect.duration']
        configure('Latency', False)
        with open(folder + '/log', 'w') as log: agent = subprocess.Popen([binary, '--config', folder + '/agent.yaml'], stdout=log, stderr=log)
        try:
            print(json.dumps(sorted(sent(plain))))
            configure('Counts', True)
            print(json.dumps(sorted(sent(told))))
            configure('Latency', False)
            print(json.dumps(sorted(sent(plain))))
            print('running' if agent.poll() is None else 'ended')
        finally:
            agent.terminate(); agent.wait()
        """

    @Test func theModeOfSystemCallsAndThePeersAddressesTurnWithoutARestart() throws {
        let binary = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: ".build/debug/sonde-agent").path
        let folder = try TemporaryFolder()
        let process = Process(), pipe = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/unshare")
        let python = ["/usr/bin/timeout", "100", "/usr/bin/python3", "-c", Self.program, binary, folder.path]
        process.arguments = ["--net", "--pid", "--fork", "--mount-proc"] + python
        process.standardOutput = pipe
        try process.run()
        let lines = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self).split(separator: "\n").map(String.init)
        process.waitUntilExit()
        let log = (try? String(contentsOfFile: folder.path + "/log", encoding: .utf8)) ?? ""
        try #require(lines.count == 4, "\(lines) \(log)")
        let plain = #"["ebpf.syscall.duration", "ebpf.tcp.connect.duration"]"#
        #expect(lines[0] == plain, "\(log)")
        #expect(lines[1] == #"["127.0.0.77", "ebpf.syscall.calls", "ebpf.tcp.connect.duration", "network.peer.address"]"#, "\(log)")
        #expect(lines[2] == plain, "the other mode's series and the addresses are gone: \(log)")
        #expect(lines[3] == "running")
    }

    @Test func aSampledProgramThatIsLoadedAnewBeginsItsTurn() {
        var configuration = AgentConfiguration(endpoint: "http://localhost:4318")
        configuration.signals.scheduler.enabled = false
        configuration.signals.tcp.enabled = false
        configuration.signals.drops.enabled = false
        configuration.signals.dns.enabled = false
        configuration.signals.disk.enabled = false
        configuration.signals.events.enabled = false
        configuration.signals.syscalls.enabled = true
        var probes = ProbeSet()
        defer { probes.close() }
        let mode = CgroupHierarchy.detect().mode
        var aggregator = ProbeAggregator(settings: AgentLoop.settings(configuration, Node(kubernetesName: nil, hostName: "test")), startUnixNanoseconds: 0)
        var telemetry = AgentTelemetry(startUnixNanoseconds: 0)
        _ = probes.apply(configuration, cgroupMode: mode, saving: [.systemCallsSampled], into: &aggregator, &telemetry)
        #expect(probes.names == ["syscall"])
        let end = probes.nextTurn
        probes.turn(now: end)
        #expect(probes.nextTurn == end + DutyCycle.periodNanoseconds - DutyCycle.onNanoseconds, "taken off for the rest of the period")
        configuration.signals.syscalls.mode = .counts
        let gone = probes.apply(configuration, cgroupMode: mode, saving: [.systemCallsSampled], into: &aggregator, &telemetry)
        #expect(probes.names == ["syscall_counts"] && gone.map(\.name) == ["syscalls"])
        #expect(probes.nextTurn <= Clock.monotonicNanoseconds() + DutyCycle.onNanoseconds, "it is attached, and counted as such")
        _ = probes.apply(configuration, cgroupMode: mode, saving: [], into: &aggregator, &telemetry)
        #expect(probes.nextTurn == .max && probes.names == ["syscall_counts"])
    }
}
