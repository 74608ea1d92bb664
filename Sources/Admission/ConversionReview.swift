// Conversion between the served versions of OpenTelemetryCollector as an API server asks for it (apiextensions.k8s.io/v1 ConversionReview).
// WebhookHandler answers `/convert` with it.
// It never fails for some objects of a list and not for others without naming the one: an API server takes all or nothing.

import JSON
import Kubernetes

/// Answers ConversionReviews.
public enum ConversionReview {
    static let apiVersion = "apiextensions.k8s.io/v1"

    /// - Throws: When this is no ConversionReview with a request. An object that cannot be converted is told in the answer.
    public static func answer(_ review: JSONValue) throws(ReviewError) -> JSONValue {
        guard review.kind == "ConversionReview", review.apiVersion == apiVersion else {
            throw ReviewError("the body must be a ConversionReview of \(apiVersion), and is \(review.kind) of \(review.apiVersion)")
        }
        guard let request = review["request"], let uid = request["uid"]?.string, let wanted = request["desiredAPIVersion"]?.string,
            let objects = request["objects"]?.array
        else { throw ReviewError("the ConversionReview has no request.uid, desiredAPIVersion or objects") }
        var response: JSONValue = ["uid": .string(uid)]
        do {
            response["convertedObjects"] = .array(try objects.map { object throws(ReviewError) in try CollectorConversion.convert(object, to: wanted) })
            response["result"] = ["status": "Success"]
        } catch {
            response["result"] = ["status": "Failure", "message": .string(error.message)]
        }
        return ["apiVersion": .string(apiVersion), "kind": "ConversionReview", "response": response]
    }
}
