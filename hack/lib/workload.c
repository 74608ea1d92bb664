// workload KIND SECONDS [RATE]: one kind of work, over and over, for hack/bench.
// Without RATE: as fast as it goes, in chunks; prints the least and the median time of one operation over all chunks, in nanoseconds.
// With RATE (operations a second): at that pace; prints how many were done. Everything stays in this process group, on loopback and in a temporary folder.
//
//   switches   a byte goes to another process and back on one CPU: two context switches, two wakeups
//   sockets    64 bytes from one end of a TCP connection to the other: a send and a receive
//   connects   a TCP connection on loopback, accepted and closed
//   losses     a datagram to a port of loopback where nobody listens: the kernel drops it
//   lookups    a DNS query and its answer over UDP on port 53 of loopback: two sends, two receives, one lookup
//   syscalls   one byte read from /dev/zero
//   others     getppid, which no program counts
//   files      a file opened, read, written and closed
//   blocks     4 KiB written past the page cache
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void need(int holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "workload: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void stay_on(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    need(!sched_setaffinity(0, sizeof set, &set), "affinity");
}

// --- switches

static int there[2], back[2];

static void begin_switches(void) {
    need(!pipe(there) && !pipe(back), "pipe");
    if (fork()) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (char byte; read(there[0], &byte, 1) == 1;) need(write(back[1], &byte, 1) == 1, "echo");
    exit(0);
}

static void switches(void) {
    char byte = 1;
    need(write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1, "ping");
}

// --- sockets and connects

static int listener, near_end, far_end;
static struct sockaddr_in address;

