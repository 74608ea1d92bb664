// Custom resource definitions: validation, names, conditions, and the kinds that come from them.
// Writing calls it when a definition is stored, deleting when one goes.
// It never serves a version whose schema it could not read.

import JSON
import Kubernetes

extension ServerState {
    /// The definition as it is stored, with its kinds registered.
    /// - Throws: 422 with a cause for each problem: the definition is not stored then.
    mutating func registering(_ proposed: JSONValue, now: Timestamp) throws(KubernetesError) -> JSONValue {
        guard let kind = kinds["apiextensions.k8s.io", "v1", "customresourcedefinitions"] else { return proposed }
        var definition = proposed
        Self.fillNames(&definition)
        var errors = Self.nameErrors(definition)
        let served = Self.servedKinds(definition, &errors)
        for other in kinds.all where other.definition != definition.metadata.name && other.type.group == definition.at("spec", "group")?.string {
            if other.type.plural == definition.at("spec", "names", "plural")?.string {
                errors.append(.invalid("spec.names.plural", .string(other.type.plural), "is already in use"))
            }
        }
        guard errors.isEmpty else { throw .invalid(kind, definition.metadata.name, errors) }
        kinds.remove(definition: definition.metadata.name)
        for kind in served { kinds.add(kind) }
        Self.establish(&definition, now: now)
        return definition
    }

    /// Takes the kinds and all objects of a deleted definition away.
    mutating func unregister(_ definition: JSONValue) {
        let names = definition.at("spec", "names", "plural")?.string ?? ""
        let key = ServedKind.storageKey(group: definition.at("spec", "group")?.string ?? "", plural: names)
        if let kind = kinds.stored.first(where: { $0.storageKey == key }) {
            for (name, _) in all(key, namespace: nil) { remove(kind, name) }
        }
        kinds.remove(definition: definition.metadata.name)
    }

    private static func fillNames(_ definition: inout JSONValue) {
        let kind = definition.at("spec", "names", "kind")?.string ?? ""
        definition.fill(["spec", "names", "singular"], .string(kind.lowercased()))
        definition.fill(["spec", "names", "listKind"], .string(kind + "List"))
        definition.fill(["spec", "conversion"], ["strategy": "None"])
    }

    private static func nameErrors(_ definition: JSONValue) -> [FieldError] {
        var errors: [FieldError] = []
        let spec = definition["spec"] ?? [:]
        let (plural, group) = (spec.at("names", "plural")?.string ?? "", spec["group"]?.string ?? "")
        for path in [["group"], ["names", "plural"], ["names", "kind"], ["scope"]] where spec.at(path)?.string?.isEmpty != false {
            errors.append(.required("spec.\(path.joined(separator: "."))"))
        }
        if errors.isEmpty, definition.metadata.name != "\(plural).\(group)" {
            errors.append(.invalid("metadata.name", .string(definition.metadata.name), "must be spec.names.plural+\".\"+spec.group"))
        }
        if let scope = spec["scope"], !["Namespaced", "Cluster"].contains(scope.string) {
            errors.append(.notSupported("spec.scope", scope, ["Cluster", "Namespaced"]))
        }
        if let strategy = spec.at("conversion", "strategy"), strategy != "None", strategy != "Webhook" {
            errors.append(.notSupported("spec.conversion.strategy", strategy, ["None", "Webhook"]))
        }
        if spec.at("conversion", "strategy") == "Webhook", spec.at("conversion", "webhook", "clientConfig")?.object == nil {
            errors.append(.required("spec.conversion.webhook.clientConfig", "required when strategy is set to Webhook"))
        }
        if group.hasSuffix(".k8s.io") || group.hasSuffix(".kubernetes.io"), definition.metadata.annotations["api-approved.kubernetes.io"] == nil {
            errors.append(
                .required("metadata.annotations[api-approved.kubernetes.io]", "protected groups must have approval annotation \"api-approved.kubernetes.io\""))
        }
        let versions = spec["versions"]?.array ?? []
        if versions.isEmpty { errors.append(.required("spec.versions")) }
        if !versions.isEmpty, versions.count(where: { $0["storage"] == true }) != 1 {
            errors.append(.invalid("spec.versions", .array(versions.map { $0["name"] ?? "" }), "must have exactly one version marked as storage version"))
        }
        return errors
    }

