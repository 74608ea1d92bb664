// relocate BTF OBJECT...: lets libbpf move the objects' accesses to the types of another kernel, and says which of them find nothing there.
// hack/kernels --arch runs it with types of kernels that this machine cannot boot. Nothing is loaded: only maps are made, for a moment, so it takes root.
// For each program one line: object, program, relocations, how many found nothing, and how many of those a run could reach; then a line for each of these.
// An access that no run reaches is right: programs ask whether a field exists before they read it. Exit status 1 when libbpf refused an object.
// Link with -lbpf.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RELOCATIONS = 1024, SPEC = 256, REGISTERS = 11 };

// What libbpf puts in the place of an instruction that cannot be moved: the call of a function that there is not.
#define BAD_RELOCATION 195896080

struct poisoned {
    char program[64];
    int instruction;
    char spec[SPEC];
};

static struct poisoned poisons[RELOCATIONS];
static int poison_count;
static struct {
    char program[64];
    int count;
} relocations[64];
static int relocation_programs;
static char spec[SPEC];
static char problem[1024];
static const char *object_name;
static struct bpf_object *object;
static bool is_reported;

// --- What libbpf says

static int *relocations_of(const char *program) {
    for (int index = 0; index < relocation_programs; index++)
        if (!strcmp(relocations[index].program, program)) return &relocations[index].count;
    if (relocation_programs == 64) return NULL;
    snprintf(relocations[relocation_programs].program, sizeof(relocations[0].program), "%s", program);
    return &relocations[relocation_programs++].count;
}

static void listen_to(const char *line) {
    char program[64] = "";
    int number, instruction, begin = 0, *count;
    const char *relocation = strstr(line, ": relo #"), *text;

    if (!relocation || sscanf(line, "libbpf: prog '%63[^']'", program) != 1) return;
    // "relo #3: <byte_off> [8] struct task_struct.pid (0:4 @ offset 24)" is what the program asks for; candidates have other words in front.
    if (sscanf(relocation, ": relo #%d: <%n", &number, &begin) == 1 && begin && (text = strstr(relocation, "> [")) && (text = strchr(text, ']'))) {
        snprintf(spec, sizeof(spec), "%s", text + (text[1] == ' ' ? 2 : 1));
        spec[strcspn(spec, "\n")] = 0;
        if ((count = relocations_of(program))) ++*count;
    } else if (sscanf(relocation, ": relo #%d: substituting insn #%d w/ invalid insn", &number, &instruction) == 2 && poison_count < RELOCATIONS) {
        struct poisoned *poison = &poisons[poison_count++];
        snprintf(poison->program, sizeof(poison->program), "%s", program);
        snprintf(poison->spec, sizeof(poison->spec), "%s", spec);
        poison->instruction = instruction;
    }
}

static int hear(enum libbpf_print_level level, const char *format, va_list arguments) {
    char line[2048];
    vsnprintf(line, sizeof(line), format, arguments);
    if (level == LIBBPF_DEBUG) listen_to(line);
    else if (level == LIBBPF_WARN && !is_reported) snprintf(problem, sizeof(problem), "%s", line);
    return 0;
}

// --- Which instructions a run can reach

// Registers of which it is known what they hold: a question for a field that is not there is an instruction that loads 0.
struct knowledge {
    bool is_reached;
    bool is_known[REGISTERS];
    unsigned long long value[REGISTERS];
};

// Keeps what both ways know; tells whether that is new.
static bool meet(struct knowledge *here, const struct knowledge *coming) {
    bool changed = false;
    if (!here->is_reached) {
        *here = *coming;
        here->is_reached = true;
        return true;
    }
    for (int index = 0; index < REGISTERS; index++)
        if (here->is_known[index] && !(coming->is_known[index] && coming->value[index] == here->value[index])) {
            here->is_known[index] = false;
            changed = true;
        }
    return changed;
}

static void compute(struct knowledge *now, const struct bpf_insn *insn) {
    bool is_wide = BPF_CLASS(insn->code) == BPF_ALU64, is_known = true;
    unsigned long long left = now->value[insn->dst_reg], right = (unsigned long long)(long long)insn->imm, result = 0;

    if (BPF_SRC(insn->code) == BPF_X) {
        is_known = now->is_known[insn->src_reg];
        right = now->value[insn->src_reg];
    }
    if (BPF_OP(insn->code) != BPF_MOV) is_known = is_known && now->is_known[insn->dst_reg];
    switch (BPF_OP(insn->code)) {
    case BPF_MOV: result = right; break;
    case BPF_ADD: result = left + right; break;
    case BPF_SUB: result = left - right; break;
    case BPF_AND: result = left & right; break;
    case BPF_OR: result = left | right; break;
    case BPF_XOR: result = left ^ right; break;
    case BPF_LSH: result = left << (right & (is_wide ? 63 : 31)); break;
    case BPF_RSH: result = (is_wide ? left : (unsigned)left) >> (right & (is_wide ? 63 : 31)); break;
    default: is_known = false;
    }
    now->is_known[insn->dst_reg] = is_known;
    now->value[insn->dst_reg] = is_wide ? result : (unsigned)result;
}

// 1 taken, 0 not taken, -1 nobody knows.
static int is_taken(const struct knowledge *now, const struct bpf_insn *insn) {
    bool is_wide = BPF_CLASS(insn->code) == BPF_JMP, is_known = now->is_known[insn->dst_reg];
    unsigned long long left = now->value[insn->dst_reg], right = (unsigned long long)(long long)insn->imm;

    if (BPF_SRC(insn->code) == BPF_X) {
        is_known = is_known && now->is_known[insn->src_reg];
        right = now->value[insn->src_reg];
    }
    if (!is_known) return -1;
    if (!is_wide) left = (unsigned)left, right = (unsigned)right;
    switch (BPF_OP(insn->code)) {
    case BPF_JEQ: return left == right;
    case BPF_JNE: return left != right;
    case BPF_JSET: return (left & right) != 0;
    case BPF_JGT: return left > right;
    case BPF_JGE: return left >= right;
    case BPF_JLT: return left < right;
    case BPF_JLE: return left <= right;
    default: return -1;
    }
}

