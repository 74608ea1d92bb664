// The rules that make a service of a pod's name.

import Testing

@testable import ProbeCore

@Suite struct ServiceNameTests {
    @Test(arguments: [
        ("Deployment", "cart-6d4cf56db6-x2x9z", "cart"), ("Deployment with dashes", "cart-api-v2-5f7c8b9d4f-bq2wl", "cart-api-v2"),
        ("a template hash of eight characters", "cart-79f4dc8b-k8m2x", "cart"), ("a Deployment whose name ends in a digit", "web-5-6d4cf56db6-x2x9z", "web-5"),
        ("DaemonSet", "node-exporter-bq2wl", "node-exporter"), ("Job", "migrate-x2x9z", "migrate"), ("CronJob", "backup-29384756-x2x9z", "backup"),
        ("a Job whose name ends in a short number", "migrate-42-x2x9z", "migrate-42"), ("StatefulSet", "redis-0", "redis"),
        ("StatefulSet with many", "kafka-broker-112", "kafka-broker"), ("static pod", "kube-apiserver-node-7.example.org", "kube-apiserver"),
        ("a bare pod", "debug", "debug"), ("a bare pod with a word of five letters", "cart-proxy", "cart-proxy"),
        ("vowels are never generated", "cart-6d4cf56db6-tests", "cart-6d4cf56db6-tests"), ("0, 1 and 3 are never generated", "cart-bq2w1", "cart-bq2w1"),
        ("six characters are no suffix", "cart-bq2wlx", "cart-bq2wlx"), ("a name that is only a suffix", "x2x9z", "x2x9z"),
        ("a name that begins with a dash's remainder", "-x2x9z", "-x2x9z"),
        ("a cut name of a DaemonSet", String(repeating: "a", count: 58) + "x2x9z", String(repeating: "a", count: 58)),
        ("a cut name of a Deployment", String(repeating: "a", count: 50) + "-6d4cf56" + "x2x9z", String(repeating: "a", count: 50)),
        ("the suffix after a dash at the cut", String(repeating: "a", count: 57) + "-x2x9z", String(repeating: "a", count: 57)),
    ])
    func rule(reason: String, pod: String, service: String) {
        #expect(ServiceName.of(pod: pod, node: "node-7.example.org") == service, "\(reason)")
    }

    @Test func aNodesNameAloneIsNoStaticPod() {
        #expect(ServiceName.of(pod: "node-7.example.org", node: "node-7.example.org") == "node-7.example.org")
        #expect(ServiceName.of(pod: "kube-proxy-node-a", node: nil) == "kube-proxy-node-a")
    }
}
