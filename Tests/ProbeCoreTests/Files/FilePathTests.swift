// What of a path stands in a series.

import Testing

@testable import ProbeCore

@Suite struct FilePathTests {
    private func template(_ path: String, _ redact: [String] = []) -> String {
        FilePath(components: path.split(separator: "/").map(String.init), isCut: false).template(redacting: redact)
    }

    @Test(arguments: [
        ("/data/db/segment-12.log", "/data/db/segment-*.log"), ("/data/7/x", "/data/*/x"),
        ("/usr/lib/x86_64-linux-gnu/libc.so.6", "/usr/lib/x86_64-linux-gnu/libc.so.*"),
        ("/var/lib/550e8400-e29b-41d4-a716-446655440000/data", "/var/lib/*/data"), ("/tmp/2024-01-02T10:11:12.log", "/tmp/*.log"),
        ("/pg_wal/000000010000000000000042", "/pg_wal/*"), ("/logs/wal000123", "/logs/wal*"), ("/cache/a1b2c3d4e5", "/cache/*"), ("/etc/hosts", "/etc/hosts"),
        ("/usr/bin/python3", "/usr/bin/python3"), ("/a/b/c/d/e/f/g/h/i/leaf", "/a/b/c/d/**/h/i/leaf"), ("/", "/"),
    ]) func numbersAndIdsAreTakenOut(path: String, expected: String) {
        #expect(template(path) == expected)
    }

    @Test(arguments: [
        "/home/ana/letter.txt", "/root" + "/.bashrc", "/run/secrets/kubernetes.io/serviceaccount/token", "/var/run/secrets/x", "/srv/API-Token.json",
        "/srv/db-password", "/etc/ssl/private/key.pem", "/srv/credentials/aws",
    ]) func secretsAreNotTold(path: String) {
        #expect(template(path) == "~redacted")
    }

    @Test func prefixesOfTheProbeAreNotTold() {
        #expect(template("/data/keys/a", ["/data/keys"]) == "~redacted")
        #expect(template("/data/keys", ["/data/keys/"]) == "~redacted")
        #expect(template("/data/keys2/a", ["/data/keys"]) == "/data/keys2/a", "whole components")
        #expect(template("/anything", ["/"]) == "~redacted")
    }

    @Test func whatMayBeBelowASecretIsNotTold() {
        #expect(FilePath(components: ["x", "y"], isCut: true).template(redacting: []) == "~redacted")
    }

    @Test func noNameBreaksIt() {
        for name in ["", "...", "---", "\u{0}", String(repeating: "9", count: 255), "ü1234", "*", "1*2"] {
            #expect(!FilePath.template(name).contains("1234"))
        }
    }
}
