// ledger WORK ARGUMENT...: known amounts of one kind of work, for hack/ledger, which runs it in cgroups that look like containers.
// Linked statically, so that starting it opens no file. When the work is done it stops itself and waits to be killed: whoever counts its
// context switches then has a moment at which nothing happens.
//
//   wander PREFIX FIRST COUNT TIMES   goes through the cgroups PREFIX + N (the container of the pod with that number) and sleeps TIMES in each
//   calls COUNT                       getpgid, which nothing else on a machine calls
//   connects OPEN REFUSED             connections that this process makes to itself, and such to ports where nobody listens, each to another port
//   dns PORT COUNT                    queries in one burst, which nobody reads
//   lookups PORT COUNT                queries that this process answers itself: three messages that count each
//   execs COUNT                       one program after the other in this process
//   files FOLDER COUNT                files made with two writes of four bytes, every 50th synced
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void need(int holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "ledger: %s: %s\n", what, strerror(errno));
    exit(1);
}

static struct sockaddr_in loopback(int port) {
    return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = { htonl(INADDR_LOOPBACK) } };
}

static void wander(const char *root, long first, long count, long times) {
    char path[512], pid[16];
    snprintf(pid, sizeof pid, "%d", getpid());
    for (long number = first; number < first + count; number++) {
        snprintf(path, sizeof path, "%s/pod00000000-0000-4000-8000-%012lx/%064lx/cgroup.procs", root, number, number);
        int procs = open(path, O_WRONLY);
        need(procs >= 0 && write(procs, pid, strlen(pid)) > 0, path);
        close(procs);
        for (long time = 0; time < times; time++) nanosleep(&(struct timespec){ .tv_nsec = 100000 }, 0);
    }
}

static void connects(long open_count, long refused_count) {
    struct sockaddr_in address = loopback(0);
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    long refused = 0, opened = 0;
    need(!bind(listener, (void *)&address, length) && !listen(listener, 16) && !getsockname(listener, (void *)&address, &length), "listen");
    for (; opened < open_count; opened++) {
        int client = socket(AF_INET, SOCK_STREAM, 0);
        need(!connect(client, (void *)&address, length), "connect");
        int server = accept(listener, 0, 0);
        need(server >= 0, "accept");
        close(client);
        close(server);
    }
    // Ports of this range that somebody uses are passed over before they are asked.
    for (int port = 20000; refused < refused_count && port < 30000; port++) {
        struct sockaddr_in closed = loopback(port);
        int probe = socket(AF_INET, SOCK_STREAM, 0);
        int is_free = !bind(probe, (void *)&closed, sizeof closed);
        close(probe);
        if (!is_free) continue;
        int client = socket(AF_INET, SOCK_STREAM, 0);
        need(connect(client, (void *)&closed, sizeof closed) < 0 && errno == ECONNREFUSED, "a connect that must be refused");
        close(client);
        refused++;
    }
    need(refused == refused_count, "too few free ports");
    close(listener);
}

static int query(uint8_t *message, long number) {
    uint8_t header[12] = { number >> 8, number, 1, 0, 0, 1 };
    int length = sizeof header, label = snprintf((char *)message + 13, 16, "n%ld", number % 500);
    memcpy(message, header, length);
    message[12] = label;
    length += 1 + label;
    memcpy(message + length, "\6ledger\4test\0\0\1\0\1", 17);
    return length + 17;
}

static int bound(int port, struct sockaddr_in *address) {
    int on = 1, server = socket(AF_INET, SOCK_DGRAM, 0);
    *address = loopback(port);
    setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    need(!bind(server, (void *)address, sizeof *address), "bind");
    return server;
}

static void dns(int port, long count) {
    struct sockaddr_in address;
    uint8_t message[64];
    int server = bound(port, &address), client = socket(AF_INET, SOCK_DGRAM, 0);
    for (long number = 0; number < count; number++) {
        int length = query(message, number);
        need(sendto(client, message, length, 0, (void *)&address, sizeof address) == length, "sendto");
    }
    close(server);
    close(client);
}

static void lookups(int port, long count) {
    struct sockaddr_in address, peer;
    uint8_t message[512];
    int server = bound(port, &address);
    for (long number = 0; number < count; number++) {
        socklen_t size = sizeof peer;
        int client = socket(AF_INET, SOCK_DGRAM, 0), length = query(message, number);
        need(sendto(client, message, length, 0, (void *)&address, sizeof address) == length, "ask");
        need(recvfrom(server, message, sizeof message, 0, (void *)&peer, &size) == length, "be asked");
        message[2] |= 0x80;
        need(sendto(server, message, length, 0, (void *)&peer, size) == length, "answer");
        need(recv(client, message, sizeof message, 0) == length, "be answered");
        close(client);
        // Less than the ring takes: what is lost here is no part of this work.
        if (number % 20 == 19) nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, 0);
    }
    close(server);
}

static void execs(char **arguments, long count) {
    char left[24];
    if (count <= 0) return;
    snprintf(left, sizeof left, "%ld", count - 1);
    execv("/proc/self/exe", (char *[]){ arguments[0], arguments[1], left, 0 });
    need(0, "exec");
}

static void files(const char *folder, long count) {
    char path[512];
    for (long number = 0; number < count; number++) {
        snprintf(path, sizeof path, "%s/f%ld", folder, number);
        int file = open(path, O_CREAT | O_WRONLY | O_EXCL, 0600);
        need(file >= 0 && write(file, "once", 4) == 4 && write(file, "more", 4) == 4, path);
        if (number % 50 == 0) need(!fsync(file), "fsync");
        close(file);
    }
}

int main(int count, char **arguments) {
    const char *work = count > 2 ? arguments[1] : "";
    long numbers[4] = { 0 };
    for (int index = 2; index < count && index < 6; index++) numbers[index - 2] = strtol(arguments[index], 0, 10);
    if (!strcmp(work, "wander")) wander(arguments[2], numbers[1], numbers[2], numbers[3]);
    else if (!strcmp(work, "calls")) for (long left = numbers[0]; left > 0; left--) syscall(SYS_getpgid, 0);
    else if (!strcmp(work, "connects")) connects(numbers[0], numbers[1]);
    else if (!strcmp(work, "dns")) dns(numbers[0], numbers[1]);
    else if (!strcmp(work, "lookups")) lookups(numbers[0], numbers[1]);
    else if (!strcmp(work, "execs")) execs(arguments, numbers[0]);
    else if (!strcmp(work, "files")) files(arguments[2], numbers[1]);
    else {
        fprintf(stderr, "ledger: no work is called %s\n", work);
        return 2;
    }
    raise(SIGSTOP);
    return 0;
}
