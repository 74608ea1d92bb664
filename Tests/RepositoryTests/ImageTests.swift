// The images of hack/image: the archive is what containerd and Docker read, the same twice, and its binary runs on nothing but the image's files.
// A program of the system stands in for the binaries, except in the one test that takes the release build.
// It never needs a registry or a daemon. It needs root, for chroot.

import Foundation
import JSON
import TestSupport
import Testing

@Suite struct ImageTests {
    /// An image archive of `curl`, which needs more libraries than our binaries do, under the operator's name.
    private static func archive(_ folder: TemporaryFolder, _ name: String, _ arguments: String...) throws -> String {
        let binaries = "\(folder.path)/bin"
        if !FileManager.default.fileExists(atPath: binaries) {
            try FileManager.default.createDirectory(atPath: binaries, withIntermediateDirectories: true)
            for binary in ["sonde-operator", "sonde-agent"] { try FileManager.default.copyItem(atPath: "/usr/bin/curl", toPath: "\(binaries)/\(binary)") }
        }
        try image(["--bin", binaries, "--output", "\(folder.path)/\(name)"] + arguments)
        return "\(folder.path)/\(name)/sonde-operator.tar"
    }

    private static func image(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = Repository.root.appending(path: "hack/image")
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(String(decoding: output, as: UTF8.self))")
    }

    private static func unpack(_ archive: String, to folder: String) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let (status, output) = try Repository.run("tar", "-xf", archive, "-C", folder)
        try #require(status == 0, "\(output)")
    }

    private static func json(_ path: String) throws -> JSONValue { try JSONValue(parsing: Array(try Data(contentsOf: URL(filePath: path)))) }

    private static func digest(_ path: String) throws -> String {
        let (status, output) = try Repository.run("sha256sum", path)
        try #require(status == 0, "\(output)")
        return "sha256:\(output.prefix { $0 != " " })"
    }

    @Test func everyReferenceOfTheArchiveHoldsItsDigest() throws {
        let folder = try TemporaryFolder()
        let layout = "\(folder.path)/layout"
        try Self.unpack(try Self.archive(folder, "a", "operator", "--version", "1.2.3", "--repository", "ghcr.io/example"), to: layout)
        func blob(_ descriptor: JSONValue?) throws -> String {
            let digest = try #require(descriptor?["digest"]?.string)
            let path = "\(layout)/blobs/sha256/\(digest.dropFirst("sha256:".count))"
            #expect(try Self.digest(path) == digest)
            #expect(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int == descriptor?["size"]?.int)
            return path
        }
        #expect(try Self.json("\(layout)/oci-layout") == ["imageLayoutVersion": "1.0.0"])
        let entry = try Self.json("\(layout)/index.json")["manifests"]?[0]
        #expect(entry?["annotations"]?["io.containerd.image.name"] == "ghcr.io/example/sonde-operator:1.2.3")
        let manifest = try Self.json(try blob(entry))
        let config = try Self.json(try blob(manifest["config"]))
        let layer = try blob(manifest["layers"]?[0])
        #expect(config.at("rootfs", "diff_ids") == [.string(try Self.digest(layer))])
        #expect(config.at("config", "User") == "65532:65532")
        #expect(config.at("config", "Entrypoint") == ["/sonde-operator"])
        let docker = try Self.json("\(layout)/manifest.json")[0]
        #expect(docker?["RepoTags"] == ["ghcr.io/example/sonde-operator:1.2.3"])
        #expect("\(layout)/\(docker?["Layers"]?[0]?.string ?? "")" == layer)
    }

    @Test func twoArchivesOfTheSameInputAreEqual() throws {
        let folder = try TemporaryFolder()
        #expect(try Self.digest(Self.archive(folder, "a", "operator")) == Self.digest(Self.archive(folder, "b", "operator")))
    }

    @Test func theBinaryRunsOnTheImagesFilesAlone() throws {
        let folder = try TemporaryFolder()
        _ = try Self.archive(folder, "unused", "operator", "--roots", "\(folder.path)/roots")
        let root = "\(folder.path)/roots/operator"
        let (status, output) = try Repository.run("chroot", root, "/sonde-operator", "--version")
        #expect(status == 0 && output.hasPrefix("curl "), "\(output)")
        for file in ["etc/ssl/certs/ca-certificates.crt", "etc/nsswitch.conf", "etc/passwd", "usr/share/doc/sonde/LICENSE", "usr/share/doc/libcurl4/copyright"]
        {
            #expect(FileManager.default.fileExists(atPath: "\(root)/\(file)"), "\(file)")
        }
        for folder in ["bin", "usr/bin", "proc", "root"] { #expect(!FileManager.default.fileExists(atPath: "\(root)/\(folder)"), "\(folder)") }
    }

    @Test(arguments: [("operator", "sonde-operator"), ("agent", "sonde-agent")]) func theReleasedBinaryRunsInItsImage(image: String, binary: String) throws {
        let release = BinaryTests.folder.path
        try #require(FileManager.default.fileExists(atPath: "\(release)/\(binary)"), "\(release)/\(binary) is missing: run hack/test, or hack/lib/build")
        let folder = try TemporaryFolder()
        try Self.image([image, "--bin", release, "--roots", folder.path])
        // Swift reads the command line from /proc, which every container has. The mount goes with its namespace.
        let script = "mkdir proc && mount --bind /proc proc && exec chroot . /\(binary) --version"
        let (status, output) = try Repository.run("unshare", "--mount", "env", "--chdir=\(folder.path)/\(image)", "sh", "-c", script)
        #expect(status == 0 && output.contains("0.1.0"), "\(output)")
    }

    /// What only root may do, the operator's user may not: its server once set a socket option that needs a capability, and closed every connection.
    @Test func theOperatorAnswersItsProbesAsTheImagesUser() throws {
        let release = BinaryTests.folder.path
        let folder = try TemporaryFolder()
        try Self.image(["operator", "--bin", release, "--roots", folder.path])
        let script = #"""
            set -eu
            release=$1 crds=$2
            mkdir proc && mount --bind /proc proc
            trap 'kill $server $operator; wait' EXIT
            server= operator=
            "$release/kubernetes-test-server" --port 0 --kubeconfig-out kubeconfig --crds "$crds" >server.log 2>&1 & server=$!
            for _ in $(seq 100); do [ -s kubeconfig ] && break; sleep 0.1; done
            chmod 644 kubeconfig
            chroot --userspec=65532:65532 . /sonde-operator --kubeconfig /kubeconfig --metrics-bind-address 127.0.0.1:0 --leader-elect=false >operator.log 2>&1 & operator=$!
            for _ in $(seq 100); do
                address=$(sed -nE 's/.*"msg":"Serving".*"address":"([^"]*)".*/\1/p' operator.log)
                [ -n "$address" ] && curl -fsS --max-time 5 "http://$address/healthz" && exit
                sleep 0.1
            done
            cat operator.log >&2
            exit 1
            """#
        let (status, output) = try Repository.run(
            "unshare", "--mount", "env", "--chdir=\(folder.path)/operator", "bash", "-c", script, "bash", release, Repository.root.appending(path: "crds").path)
        #expect(status == 0 && output.contains("ok"), "\(output)")
    }

    @Test func aMissingBinaryIsNamed() throws {
        let (status, output) = try Repository.run(Repository.root.appending(path: "hack/image").path, "agent", "--bin", "/nonexistent")
        #expect(status != 0 && output.contains("there is no /nonexistent/sonde-agent; run hack/lib/build first"), "\(output)")
    }
}
