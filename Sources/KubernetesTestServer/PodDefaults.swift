// The defaults of a pod's spec, in pods and in the templates of workloads.
// BuiltInDefaults calls it.
// It never sets what only admission of real pods sets (tolerations, token volumes).

import JSON

enum PodDefaults {
    static func apply(to spec: inout JSONValue) {
        spec.fill(["restartPolicy"], "Always")
        spec.fill(["dnsPolicy"], "ClusterFirst")
        spec.fill(["schedulerName"], "default-scheduler")
        spec.fill(["securityContext"], [:])
        spec.fill(["terminationGracePeriodSeconds"], 30)
        if let account = spec["serviceAccountName"] { spec["serviceAccount"] = account }
        let isOnHostNetwork = spec["hostNetwork"] == true
        for key in ["containers", "initContainers"] {
            spec.changeEach([key]) { container in apply(toContainer: &container, isOnHostNetwork: isOnHostNetwork) }
        }
        spec.changeEach(["volumes"], apply(toVolume:))
    }

    private static func apply(toContainer container: inout JSONValue, isOnHostNetwork: Bool) {
        container.fill(["terminationMessagePath"], "/dev/termination-log")
        container.fill(["terminationMessagePolicy"], "File")
        container.fill(["imagePullPolicy"], pullPolicy(container["image"]?.string ?? ""))
        container.fill(["resources"], [:])
        container.changeEach(["ports"]) { port in
            port.fill(["protocol"], "TCP")
            if isOnHostNetwork, let number = port["containerPort"] { port.fill(["hostPort"], number) }
        }
        container.changeEach(["env"]) { variable in
            if variable.at("valueFrom", "fieldRef") != nil { variable.fill(["valueFrom", "fieldRef", "apiVersion"], "v1") }
        }
        for probe in ["livenessProbe", "readinessProbe", "startupProbe"] { container.change([probe], apply(toProbe:)) }
    }

    private static func apply(toProbe probe: inout JSONValue) {
        probe.fill(["timeoutSeconds"], 1)
        probe.fill(["periodSeconds"], 10)
        probe.fill(["successThreshold"], 1)
        probe.fill(["failureThreshold"], 3)
        if probe["httpGet"] != nil {
            probe.fill(["httpGet", "scheme"], "HTTP")
            probe.fill(["httpGet", "path"], "/")
        }
        if probe["grpc"] != nil { probe.fill(["grpc", "service"], "") }
    }

    private static func apply(toVolume volume: inout JSONValue) {
        for source in ["configMap", "secret", "projected", "downwardAPI"] where volume[source] != nil { volume.fill([source, "defaultMode"], 420) }
        if volume["hostPath"] != nil { volume.fill(["hostPath", "type"], "") }
        volume.changeEach(["projected", "sources"]) { source in
            if source["serviceAccountToken"] != nil { source.fill(["serviceAccountToken", "expirationSeconds"], 3600) }
            source.changeEach(["downwardAPI", "items"]) { $0.change(["fieldRef"]) { $0.fill(["apiVersion"], "v1") } }
        }
        volume.changeEach(["downwardAPI", "items"]) { $0.change(["fieldRef"]) { $0.fill(["apiVersion"], "v1") } }
        if volume.object?.count == 1, volume["name"] != nil { volume["emptyDir"] = [:] }
    }

    /// `Always` for the tag latest and for no tag at all.
    private static func pullPolicy(_ image: String) -> JSONValue {
        if image.contains("@") { return "IfNotPresent" }
        let last = image.split(separator: "/").last ?? ""
        let tag = last.split(separator: ":").dropFirst().first ?? "latest"
        return tag == "latest" ? "Always" : "IfNotPresent"
    }
}
