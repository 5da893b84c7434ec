/* Put in front of the system's library: writes at an offset (the database's) and syncs fail while the file named by FAULT_SWITCH says so:
   `full`, `sync`, or `main`, which are the syncs of the database's main file, not of its write-ahead log. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fault(const char *kind) {
    const char *name = getenv("FAULT_SWITCH");
    char text[8] = {0};
    int file = name ? open(name, O_RDONLY) : -1;
    if (file < 0) return 0;
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    return length > 0 && strncmp(text, kind, strlen(kind)) == 0;
}

/* Whether the file's name has this in it, or at its end. */
static int named(int file, const char *part, int at_end) {
    char link[32], name[4096] = {0};
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    if (readlink(link, name, sizeof name - 1) < 0) return 0;
    const char *found = strstr(name, part);
    return found && (!at_end || !found[strlen(part)]);
}

static int sync_fails(int file) {
    return fault("sync") || (named(file, ".db", 1) && fault("main"));
}

ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t at) {
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    if (fault("full")) return errno = ENOSPC, -1;
    if (!real) real = dlsym(RTLD_NEXT, "pwrite64");
    return real(file, bytes, length, at);
}

/* Of what is written without an offset only the witness file has no room. */
ssize_t write(int file, const void *bytes, size_t length) {
    static ssize_t (*real)(int, const void *, size_t);
    if (named(file, ".head", 0) && fault("full")) return errno = ENOSPC, -1;
    if (!real) real = dlsym(RTLD_NEXT, "write");
    return real(file, bytes, length);
}

ssize_t pwrite(int file, const void *bytes, size_t length, off_t at) {
    return pwrite64(file, bytes, length, at);
}

int fdatasync(int file) {
    static int (*real)(int);
    if (sync_fails(file)) return errno = EIO, -1;
    if (!real) real = dlsym(RTLD_NEXT, "fdatasync");
    return real(file);
}

int fsync(int file) {
    static int (*real)(int);
    if (sync_fails(file)) return errno = EIO, -1;
    if (!real) real = dlsym(RTLD_NEXT, "fsync");
    return real(file);
}
