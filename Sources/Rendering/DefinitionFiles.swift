// The custom resource definitions as the files of crds/: names and text.
// `sonde generate crds` writes them, and a test compares them with what is committed.
// It never writes a file.

import SondeAPI
import YAML

/// The files of `crds/`.
public enum DefinitionFiles {
    /// File names with their text, which says where it comes from.
    public static var all: [(name: String, text: String)] {
        CustomResourceDefinitions.all.map {
            ($0.fileName, "# Made by hack/gen-crds from the schemas in Sources/SondeAPI; edit those.\n" + YAML.text($0.object))
        }
    }
}
