// Rules over several fields of a probe's spec: what works, but likely not as meant.
// Validation calls it.
// It never reports an error: the schema and the view of the resource do.

import SondeAPI

enum ProbeRules {
    static func findings(_ spec: EBPFProbeSpec) -> [Finding] {
        var findings: [Finding] = []
        let both = Set(spec.namespaces.include).intersection(spec.namespaces.exclude)
        for name in both.sorted() {
            findings.append(
                Finding(
                    .warning, rule: "namespace-excluded", path: "spec.namespaces.include", message: "\(name) is excluded too, and exclude wins",
                    remedy: "remove it from one of the lists"))
        }
        if spec.signals.families.allSatisfy({ !$0.enabled }) {
            findings.append(
                Finding(.warning, rule: "no-signal", path: "spec.signals", message: "every signal is off", remedy: "leave signals out for the defaults"))
        }
        if spec.export.insecureSkipVerify {
            findings.append(
                Finding(
                    .warning, rule: "insecure-tls", path: "spec.export.tls.insecureSkipVerify", message: "any server is trusted with the data",
                    remedy: "name the signing certificates with caSecret"))
        }
        return findings + withoutEffect(spec)
    }

    /// What this version takes but does not do.
    private static func withoutEffect(_ spec: EBPFProbeSpec) -> [Finding] {
        var findings: [Finding] = []
        if spec.attributes.addresses {
            findings.append(
                Finding(
                    .warning, rule: "without-effect", path: "spec.attributes.addresses", message: "no metric of this version has peers' addresses",
                    remedy: "leave it out"))
        }
        if spec.signals.syscalls.enabled, spec.signals.syscalls.mode == .counts {
            findings.append(
                Finding(
                    .warning, rule: "without-effect", path: "spec.signals.syscalls.mode",
                    message: "this version counts system calls with their latency only", remedy: "leave it out"))
        }
        return findings
    }
}
