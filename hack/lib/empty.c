// empty TRACEPOINT...: attaches a program that does nothing to each tracepoint, says `attached`, and stays until it is ended.
// hack/bench learns with it what a hook costs before a program does anything. Link with -lbpf.
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int count, char **names) {
    // r0 = 0; exit
    const struct bpf_insn nothing[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K}, {.code = BPF_JMP | BPF_EXIT}};
    int program = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "empty", "GPL", nothing, 2, 0);
    if (program < 0) {
        fprintf(stderr, "empty: %s\n", strerror(-program));
        return 1;
    }
    for (int index = 1; index < count; index++) {
        int link = bpf_raw_tracepoint_open(names[index], program);
        if (link >= 0) continue;
        fprintf(stderr, "empty: %s: %s\n", names[index], strerror(-link));
        return 1;
    }
    puts("attached");
    fflush(stdout);
    pause();
    return 0;
}
