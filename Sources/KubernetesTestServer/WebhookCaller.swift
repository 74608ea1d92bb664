// Asks webhooks over HTTPS: admission reviews and conversions, with the authorities that their registration names.
// TestAPIServer has one; it opens connections only when a webhook is registered.
// It never reaches a Service: there is no network of pods here, so a webhook must be registered by URL.

import HTTPClient
import JSON
import Kubernetes
import Synchronization

final class WebhookCaller: Sendable {
    private let client = Mutex<HTTPClient?>(nil)

    /// Closes the connections; a later call opens new ones.
    func shutdown() async {
        let running = client.withLock { client in
            defer { client = nil }
            return client
        }
        await running?.shutdown()
    }

    /// A webhook's verdict; one that cannot be had is a refusal or, when its policy says so, none.
    func verdict(on call: WebhookCall) async -> WebhookVerdict {
        let uid = String(UInt64.random(in: .min ... .max), radix: 16)
        var request = call.request
        request["uid"] = .string(uid)
        do {
            let review: JSONValue = ["apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request]
            let answer = try await post(review, to: call.client, query: "?timeout=\(call.timeoutSeconds)s", timeout: .seconds(call.timeoutSeconds))
            guard let response = answer["response"], response["uid"] == .string(uid), let isAllowed = response["allowed"]?.bool else {
                throw KubernetesError(.undecodable, message: "the answer is no AdmissionReview with this request's uid")
            }
            var verdict = WebhookVerdict(warnings: (response["warnings"]?.array ?? []).compactMap(\.string))
            if !isAllowed { verdict.refusal = Self.refusal(call.name, response["status"] ?? [:]) }
            if let text = response["patch"]?.string {
                guard response["patchType"] == "JSONPatch", let bytes = Base64.decode(text) else {
                    throw KubernetesError(.undecodable, message: "the patch is no JSONPatch in base64")
                }
                verdict.patch = try JSONPatch(decoding: try JSONValue(parsing: bytes))
            }
            return verdict
        } catch {
            if call.isIgnoredWhenDown { return WebhookVerdict() }
            let failure = KubernetesError(
                .internalError, status: 500, reason: "InternalError",
                message: "Internal error occurred: failed calling webhook \"\(call.name)\": \(error)")
            return WebhookVerdict(refusal: failure)
        }
    }

    /// Objects in another version.
    func converted(_ objects: [JSONValue], to version: String, _ client: JSONValue) async throws(KubernetesError) -> [JSONValue] {
        if objects.isEmpty { return [] }
        do {
            let uid = String(UInt64.random(in: .min ... .max), radix: 16)
            let review: JSONValue = [
                "apiVersion": "apiextensions.k8s.io/v1", "kind": "ConversionReview",
                "request": ["uid": .string(uid), "desiredAPIVersion": .string(version), "objects": .array(objects)],
            ]
            let answer = try await post(review, to: client, timeout: .seconds(30))
            let response = answer["response"] ?? [:]
            guard response.at("result", "status") == "Success", let all = response["convertedObjects"]?.array, all.count == objects.count else {
                throw KubernetesError(.internalError, message: response.at("result", "message")?.string ?? "the answer holds other objects")
            }
            for (before, after) in zip(objects, all) where before.metadata.uid != after.metadata.uid || before.metadata.name != after.metadata.name {
                throw KubernetesError(.internalError, message: "metadata was changed")
            }
            return all
        } catch {
            throw KubernetesError(.internalError, status: 500, reason: "InternalError", message: "conversion webhook for \(version) failed: \(error)")
        }
    }

    /// - Parameter query: How long the server waits, as a real one says it with admission reviews.
    private func post(_ body: JSONValue, to client: JSONValue, query: String = "", timeout: Duration) async throws -> JSONValue {
        guard let url = client["url"]?.string else { throw KubernetesError(.network, message: "a Service cannot be reached from here; register by URL") }
        let bundle = client["caBundle"]?.string.flatMap { Base64.decode($0) }
        let connection = self.client.withLock { client in
            let made = client ?? HTTPClient(HTTPClient.Configuration())
            client = made
            return made
        }
        let response = try await connection.send(
            HTTPRequest(
                method: "POST", url: url + query, headers: [("content-type", "application/json")], body: body.bytes(), timeout: timeout,
                tls: TLSConfiguration(caPEM: bundle)))
        guard response.status == 200 else {
            throw KubernetesError(.network, message: "HTTP \(response.status): \(String(decoding: response.body.prefix(500), as: UTF8.self))")
        }
        return try JSONValue(parsing: response.body)
    }

    private static func refusal(_ name: String, _ status: JSONValue) -> KubernetesError {
        let code = status["code"]?.int ?? 403
        let reason = status["reason"]?.string ?? "Forbidden"
        let text = status["message"]?.string ?? "without explanation"
        let told: JSONValue = [
            "code": JSONValue(code), "reason": .string(reason), "message": .string("admission webhook \"\(name)\" denied the request: \(text)"),
            "details": status["details"] ?? .null,
        ]
        return KubernetesError(statusObject: told, httpStatus: code)
    }
}
