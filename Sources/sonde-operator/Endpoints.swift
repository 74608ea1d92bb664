// What the operator answers over HTTP: /healthz, /readyz and /metrics.
// OperatorProcess serves it; kubelet and Prometheus ask.
// It never shows a resource or a secret, and it answers on every replica, leader or not.

import HTTPServer
import Operator

/// The endpoints as one handler.
struct Endpoints: Sendable {
    let registry: PrometheusRegistry
    let readiness: @Sendable () -> SondeOperator.Readiness
    /// Nil, or why this process should be restarted: the renewal of the Lease hangs.
    let unhealthy: @Sendable () -> String?

    func answer(_ request: HTTPServerRequest) -> HTTPServerResponse {
        guard request.method == "GET" || request.method == "HEAD" else {
            return HTTPServerResponse(status: 405, headers: [("allow", "GET, HEAD")], body: .bytes(Array("only GET is answered here\n".utf8)))
        }
        switch request.path {
        case "/healthz":
            if let reason = unhealthy() { return .text(reason + "\n", status: 500) }
            return .text("ok\n")
        case "/readyz":
            switch readiness() {
            case .ready: return .text("ok\n")
            case .waiting(let reason): return .text("waiting for \(reason)\n", status: 503)
            }
        case "/metrics":
            return .text(registry.text(), contentType: "text/plain; version=0.0.4; charset=utf-8")
        default:
            return .text("there is /healthz, /readyz and /metrics\n", status: 404)
        }
    }
}
