// The validation of a pod's spec and of a Service.
// BuiltInRules calls it for pods, templates and Services.
// It never resolves names outside of the object.

import JSON
import Kubernetes

enum PodRules {
    static func errors(_ spec: JSONValue, path: String) -> [FieldError] {
        var out: [FieldError] = []
        let containers = spec["containers"]?.array ?? []
        if containers.isEmpty { out.append(.required("\(path).containers")) }
        var volumes: Set<String> = []
        for (index, volume) in (spec["volumes"]?.array ?? []).enumerated() {
            let name = volume["name"]?.string ?? ""
            out += labelName(name, "\(path).volumes[\(index)].name")
            if !volumes.insert(name).inserted { out.append(.duplicate("\(path).volumes[\(index)].name", .string(name))) }
            if (volume.object?.count ?? 0) > 2 { out.append(.forbidden("\(path).volumes[\(index)]", "may not specify more than 1 volume type")) }
        }
        var names: Set<String> = []
        for key in ["initContainers", "containers"] {
            for (index, container) in (spec[key]?.array ?? []).enumerated() {
                let place = "\(path).\(key)[\(index)]"
                out += containerErrors(container, place, volumes: volumes)
                let name = container["name"]?.string ?? ""
                if !names.insert(name).inserted { out.append(.duplicate("\(place).name", .string(name))) }
            }
        }
        return out
    }

    private static func containerErrors(_ container: JSONValue, _ path: String, volumes: Set<String>) -> [FieldError] {
        var out = labelName(container["name"]?.string ?? "", "\(path).name")
        if container["image"]?.string?.isEmpty != false { out.append(.required("\(path).image")) }
        var portNames: Set<String> = []
        for (index, port) in (container["ports"]?.array ?? []).enumerated() {
            out += portNumber(port["containerPort"], "\(path).ports[\(index)].containerPort")
            guard let name = port["name"]?.string else { continue }
            out += portName(name, "\(path).ports[\(index)].name")
            if !portNames.insert(name).inserted { out.append(.duplicate("\(path).ports[\(index)].name", .string(name))) }
        }
        var mounts: Set<String> = []
        for (index, mount) in (container["volumeMounts"]?.array ?? []).enumerated() {
            let place = "\(path).volumeMounts[\(index)]"
            let name = mount["name"]?.string ?? ""
            if !volumes.contains(name) {
                out.append(FieldError(field: "\(place).name", reason: .invalid, message: "Not found: \"\(name)\""))
            }
            let mountPath = mount["mountPath"]?.string ?? ""
            if mountPath.isEmpty { out.append(.required("\(place).mountPath")) }
            if !mounts.insert(mountPath).inserted { out.append(.invalid("\(place).mountPath", .string(mountPath), "must be unique")) }
        }
        return out + resourceErrors(container, path)
    }

    private static func resourceErrors(_ container: JSONValue, _ path: String) -> [FieldError] {
        var out: [FieldError] = []
        let limits = container.at("resources", "limits")?.object ?? [:]
        for (key, value) in container.at("resources", "requests")?.object ?? [:] {
            guard let requested = value.string.flatMap(Quantity.init), let limit = limits[key]?.string.flatMap(Quantity.init), requested > limit else {
                continue
            }
            out.append(.invalid("\(path).resources.requests", value, "must be less than or equal to \(key) limit of \(limit)"))
        }
        return out
    }

    static func labelName(_ name: String, _ path: String) -> [FieldError] {
        if name.isEmpty { return [.required(path)] }
        let text = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character"
        return MetadataRules.isLabel(name) ? [] : [.invalid(path, .string(name), text)]
    }

    static func portNumber(_ value: JSONValue?, _ path: String) -> [FieldError] {
        guard let number = value?.int else { return [.required(path)] }
        return (1...65535).contains(number) ? [] : [.invalid(path, .int(Int64(number)), "must be between 1 and 65535, inclusive")]
    }

    /// IANA_SVC_NAME: at most 15 characters, with a letter.
    static func portName(_ name: String, _ path: String) -> [FieldError] {
        if name.utf8.count > 15 { return [.invalid(path, .string(name), "must be no more than 15 characters")] }
        let isGood = name.wholeMatches(/[a-z0-9]([a-z0-9-]*[a-z0-9])?/) && name.contains { $0.isLetter } && !name.contains("--")
        return isGood ? [] : [.invalid(path, .string(name), "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")]
    }
}

enum ServiceRules {
    static func errors(_ object: JSONValue, live: JSONValue?) -> [FieldError] {
        let spec = object["spec"] ?? [:]
        let ports = spec["ports"]?.array ?? []
        var out: [FieldError] = []
        let isHeadless = spec["clusterIP"] == "None"
        if ports.isEmpty, !isHeadless, spec["type"] != "ExternalName" { out.append(.required("spec.ports")) }
        var names: Set<String> = []
        var numbers: Set<String> = []
        for (index, port) in ports.enumerated() {
            let path = "spec.ports[\(index)]"
            let name = port["name"]?.string ?? ""
            if name.isEmpty {
                if ports.count > 1 { out.append(.required("\(path).name")) }
            } else {
                out += PodRules.labelName(name, "\(path).name")
                if !names.insert(name).inserted { out.append(.duplicate("\(path).name", .string(name))) }
            }
            out += PodRules.portNumber(port["port"], "\(path).port")
            let identity = "\(port["port"]?.int ?? 0)/\(port["protocol"]?.string ?? "TCP")"
            if !numbers.insert(identity).inserted { out.append(.duplicate(path, ["port": port["port"] ?? 0, "protocol": port["protocol"] ?? "TCP"])) }
            if let target = port["targetPort"] {
                out += target.string.map { PodRules.portName($0, "\(path).targetPort") } ?? PodRules.portNumber(target, "\(path).targetPort")
            }
        }
        if let old = live?.at("spec", "clusterIP"), live?.at("spec", "type") == spec["type"], spec["type"] != "ExternalName", spec["clusterIP"] != old {
            out.append(.invalid("spec.clusterIPs[0]", spec["clusterIP"] ?? "", "may not change once set"))
        }
        return out
    }
}
