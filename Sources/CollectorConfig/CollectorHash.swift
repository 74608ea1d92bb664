// The hash of any rendered document, in the form of the configuration's own hash.
// Rendering tells with it whether something that runs is stale.
// It never depends on the order of keys.

import Crypto
import JSON

/// SHA-256 over a document.
public enum CollectorHash {
    /// 64 hexadecimal digits.
    public static func hexadecimal(_ document: JSONValue) -> String { SHA256.hexadecimal(document.bytes(.goSorted)) }
}
