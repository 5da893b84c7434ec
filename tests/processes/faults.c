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

static int is_main(int file) {
    char link[32], name[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, name, sizeof name);
    return length > 3 && memcmp(name + length - 3, ".db", 3) == 0;
}

static int sync_fails(int file) {
    return fault("sync") || (is_main(file) && fault("main"));
}

ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t at) {
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    if (fault("full")) return errno = ENOSPC, -1;
    if (!real) real = dlsym(RTLD_NEXT, "pwrite64");
    return real(file, bytes, length, at);
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
