// The agent's command line and its log lines.

import Testing

@testable import sonde_agent

@Suite struct ArgumentsTests {
    @Test(arguments: [
        (["--config", "a.yaml"], Arguments.run(configuration: "a.yaml")), (["--config=a.yaml"], .run(configuration: "a.yaml")),
        (["--config=a=b"], .run(configuration: "a=b")), (["--check", "a.yaml"], .check(configuration: "a.yaml")), (["--version"], .version),
        (["--help"], .help), (["-h"], .help), (["status"], .status(port: 9464, isJSON: false)),
        (["status", "--port", "80", "--output=json"], .status(port: 80, isJSON: true)), (["status", "--output", "text"], .status(port: 9464, isJSON: false)),
    ])
    func areRead(words: [String], expected: Arguments) throws {
        #expect(try Arguments(words) == expected)
    }

    @Test(arguments: [
        ([], "say which configuration to use: --config FILE"), (["--config"], "--config needs the name of a file"),
        (["--config="], "--config needs the name of a file"),
        (["--conf", "a"], "unknown argument --conf"), (["a.yaml"], "unknown argument a.yaml"), (["--version", "x"], "unexpected argument x"),
        (["--config", "a", "b"], "unexpected argument b"), (["status", "now"], "unexpected argument now"),
        (["status", "--port"], "--port needs a port from 1 to 65535"), (["status", "--port=0"], "--port needs a port from 1 to 65535"),
        (["status", "--output", "xml"], "--output is json or text"),
    ])
    func mistakesAreNamed(words: [String], message: String) {
        #expect(throws: Arguments.Failure(message: message)) { try Arguments(words) }
    }

    @Test func aLogLineIsOneLineOfKeysAndValues() {
        let line = AgentLog.line(
            .error, "it broke", [("path", "/a/b.yaml"), ("errors", "one\ntwo \"x\""), ("empty", ""), ("pair", "a=b")], at: 1_700_000_000_123_000_000)
        #expect(line == #"time=2023-11-14T22:13:20.123Z level=error msg="it broke" path=/a/b.yaml errors="one\ntwo \"x\"" empty="" pair="a=b""#)
    }

    @Test(
        arguments: [
            ("code", "55d2-66d2 r-xp 00001000 08:01 77     /usr/bin/sonde-agent", "0", "0", 0x55d2..<0x66d2),
            ("a path with a space", "55d2-66d2 r-xp 00001000 08:01 77     /a folder/agent", "0", "0", 0x55d2..<0x66d2),
            ("constants", "55d2-66d2 r--p 00001000 08:01 77     /usr/lib/libc.so.6", "0", "0", 0x55d2..<0x66d2),
            ("relocated constants", "55d2-66d2 r--p 00001000 08:01 77     /usr/lib/libc.so.6", "4", "0", nil),
            ("relocated and swapped out", "55d2-66d2 r--p 00001000 08:01 77     /usr/lib/libc.so.6", "0", "4", nil),
            ("data", "55d2-66d2 rw-p 00001000 08:01 77     /usr/bin/sonde-agent", "0", "0", nil),
            ("shared", "55d2-66d2 r--s 00001000 08:01 77     /x", "0", "0", nil), ("writable code", "55d2-66d2 rwxp 00001000 08:01 77 /x", "0", "0", nil),
            ("of the kernel", "55d2-66d2 r-xp 00000000 00:00 0      [vdso]", "0", "0", nil), ("no file", "55d2-66d2 r-xp 00000000 00:00 0", "0", "0", nil),
            ("no address", "zz-66d2 r-xp 00001000 08:01 77 /x", "0", "0", nil), ("backwards", "66d2-55d2 r-xp 00001000 08:01 77 /x", "0", "0", nil),
        ] as [(String, String, String, String, Range<UInt>?)])
    func onlyCleanFilePagesAreDropped(reason: String, line: String, anonymous: String, swap: String, range: Range<UInt>?) {
        let counters = "Size: 8 kB\nAnonymous:      \(anonymous) kB\nSwap:      \(swap) kB\nVmFlags: rd mr mw me \n"
        let before = "1000-2000 rw-p 00000000 00:00 0 [heap]\nAnonymous: 8 kB\nSwap: 0 kB\n"
        #expect(ResidentCode.cleanRanges(before + line + "\n" + counters) == range.map { [$0] } ?? [], "\(reason)")
    }
}
