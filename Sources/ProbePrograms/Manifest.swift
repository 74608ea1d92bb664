// The programs that Sonde has: the one list that loader, agent, command line and tests take them from.
// A program that is added in bpf/ gets a file in Programs/ and a place here.
// Never says what a kernel can do; the loader finds that out by trying.

extension ProbeProgram {
    /// Every program, in the order in which they are loaded.
    public static let all: [ProbeProgram] = [
        .sched,
        .schedFast,
        .iter,
        .tcp,
        .drops,
        .syscall,
        .syscallCounts,
        .files,
        .dns,
        .disk,
        .diskIssue,
        .process,
    ]
}
