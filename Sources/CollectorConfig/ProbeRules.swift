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
        return findings
    }
}