    private static func servedKinds(_ definition: JSONValue, _ errors: inout [FieldError]) -> [ServedKind] {
        var out: [ServedKind] = []
        for (index, version) in (definition.at("spec", "versions")?.array ?? []).enumerated() {
            let path = "spec.versions[\(index)]"
            guard let node = version.at("schema", "openAPIV3Schema") else {
                errors.append(.required("\(path).schema.openAPIV3Schema", "schemas are required"))
                continue
            }
            var reader = SchemaReader()
            let schema = reader.schema(node, path: "\(path).schema.openAPIV3Schema", isRoot: true)
            errors += reader.errors + columnErrors(version, path)
            if version["served"] == true { out.append(kind(definition, version, schema, node)) }
        }
        return out
    }

    private static func columnErrors(_ version: JSONValue, _ path: String) -> [FieldError] {
        var errors: [FieldError] = []
        let types = ["boolean", "date", "integer", "number", "string"]
        for (index, column) in (version["additionalPrinterColumns"]?.array ?? []).enumerated() {
            let place = "\(path).additionalPrinterColumns[\(index)]"
            if column["name"]?.string?.isEmpty != false { errors.append(.required("\(place).name")) }
            if !types.contains(column["type"]?.string ?? "") {
                errors.append(.invalid("\(place).type", column["type"] ?? nil, "must be one of \(types.joined(separator: ","))"))
            }
            let jsonPath = column["jsonPath"]?.string ?? ""
            if !jsonPath.hasPrefix(".") || JSONPath(jsonPath) == nil {
                errors.append(.invalid("\(place).jsonPath", .string(jsonPath), "must be a simple json path starting with ."))
            }
        }
        return errors
    }

    private static func kind(_ definition: JSONValue, _ version: JSONValue, _ schema: Schema, _ node: JSONValue) -> ServedKind {
        let (spec, names) = (definition["spec"] ?? [:], definition.at("spec", "names") ?? [:])
        let type = ResourceType(
            group: spec["group"]?.string ?? "", version: version["name"]?.string ?? "", kind: names["kind"]?.string ?? "",
            plural: names["plural"]?.string ?? "", isNamespaced: spec["scope"] == "Namespaced")
        var out = ServedKind(type, schema: schema)
        out.definition = definition.metadata.name
        out.storageVersion = (spec["versions"]?.array ?? []).first { $0["storage"] == true }?["name"]?.string
        if spec.at("conversion", "strategy") == "Webhook" { out.conversion = spec.at("conversion", "webhook", "clientConfig") }
        out.openAPI = node
        out.singular = names["singular"]?.string ?? out.singular
        out.listKind = names["listKind"]?.string ?? out.listKind
        out.shortNames = names["shortNames"]?.array?.compactMap(\.string) ?? []
        out.categories = names["categories"]?.array?.compactMap(\.string) ?? []
        out.hasStatus = version.at("subresources", "status") != nil
        out.generation = out.hasStatus ? .outsideStatus : .outsideMetadata
        if let scale = version.at("subresources", "scale") { out.scale = Self.scale(scale) }
        out.columns = (version["additionalPrinterColumns"]?.array ?? []).map(column)
        out.selectableFields = (version["selectableFields"]?.array ?? []).compactMap { $0["jsonPath"]?.string.map { String($0.drop { $0 == "." }) } }
        return out
    }

    private static func scale(_ scale: JSONValue) -> ServedKind.Scale {
        func path(_ key: String) -> [String]? { scale[key]?.string.map { $0.split(separator: ".").map(String.init) } }
        return ServedKind.Scale(
            specReplicas: path("specReplicasPath") ?? ["spec", "replicas"], statusReplicas: path("statusReplicasPath") ?? ["status", "replicas"],
            selector: path("labelSelectorPath"))
    }

    private static func column(_ column: JSONValue) -> ServedKind.Column {
        ServedKind.Column(
            name: column["name"]?.string ?? "", type: column["type"]?.string ?? "string", format: column["format"]?.string ?? "",
            description: column["description"]?.string ?? "", priority: column["priority"]?.int ?? 0, path: column["jsonPath"]?.string ?? "")
    }

    /// NamesAccepted and Established at once: there is no second controller here that takes time.
    private static func establish(_ definition: inout JSONValue, now: Timestamp) {
        let names = definition.at("spec", "names") ?? [:]
        var conditions = Conditions(decoding: definition.at("status", "conditions"))
        conditions.set(Condition("NamesAccepted", .true, reason: "NoConflicts", message: "no conflicts found"), now: now)
        conditions.set(Condition("Established", .true, reason: "InitialNamesAccepted", message: "the initial names have been accepted"), now: now)
        let storage = (definition.at("spec", "versions")?.array ?? []).first { $0["storage"] == true }?["name"] ?? ""
        var stored = definition.at("status", "storedVersions")?.array ?? []
        if !stored.contains(storage) { stored.append(storage) }
        definition["status"] = ["acceptedNames": names, "conditions": conditions.jsonValue, "storedVersions": .array(stored)]
    }
}
