// The agent's binary on a kernel that has no type information: it starts, says why once, and sends what the kernel's files give.

import Foundation
import SondeAPI
import TestSupport
import Testing

@Suite(.enabled(if: getuid() == 0, "needs root: BTF is hidden by a mount")) struct WithoutBTFTests {
    /// Takes requests for some seconds and prints those texts of the given ones that a request held, then what /status said.
    private static let receiver = """
        import http.server, json, sys, threading, time, urllib.request
        wanted, seen = sys.argv[1:], set()
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers['Content-Length']))
                seen.update(name for name in wanted if name.encode() in body)
                self.send_response(200); self.send_header('Content-Length', '0'); self.end_headers()
            def log_message(self, *_): pass
        server = http.server.HTTPServer(('127.0.0.1', 4318), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print('ready', flush=True)
        until = time.time() + 20
        while time.time() < until and seen != set(wanted): time.sleep(0.1)
        status = urllib.request.urlopen('http://127.0.0.1:9464/status').read().decode()
        print(json.dumps({'seen': sorted(seen), 'status': json.loads(status)}), flush=True)
        """

    /// Everything in mount and network namespaces of its own: an empty file system hides BTF, and the ports are free.
    private static let script = """
        mount -t tmpfs nothing /sys/kernel/btf
        ip link set lo up
        printf 'destination:\\n  endpoint: http://127.0.0.1:4318\\n  compression: None\\nintervalSeconds: 1\\n' > "$1/agent.yaml"
        sed -i '1i apiVersion: sonde.dev/v1alpha1\\nkind: AgentConfiguration' "$1/agent.yaml"
        "$2" --config "$1/agent.yaml" > "$1/log" 2>&1 &
        agent=$!
        trap 'kill $agent; wait $agent' EXIT
        timeout 40 python3 -c "$0" ebpf.cgroup.pressure.time ebpf.agent.events
        """

    @Test func theAgentStartsAndSendsWhatFilesGive() throws {
        let folder = try TemporaryFolder()
        let output = try ChildProcess.run(
            "/usr/bin/unshare", ["--mount", "--net", "/bin/sh", "-c", Self.script, Self.receiver, folder.path, try ChildProcess.built("sonde-agent")],
            errors: .test
        ).output
        let log = try folder.text("log")
        let answer = try #require(output.split(separator: "\n").last.map { Data($0.utf8) }, "\(log)")
        let found = try #require(try JSONSerialization.jsonObject(with: answer) as? [String: Any], "\(output) \(log)")
        #expect(
            found["seen"] as? [String] == ["ebpf.agent.events", "ebpf.cgroup.pressure.time"] || !FileManager.default.fileExists(atPath: "/proc/pressure/cpu"))
        let status = try AgentStatus(parsing: Array(JSONSerialization.data(withJSONObject: try #require(found["status"]))))
        let metrics = Dictionary(uniqueKeysWithValues: status.signals.flatMap(\.metrics).map { ($0.name, $0) })
        #expect(metrics["system.cpu.time"]?.state == .active)
        #expect(metrics["ebpf.tcp.connect.duration"]?.state == .unsupported)
        #expect(metrics["ebpf.tcp.connect.duration"]?.reason.contains("CONFIG_DEBUG_INFO_BTF") == true)
        #expect(log.components(separatedBy: "CONFIG_DEBUG_INFO_BTF").count == 2, "said once: \(log)")
    }
}
