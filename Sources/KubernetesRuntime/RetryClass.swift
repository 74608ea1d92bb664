// The class of an error: what a controller does after a failed reconcile (docs/controllers.md rule 18).
// The controller asks; errors of other modules conform to RetryClassified to say it themselves.
// It never looks at messages.

import Kubernetes

/// How to go on after an error.
public enum RetryClass: Hashable, Sendable {
    /// Again with backoff.
    case retry
    /// Again after this time, which the other side has named.
    case retryAfter(Duration)
    /// Not again until something changes: the error is in the input.
    case terminal
    /// The process cannot go on.
    case fatal

    /// The class of any error. Unknown means retry.
    public init(_ error: any Error) {
        switch error {
        case let error as any RetryClassified: self = error.retryClass
        case let error as KubernetesError:
            switch error.retry {
            case .backoff: self = .retry
            case .after(let delay): self = .retryAfter(delay)
            case .never: self = .terminal
            }
        default: self = .retry
        }
    }
}

/// An error that knows its class.
public protocol RetryClassified: Error {
    var retryClass: RetryClass { get }
}
