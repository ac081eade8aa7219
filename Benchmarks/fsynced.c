// Preloaded before the C library: writes down what a server has made durable, for durability.py, which throws away the
// rest as a power cut would. A SIGKILL alone keeps all that was written, flushed or not, and so proves nothing.
//
// BENCH_FSYNCED names a log. In it, for the database file and its write-ahead log: each write with its bytes, each cut,
// and where each flush began and that it came back. BENCH_NO_FSYNC=1 makes flushes do nothing, for comparison.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int record = -1, skips;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("BENCH_FSYNCED");
    if (path) record = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    skips = getenv("BENCH_NO_FSYNC") != NULL;
}

// One entry: kind, length of the file's name, place, count, then the name and the bytes.
static void note(char kind, int file, int64_t place, const void *bytes, int64_t count) {
    if (record < 0) return;
    char link[64], name[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, name, sizeof name);
    if (length < 4) return;
    int isOurs = memcmp(name + length - 3, ".db", 3) == 0 || memcmp(name + length - 4, "-wal", 4) == 0;
    if (!isOurs) return;
    int64_t head[4] = {kind, length, place, count};
    struct iovec parts[3] = {{head, sizeof head}, {name, (size_t)length}, {(void *)bytes, bytes ? (size_t)count : 0}};
    pthread_mutex_lock(&lock);
    // A regular file takes all of it, or the disk is full and the run is worth nothing.
    if (writev(record, parts, 3) != (ssize_t)(parts[0].iov_len + parts[1].iov_len + parts[2].iov_len)) abort();
    pthread_mutex_unlock(&lock);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t place) {
    static __typeof__(&pwrite64) real;
    if (!real) real = REAL(pwrite64);
    ssize_t written = real(file, bytes, count, place);
    if (written > 0) note('W', file, place, bytes, written);
    return written;
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t place) { return pwrite64(file, bytes, count, place); }

int ftruncate64(int file, off64_t length) {
    static __typeof__(&ftruncate64) real;
    if (!real) real = REAL(ftruncate64);
    int result = real(file, length);
    if (result == 0) note('T', file, length, NULL, 0);
    return result;
}

int ftruncate(int file, off_t length) { return ftruncate64(file, length); }

static int flush(int file, int (*real)(int)) {
    if (skips) return 0;
    note('B', file, 0, NULL, 0);
    int result = real(file);
    if (result == 0) note('S', file, 0, NULL, 0);
    return result;
}

int fdatasync(int file) {
    static int (*real)(int);
    if (!real) real = REAL(fdatasync);
    return flush(file, real);
}

int fsync(int file) {
    static int (*real)(int);
    if (!real) real = REAL(fsync);
    return flush(file, real);
}
