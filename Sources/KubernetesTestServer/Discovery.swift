// The answers that need no stored object: discovery, OpenAPI, the version, health and access reviews.
// TestAPIServer asks it for every path that names no resource of a served kind.
// It never reads objects: the registry of kinds is enough.

import JSON
import Kubernetes

enum Discovery {
    /// Nil for paths that this server does not have.
    static func answer(_ request: KubernetesRequest, _ kinds: KindRegistry) -> JSONValue? {
        if request.method == .post {
            return request.path == "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews" ? accessReview(request.body ?? [:]) : nil
        }
        guard request.method == .get else { return nil }
        switch request.path.split(separator: "/").first {
        case "version": return version
        case "healthz", "readyz", "livez": return "ok"
        case "openapi": return OpenAPIDocuments(kinds: kinds.all).document(path: request.path)
        default: return DiscoveryDocuments(kinds: kinds.all).document(path: request.path, accept: request.accept ?? "")
        }
    }

    private static let version: JSONValue = [
        "major": "1", "minor": "36", "gitVersion": "v1.36.0-sonde-test-server", "gitCommit": "", "gitTreeState": "clean", "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "none", "compiler": "swift", "platform": "linux/amd64",
    ]

    /// Everyone may do everything here; what a test forbids is a fault.
    private static func accessReview(_ body: JSONValue) -> JSONValue {
        var out = body
        out["status"] = ["allowed": true, "reason": "the test server allows everything"]
        return out
    }
}
