// How names of rendered objects and ports are made from a resource's name: the existing operator's rules, to the byte.
// Rendering names objects with it; the search for an OTLP receiver names the Service.
// It never makes a random name.

/// Names of objects and ports.
public enum Names {
    static let labelLengthMax = 63
    static let portLengthMax = 15

    public static func collector(_ name: String) -> String { object(name, "-collector") }
    /// Of the Deployment in which a change is tried; the workload's name is shortened when it is too long.
    public static func canary(_ workload: String) -> String { object(workload, "-canary") }
    public static func configMap(_ name: String, shortHash: String) -> String { object(name, "-collector-\(shortHash)") }
    // The existing operator shortens the base Service's name, not the resource's, and so cuts into `-collector` first.
    public static func headlessService(_ name: String) -> String { object(collector(name), "-headless") }
    public static func monitoringService(_ name: String) -> String { object(collector(name), "-monitoring") }
    public static func extensionService(_ name: String) -> String { object(collector(name), "-extension") }
    /// Workload and budget of the pods that route traces.
    public static func routing(_ name: String) -> String { object(collector(name), "-routing") }
    public static func routingConfigMap(_ name: String, shortHash: String) -> String { object(name, "-collector-routing-\(shortHash)") }
    public static func routingNetworkPolicy(_ name: String) -> String { object(name, "-collector-routing-networkpolicy") }
    /// The headless Service by which the pods that route traces find those that decide.
    public static func samplingService(_ name: String) -> String { object(collector(name), "-sampling") }
    public static func ingress(_ name: String) -> String { object(name, "-ingress") }
    public static func networkPolicy(_ name: String) -> String { object(name, "-collector-networkpolicy") }
    /// The name that a HorizontalPodAutoscaler calls the resource itself by.
    public static func resource(_ name: String) -> String { object(name, "") }
    /// The ServiceMonitor of the Service with the collector's own metrics.
    public static func monitoringServiceMonitor(_ name: String) -> String { object("\(name)-monitoring", "-collector") }
    /// An OpenShift Route: the port's name is shortened first.
    public static func route(_ name: String, port: String) -> String {
        dnsName(truncate([.value(port), .text("-"), .value(name), .text("-route")], max: labelLengthMax))
    }
    public static func httpRoute(_ name: String, port: String) -> String {
        dnsName(truncate([.value(name), .text("-"), .value(port), .text("-httproute")], max: labelLengthMax))
    }

    public static func clusterRole(_ name: String, namespace: String) -> String {
        dnsName(truncate([.value(name), .text("-"), .value(namespace), .text("-cluster-role")], max: labelLengthMax))
    }
    public static func clusterRoleBinding(_ name: String, namespace: String) -> String {
        dnsName(truncate([.value(name), .text("-"), .value(namespace), .text("-collector")], max: labelLengthMax))
    }

    /// The value of `app.kubernetes.io/instance`: `<namespace>.<name>`, shortened at the namespace when too long.
    public static func instance(namespace: String, name: String) -> String {
        truncate([.value(namespace), .text("."), .value(name)], max: labelLengthMax)
    }

    /// The name of a volume for one of `spec.configmaps`.
    public static func configMapVolume(_ name: String) -> String { dnsName(truncate([.text("configmap-"), .value(name)], max: labelLengthMax)) }

    /// The name of a probe's objects.
    public static func probe(_ name: String) -> String { object(name, "-agent") }

    /// A name of at most 63 characters: the resource's name is shortened, the suffix stays.
    static func object(_ name: String, _ suffix: String) -> String { dnsName(truncate([.value(name), .text(suffix)], max: labelLengthMax)) }

    /// A port's name: the component's id with hyphens, or `port-<number>` when that is longer than 15 characters or no DNS label.
    static func port(_ id: String, number: Int) -> String {
        let name = String(id.map { $0 == "/" || $0 == "_" ? "-" : $0 })
        return isPortName(name) ? name : "port-\(number)"
    }

    /// Whether Kubernetes takes this as a port's name (IANA service name).
    public static func isPortName(_ name: String) -> Bool {
        let isInner = name.utf8.allSatisfy { isAlphanumeric($0) && !isUpper($0) || $0 == UInt8(ascii: "-") }
        let hasLetter = name.utf8.contains { isAlphanumeric($0) && !isDigit($0) }
        return isInner && hasLetter && name.utf8.count <= portLengthMax && !name.hasPrefix("-") && !name.hasSuffix("-") && !name.contains("--")
    }

    enum Part {
        /// Shortened when the whole is too long, the first one first.
        case value(String)
        case text(String)
    }

    static func truncate(_ parts: [Part], max: Int) -> String {
        var excess = parts.reduce(0) { $0 + $1.length } - max
        var result = ""
        for part in parts {
            switch part {
            case .text(let text): result += text
            case .value(let value) where excess > 0:
                result += String(decoding: value.utf8.dropLast(excess), as: UTF8.self)
                excess -= min(excess, value.utf8.count)
            case .value(let value): result += value
            }
        }
        if result.utf8.count > max { return String(decoding: result.utf8.prefix(max), as: UTF8.self) }
        let bytes = result.utf8.drop { !isAlphanumeric($0) }
        let end = bytes.lastIndex(where: isAlphanumeric).map { bytes.index(after: $0) } ?? bytes.startIndex
        return String(decoding: bytes[..<end], as: UTF8.self)
    }

    /// A label value cut to 63 characters.
    public static func labelValue(_ text: String) -> String { truncate([.value(text)], max: labelLengthMax) }

    /// Lower case; other characters become `-`, or `a` at the first and the last place.
    static func dnsName(_ name: String) -> String {
        let bytes = Array(name.utf8)
        let mapped = bytes.enumerated().map { index, byte -> UInt8 in
            if isUpper(byte) { return byte + 32 }
            if isAlphanumeric(byte) { return byte }
            return index == 0 || index == bytes.count - 1 ? UInt8(ascii: "a") : UInt8(ascii: "-")
        }
        return String(decoding: mapped, as: UTF8.self)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    private static func isUpper(_ byte: UInt8) -> Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) }
    private static func isAlphanumeric(_ byte: UInt8) -> Bool { isDigit(byte) || isUpper(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
}

extension Names.Part {
    fileprivate var length: Int {
        switch self {
        case .value(let text), .text(let text): text.utf8.count
        }
    }
}
