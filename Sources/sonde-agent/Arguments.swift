// The agent's command line: the ways to start it, read by hand, since a parser library would outweigh the agent.
// SondeAgent starts with it.
// It never reads a file or the environment.

import SondeAPI

/// What the agent was asked to do.
enum Arguments: Equatable {
    case run(configuration: String)
    case check(configuration: String)
    /// Of the agent that runs here; a JSON document instead of a table when asked for.
    case status(port: Int, isJSON: Bool)
    case version
    case help

    /// A command line that cannot be understood.
    struct Failure: Error, Equatable {
        let message: String
    }

    static let usage = """
        usage: sonde-agent --config FILE     take kernel signals and send them as OTLP, until SIGTERM
               sonde-agent --check FILE      say what is wrong with a configuration file, and exit (0: nothing)
               sonde-agent status [--port N] [--output json]
                                             print what the agent that runs here says of itself (0: it answers, 1: it does not)
               sonde-agent --version

        FILE is YAML with kind AgentConfiguration. The smallest one:

          destination:
            endpoint: http://localhost:4318

        The file is watched: a change takes effect within seconds, and a broken one changes nothing but the log.
        NODE_NAME in the environment becomes k8s.node.name; STATUS_ADDRESS is where statusPort is bound (default 127.0.0.1, * for all),
        and where `status` asks.
        Loading programs takes CAP_BPF and CAP_PERFMON.
        """

    /// - Parameter words: the command line without the program's name. `--config=FILE` is understood too.
    init(_ words: [String]) throws(Failure) {
        var rest = words.flatMap { word -> [String] in
            guard word.hasPrefix("--"), let equals = word.firstIndex(of: "=") else { return [word] }
            return [String(word[..<equals]), String(word[word.index(after: equals)...])]
        }[...]
        guard let first = rest.popFirst() else { throw Failure(message: "say which configuration to use: --config FILE") }
        switch first {
        case "--version": self = .version
        case "--help", "-h": self = .help
        case "--config", "--check":
            guard let file = rest.popFirst(), !file.isEmpty else { throw Failure(message: "\(first) needs the name of a file") }
            self = first == "--config" ? .run(configuration: file) : .check(configuration: file)
        case "status":
            self = try Self.status(&rest)
        default: throw Failure(message: "unknown argument \(first)")
        }
        if let extra = rest.first { throw Failure(message: "unexpected argument \(extra)") }
    }

    private static func status(_ rest: inout ArraySlice<String>) throws(Failure) -> Arguments {
        var (port, isJSON) = (AgentStatus.portDefault, false)
        while let flag = rest.first, flag == "--port" || flag == "--output" {
            let value = rest.dropFirst().first ?? ""
            rest = rest.dropFirst(2)
            if flag == "--port" {
                guard let number = Int(value), (1...65_535).contains(number) else { throw Failure(message: "--port needs a port from 1 to 65535") }
                port = number
            } else {
                guard value == "json" || value == "text" else { throw Failure(message: "--output is json or text") }
                isJSON = value == "json"
            }
        }
        return .status(port: port, isJSON: isJSON)
    }
}