static int connected(void) {
    int end = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    // Ends without TIME_WAIT, or the ports would run out.
    struct linger abort = {1, 0};
    need(end >= 0 && !setsockopt(end, SOL_SOCKET, SO_LINGER, &abort, sizeof abort), "socket");
    need(!connect(end, (struct sockaddr *)&address, sizeof address), "connect");
    setsockopt(end, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return end;
}

static void begin_connects(void) {
    socklen_t length = sizeof address;
    listener = socket(AF_INET, SOCK_STREAM, 0);
    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    need(!bind(listener, (struct sockaddr *)&address, sizeof address) && !listen(listener, 16), "listen");
    getsockname(listener, (struct sockaddr *)&address, &length);
}

static void connects(void) {
    int near = connected(), far = accept(listener, 0, 0);
    need(far >= 0, "accept");
    close(near);
    close(far);
}

static void begin_sockets(void) {
    begin_connects();
    near_end = connected();
    far_end = accept(listener, 0, 0);
}

static void sockets(void) {
    char bytes[64] = {1};
    need(send(near_end, bytes, sizeof bytes, 0) == sizeof bytes && recv(far_end, bytes, sizeof bytes, 0) == sizeof bytes, "64 bytes");
}

// --- losses

static int sender;

static void begin_losses(void) {
    socklen_t length = sizeof address;
    int held = socket(AF_INET, SOCK_DGRAM, 0);
    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    need(!bind(held, (struct sockaddr *)&address, sizeof address), "a free port");
    getsockname(held, (struct sockaddr *)&address, &length);
    close(held);
    sender = socket(AF_INET, SOCK_DGRAM, 0);
}

static void losses(void) { need(sendto(sender, "lost", 4, 0, (struct sockaddr *)&address, sizeof address) == 4, "a datagram"); }

// --- lookups

static int resolver, server;

static void begin_lookups(void) {
    // Not the address of the host's own resolver.
    struct sockaddr_in name_server = {.sin_family = AF_INET, .sin_port = htons(53), .sin_addr.s_addr = htonl(0x7f2a0135)};
    resolver = socket(AF_INET, SOCK_DGRAM, 0);
    server = socket(AF_INET, SOCK_DGRAM, 0);
    need(!bind(server, (struct sockaddr *)&name_server, sizeof name_server), "port 53 of 127.42.1.53");
    need(!connect(resolver, (struct sockaddr *)&name_server, sizeof name_server), "UDP connect");
}

static void lookups(void) {
    static uint16_t id;
    // www.example.com, A, IN (RFC 1035, 4.1).
    static const char question[] = "\3www\7example\3com\0\0\1\0\1";
    unsigned char message[12 + sizeof question - 1] = {0, 0, 1, 0, 0, 1};
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    id++;
    message[0] = id >> 8;
    message[1] = (unsigned char)id;
    memcpy(message + 12, question, sizeof question - 1);
    need(send(resolver, message, sizeof message, 0) > 0, "query");
    need(recvfrom(server, message, sizeof message, 0, (struct sockaddr *)&from, &length) > 0, "query's receipt");
    message[2] |= 0x80;
    need(sendto(server, message, sizeof message, 0, (struct sockaddr *)&from, length) > 0, "answer");
    need(recv(resolver, message, sizeof message, 0) > 0, "answer's receipt");
}

// --- system calls and files

static int zeros;
static char path[] = "/tmp/sonde-workload.XXXXXX"; // The other one is as long or shorter.

static void begin_syscalls(void) { need((zeros = open("/dev/zero", O_RDONLY)) >= 0, "/dev/zero"); }
static void syscalls(void) {
    char byte;
    need(read(zeros, &byte, 1) == 1, "read");
}

static void others(void) { syscall(SYS_getppid); }

static void remove_file(void) { unlink(path); }
static void begin_files(void) {
    need((zeros = mkstemp(path)) >= 0, "a temporary file");
    atexit(remove_file);
}
static void files(void) {
    char bytes[16] = {1};
    int file = open(path, O_RDWR);
    need(pwrite(file, bytes, sizeof bytes, 0) == sizeof bytes && pread(file, bytes, sizeof bytes, 0) == sizeof bytes, "16 bytes");
    close(file);
}

static char *block;

static void begin_blocks(void) {
    // Not a file system in memory, which has no blocks.
    strcpy(path, "/var/tmp/sonde-work.XXXXXX");
    begin_files();
    close(zeros);
    need((zeros = open(path, O_RDWR | O_DIRECT)) >= 0, "O_DIRECT");
    need(!posix_memalign((void **)&block, 4096, 4096), "memory");
    memset(block, 1, 4096);
}
static void blocks(void) { need(pwrite(zeros, block, 4096, 0) == 4096, "4 KiB"); }

// --- measuring

static int by_time(const void *left, const void *right) {
    double difference = *(const double *)left - *(const double *)right;
    return (difference > 0) - (difference < 0);
}

// Some milliseconds a chunk: the least of many is what the work takes when nothing disturbs it.
static void at_full_speed(void (*operation)(void), double seconds) {
    enum { CHUNKS_MAX = 100000 };
    static double chunks[CHUNKS_MAX];
    uint64_t end = now_ns() + (uint64_t)(seconds * 1e9), began = now_ns();
    int count = 0, repeats = 1;
    for (; now_ns() - began < 2000000; repeats *= 2)
        for (int index = 0; index < repeats; index++) operation();
    while (now_ns() < end && count < CHUNKS_MAX) {
        uint64_t start = now_ns();
        for (int index = 0; index < repeats; index++) operation();
        chunks[count++] = (double)(now_ns() - start) / repeats;
    }
    need(count > 0, "no chunk");
    qsort(chunks, count, sizeof *chunks, by_time);
    printf("%.1f %.1f %d\n", chunks[0], chunks[count / 2], count * repeats);
}

static void at_a_pace(void (*operation)(void), double seconds, double rate) {
    uint64_t began = now_ns(), done = 0, tick = 1000000;
    for (uint64_t next = began + tick; next - began < (uint64_t)(seconds * 1e9); next += tick) {
        for (uint64_t due = (uint64_t)((double)(next - began) * rate / 1e9); done < due; done++) operation();
        struct timespec until = {.tv_sec = (time_t)(next / 1000000000), .tv_nsec = (long)(next % 1000000000)};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, 0);
    }
    printf("%llu\n", (unsigned long long)done);
}

static const struct {
    const char *name;
    void (*begin)(void), (*operation)(void);
} kinds[] = {
    {"switches", begin_switches, switches}, {"sockets", begin_sockets, sockets}, {"connects", begin_connects, connects}, {"lookups", begin_lookups, lookups},
    {"losses", begin_losses, losses},     {"syscalls", begin_syscalls, syscalls}, {"others", 0, others}, {"files", begin_files, files},
    {"blocks", begin_blocks, blocks},
};

int main(int count, char **arguments) {
    if (count != 3 && count != 4) {
        fprintf(stderr, "workload KIND SECONDS [RATE]\n");
        return 2;
    }
    for (size_t index = 0; index < sizeof kinds / sizeof *kinds; index++) {
        if (strcmp(kinds[index].name, arguments[1])) continue;
        stay_on((int)sysconf(_SC_NPROCESSORS_ONLN) - 1);
        if (kinds[index].begin) kinds[index].begin();
        if (count == 4) at_a_pace(kinds[index].operation, atof(arguments[2]), atof(arguments[3]));
        else at_full_speed(kinds[index].operation, atof(arguments[2]));
        return 0;
    }
    fprintf(stderr, "workload: there is no kind %s\n", arguments[1]);
    return 2;
}
