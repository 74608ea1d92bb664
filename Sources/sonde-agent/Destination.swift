// From the configuration's destination to the exporter's: URL, compression, TLS files, and headers from a mounted Secret.
// SondeAgent makes the first one, AgentLoop a new one at each change.
// It never logs a header's value.

import HTTPClient
import OTLPExport
import SondeAPI

extension ExportPolicy {
    init(_ queue: AgentConfiguration.Queue) {
        self.init()
        batchesMax = queue.batches
        bytesMax = queue.bytes
    }
}

extension ExportDestination {
    /// - Throws: `FileFailure` when a file with a header cannot be read.
    init(_ destination: AgentConfiguration.Destination) throws(FileFailure) {
        var headers = destination.headers.map { ($0.name, $0.value) }
        if let folder = destination.headersDirectory {
            for name in try SmallFile.names(in: folder) {
                let value = String(decoding: try SmallFile.read("\(folder)/\(name)"), as: UTF8.self)
                headers.append((name, String(value.reversed().drop { $0.isNewline }.reversed())))
            }
        }
        var tls = TLSConfiguration()
        tls.caFile = destination.tls.caFile
        tls.clientCertificateFile = destination.tls.clientCertificateFile
        tls.clientKeyFile = destination.tls.clientKeyFile
        tls.serverName = destination.tls.serverName
        tls.insecureSkipVerify = destination.tls.insecureSkipVerify
        self.init(
            endpoint: destination.endpoint, transport: destination.protocol == .grpc ? .grpc : .http, headers: headers,
            compression: destination.compression == .gzip ? .gzip : .none, tls: tls, userAgent: "sonde-agent/\(AgentVersion.text)")
    }
}