// Follows every way through a program until nothing new is known; gives what is known before each instruction.
static struct knowledge *follow(const struct bpf_insn *code, int count) {
    struct knowledge *all = calloc(count, sizeof(*all)), start = {0};
    int *waiting = calloc((size_t)count * (REGISTERS + 2) * 2, sizeof(*waiting)), waits = 0;

    if (!all || !waiting) exit(2);
    meet(&all[0], &start);
    waiting[waits++] = 0;
    while (waits) {
        int place = waiting[--waits], next[2] = {place + 1, -1};
        const struct bpf_insn *insn = &code[place];
        struct knowledge now = all[place];

        switch (BPF_CLASS(insn->code)) {
        case BPF_ALU:
        case BPF_ALU64: compute(&now, insn); break;
        case BPF_LD:
            // Two instructions hold a 64-bit number, or name a map.
            now.is_known[insn->dst_reg] = insn->code == (BPF_LD | BPF_IMM | BPF_DW) && insn->src_reg == 0;
            if (insn->code == (BPF_LD | BPF_IMM | BPF_DW) && place + 1 < count) {
                now.value[insn->dst_reg] = (unsigned)insn->imm | (unsigned long long)(unsigned)code[place + 1].imm << 32;
                next[0] = place + 2;
            }
            break;
        case BPF_LDX: now.is_known[insn->dst_reg] = false; break;
        case BPF_STX:
            if (BPF_MODE(insn->code) == BPF_ATOMIC) now.is_known[insn->src_reg] = now.is_known[0] = false;
            break;
        case BPF_JMP:
        case BPF_JMP32:
            if (BPF_OP(insn->code) == BPF_EXIT) {
                next[0] = -1;
            } else if (BPF_OP(insn->code) == BPF_CALL) {
                for (int index = 0; index < 6; index++) now.is_known[index] = false;
                if (insn->src_reg == BPF_PSEUDO_CALL) next[1] = place + 1 + insn->imm;
            } else if (BPF_OP(insn->code) == BPF_JA) {
                next[0] = place + 1 + insn->off;
            } else {
                int taken = is_taken(&now, insn);
                if (taken != 0) next[1] = place + 1 + insn->off;
                if (taken == 1) next[0] = -1;
            }
            break;
        }
        for (int index = 0; index < 2; index++)
            if (next[index] >= 0 && next[index] < count && meet(&all[next[index]], &now)) waiting[waits++] = next[index];
    }
    free(waiting);
    return all;
}

// --- Reports

static void report(struct bpf_program *program) {
    const struct bpf_insn *code = bpf_program__insns(program);
    const char *name = bpf_program__name(program);
    int count = (int)bpf_program__insn_cnt(program), poisoned = 0, reached = 0, *moved = relocations_of(name);
    struct knowledge *all = follow(code, count);

    for (int place = 0; place < count; place++)
        if (code[place].code == (BPF_JMP | BPF_CALL) && code[place].imm == BAD_RELOCATION) {
            poisoned++;
            reached += all[place].is_reached;
        }
    printf("program %s %s %d %d %d\n", object_name, name, moved ? *moved : 0, poisoned, reached);
    for (int index = 0; index < poison_count; index++) {
        int place = poisons[index].instruction;
        if (!strcmp(poisons[index].program, name) && place < count && code[place].imm == BAD_RELOCATION)
            printf("%s %s\n", all[place].is_reached ? "reached" : "guarded", poisons[index].spec);
    }
    free(all);
}

// libbpf asks before it loads the first program: all are moved by then, and none is to be loaded.
static int stop(struct bpf_program *program, struct bpf_prog_load_opts *options, long cookie) {
    struct bpf_program *each;
    (void)program, (void)options, (void)cookie;
    if (!is_reported) bpf_object__for_each_program(each, object) report(each);
    is_reported = true;
    return -ECANCELED;
}

static bool relocate(const char *types, const char *path) {
    LIBBPF_OPTS(bpf_object_open_opts, options, .btf_custom_path = types);

    object_name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    poison_count = relocation_programs = 0;
    problem[0] = 0;
    is_reported = false;
    memset(relocations, 0, sizeof(relocations));
    object = bpf_object__open_file(path, &options);
    if (object) bpf_object__load(object);
    if (!is_reported) printf("refused %s %s\n", object_name, problem[0] ? strtok(problem, "\n") : strerror(errno));
    bpf_object__close(object);
    return is_reported;
}

int main(int count, char **arguments) {
    LIBBPF_OPTS(libbpf_prog_handler_opts, handler, .prog_prepare_load_fn = stop);
    bool is_good = count > 2;

    if (!is_good) fputs("relocate: BTF OBJECT...\n", stderr);
    libbpf_set_print(hear);
    libbpf_register_prog_handler("tp_btf+", BPF_PROG_TYPE_RAW_TRACEPOINT, 0, &handler);
    libbpf_register_prog_handler("raw_tp+", BPF_PROG_TYPE_RAW_TRACEPOINT, 0, &handler);
    libbpf_register_prog_handler("syscall", BPF_PROG_TYPE_SYSCALL, 0, &handler);
    for (int index = 2; index < count; index++) is_good = relocate(arguments[1], arguments[index]) && is_good;
    return is_good ? 0 : 1;
}
