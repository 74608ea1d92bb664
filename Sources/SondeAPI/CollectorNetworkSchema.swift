// Fields, limits and descriptions of OpenTelemetryCollector that concern the network, and its status.
// CollectorSchema puts the network's fields into `spec`; the custom resource definition takes the status from here.
// It never describes what an ingress controller or a gateway does with the objects.

import JSON

extension CollectorSchema {
    static let network: [Schema.Field] = [
        .init("ipFamilyPolicy", Schema(.choice(["SingleStack", "PreferDualStack", "RequireDualStack"]), "IP families of the Services. Default SingleStack.")),
        .init(
            "ipFamilies",
            Schema(.list(Schema(.choice(["IPv4", "IPv6"]), "An IP family."), maxItems: 2, .atomic), "IP families of the Services, in order of preference.")),
        .init("trafficDistribution", Schema(.string(.free, maxLength: 63), "Preference of the Services for near endpoints, such as PreferClose.")),
        .init("sessionAffinity", Schema(.choice(["None", "ClientIP"]), "Whether a client stays with one pod. Default None.")),
        .init("sessionAffinityConfig", open("Settings of sessionAffinity, such as clientIP.timeoutSeconds.")),
        .init("ingress", ingress),
        .init(
            "httpRoute",
            Schema(
                .openObject([
                    .init("enabled", required: true, Schema(.boolean, "Make HTTPRoutes.")),
                    .init("gateway", required: true, Schema(.string(.dnsSubdomain, maxLength: 253), "The Gateway's name.")),
                    .init("gatewayNamespace", Schema(.string(.dnsLabel, maxLength: 63), "The Gateway's namespace. Default: the resource's.")),
                    .init(
                        "hostnames", Schema(.list(Schema(.string(.free, maxLength: 253), "A host name."), maxItems: 64, .atomic), "Host names of the routes.")),
                ]), "HTTPRoutes of the Gateway API, one for each receiver port that is not gRPC.")),
        .init(
            "networkPolicy",
            Schema(
                .object([
                    .init("enabled", Schema(.boolean, "Make a NetworkPolicy that admits only the collector's ports. Default true, except in mode sidecar."))
                ]),
                "A NetworkPolicy for the pods.")),
    ]

    private static let ingress = Schema(
        .object([
            .init("type", Schema(.choice(["ingress", "route"]), "An Ingress, or Routes of OpenShift. Without it there is neither.")),
            .init("ruleType", Schema(.choice(["path", "subdomain"]), "A path, or a name below hostname, for each port. Default path.")),
            .init("hostname", Schema(.string(.free, maxLength: 253), "The host name; a domain with ruleType subdomain.")),
            .init("annotations", stringMap("Annotations of the Ingress or the Routes, and the only ones.")),
            .init("tls", openList("TLS of the Ingress, as in networking.k8s.io/v1 IngressTLS.")),
            .init("ingressClassName", Schema(.string(.free, maxLength: 253), "The class of the Ingress.")),
            .init(
                "route",
                Schema(
                    .object([
                        .init(
                            "termination",
                            Schema(.choice(["insecure", "edge", "passthrough", "reencrypt"]), "Where TLS of the Routes ends. Default edge."))
                    ]), "Settings of Routes.")),
        ]), "An Ingress or Routes for the receivers' ports; not in mode sidecar.")

    /// `status`.
    public static let status = Schema(
        .object([
            .init("observedGeneration", ResourceSchema.observedGeneration),
            .init("conditions", ResourceSchema.conditions),
            .init("version", Schema(.string(.free, maxLength: 253), "The collector's version, from its image's tag.")),
            .init("image", Schema(.string(.free, maxLength: 1024), "The image that the pods run.")),
            .init(
                "scale",
                Schema(
                    .object([
                        .init("selector", Schema(.string(.free, maxLength: 2048), "The pods' labels, for a HorizontalPodAutoscaler.")),
                        .init("replicas", Schema(.integer(0...ResourceSchema.int32Max), "Pods that there should be.")),
                        .init("statusReplicas", Schema(.string(.free, maxLength: 63), "Pods that are ready, of all: 2/3.")),
                    ]), "Number of pods.")),
        ]), "What was observed.")
}

/// Schemas that both resources use.
enum ResourceSchema {
    static let int32Max = Int(Int32.max)

    static let observedGeneration = Schema(.integer(0...Int.max), "The generation of the spec that this status was made from.")

    /// meta/v1 Condition, a map by `type`.
    static let conditions = Schema(
        .list(
            Schema(
                .object([
                    .init("type", required: true, Schema(.string(.free, maxLength: 316), "What the condition is about, such as Ready.")),
                    .init("status", required: true, Schema(.choice(["True", "False", "Unknown"]), "Whether it holds.")),
                    .init("reason", required: true, Schema(.string(.free, maxLength: 1024), "Why, in one word.")),
                    .init("message", required: true, Schema(.string(.free, maxLength: 32768), "Why, and what to do.")),
                    .init("observedGeneration", observedGeneration),
                    .init("lastTransitionTime", required: true, Schema(.timestamp, "When status last changed.")),
                ]), "One condition."), maxItems: 32, .map(keys: ["type"])),
        "What is the case, each with its reason and what to do.")
}
