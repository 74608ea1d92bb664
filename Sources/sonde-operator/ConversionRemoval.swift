// Takes the conversion of v1alpha1 away that an earlier start with it had set up: nobody would answer it now.
// OperatorProcess runs it where the webhook, or its conversion, is off.
// It never touches a conversion of others, and never says more than a line where it has no right to.

import Admission
import Kubernetes
import KubernetesRuntime
import Logging

struct ConversionRemoval: Sendable {
    static let retryInterval: Duration = .seconds(60)

    let api: any KubernetesAPI
    /// The operator's own.
    let namespace: String
    var time: any TimeSource = SystemTime()
    let logger: Logger

    /// Tries until there is nothing left to do, or no right to do it. - Throws: `CancellationError`.
    func run() async throws {
        var isReported = false
        while true {
            do {
                return try await WebhookRegistration.turnConversionOff(api, of: .namespace(namespace))
            } catch let error as KubernetesError where error.code == .forbidden {
                // The rule: the chart gives the right together with the conversion.
                return logger.debug("The definition's conversion is not looked after", metadata: ["error": "\(error)"])
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                if !isReported { logger.warning("v1alpha1 may still be served although its conversion is off", metadata: ["error": "\(error)"]) }
                isReported = true
            }
            try await time.sleep(for: Self.retryInterval)
        }
    }
}
