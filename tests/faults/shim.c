/* Stands between a program and the system's file calls, by LD_PRELOAD.
 *
 * It looks only at what is under SHIM_ROOT, and at the directory above it when that is synced. Each such
 * call is counted, and written to SHIM_LOG as a line once it is done:
 *
 *     number  owner  call  path  errno  detail
 *
 * with tabs between. The owner is `venue` for what is in SHIM_ROOT/venue, which a simulated venue
 * writes, `index` for the index of callers' ids, whose calls are others in every run, and `host` for
 * everything else; each is counted on its own. With SHIM_DATA=1 the detail of a write is where it begins
 * and all of its bytes, and what is written to standard output is logged too, as the owner `told`.
 *
 * SHIM_AT=N and SHIM_OWNER say which call is hit, SHIM_FAULT how: `kill` and `stop` raise that signal
 * before the call, `torn` is a kill in the middle of a write, `short` a write of half the bytes, `EIO`,
 * `ENOSPC` and `EINTR` are what the call fails with, and `gone` an EIO of this call and of all that follow.
 * With SHIM_PATH only calls on that path are counted for SHIM_AT. Of a write that fails with EIO half was done. `lie` is a write that is said to be done and is not: what
 * no host can be expected to bear, for the tests of the tests.
 *
 * `limit` lets no file grow beyond SHIM_FILE_SIZE from the call on; not before, for the host's copy of a
 * plugin is a file too.
 *
 * Syncs are counted and not made: nothing here loses power, and what a crash leaves of what was not synced
 * is built from the log. What calls the system without the C library is not seen: the rename with which the
 * index puts its list of files in place. */

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum owner { HOST, VENUE, INDEX, NOBODY };

#define FILES 1024
#define LINE 512

static const char *const owners[] = {"host", "venue", "index", "told"};
static char root[LINE], above[LINE];
static size_t root_length;
static int log_fd = -1, with_data;
static long at, counts[3], matching;
static const char *only;
static enum owner hit = NOBODY;
static char fault[16];
static int fault_errno;
static char *names[FILES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int errno_of(const char *name) {
    if (strcmp(name, "EIO") == 0 || strcmp(name, "gone") == 0)
        return EIO;
    return strcmp(name, "ENOSPC") == 0 ? ENOSPC : strcmp(name, "EINTR") == 0 ? EINTR : 0;
}

__attribute__((constructor)) static void begin(void) {
    const char *value = getenv("SHIM_ROOT");
    if (value == NULL || strlen(value) >= LINE)
        return;
    strcpy(root, value);
    strcpy(above, value);
    root_length = strlen(root);
    *strrchr(above, '/') = 0;
    if ((value = getenv("SHIM_LOG")) != NULL)
        log_fd = (int)syscall(SYS_openat, AT_FDCWD, value, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    with_data = getenv("SHIM_DATA") != NULL;
    only = getenv("SHIM_PATH");
    if ((value = getenv("SHIM_AT")) == NULL)
        return;
    at = atol(value);
    value = getenv("SHIM_OWNER");
    for (hit = HOST; hit < NOBODY && (value == NULL || strcmp(value, owners[hit]) != 0); hit++)
        ;
    value = getenv("SHIM_FAULT");
    strncpy(fault, value == NULL ? "" : value, sizeof fault - 1);
    fault_errno = errno_of(fault);
}

/* The path below the root, `.` for the root and `..` for what is above; NULL if it is none of ours. */
static const char *below(const char *path) {
    if (root_length == 0 || path == NULL)
        return NULL;
    if (strcmp(path, above) == 0)
        return "..";
    if (strncmp(path, root, root_length) != 0)
        return NULL;
    path += root_length;
    return *path == 0 ? "." : *path == '/' ? path + 1 : NULL;
}

static const char *name_of(int fd) { return fd >= 0 && fd < FILES ? names[fd] : NULL; }

static void forget(int fd) {
    if (fd >= 0 && fd < FILES) {
        free(names[fd]);
        names[fd] = NULL;
    }
}

static void remember(int fd, const char *name) {
    if (fd >= 0 && fd < FILES) {
        forget(fd);
        names[fd] = strdup(name);
    }
}

static enum owner owner_of(const char *name) {
    static const char index[] = "caller_ids.index";
    if (strncmp(name, "venue/", 6) == 0)
        return VENUE;
    return strncmp(name, index, sizeof index - 1) == 0 ? INDEX : HOST;
}

/* The path of an entry of a directory that is open; NULL if it is none of ours. The answer is good until the
 * next one. */
static const char *within(int dir, const char *path) {
    static __thread char joined[LINE];
    if (path == NULL || *path == '/' || dir == AT_FDCWD || name_of(dir) == NULL)
        return below(path);
    snprintf(joined, sizeof joined, "%s/%s", name_of(dir), path);
    return joined;
}

/* One call under way. */
struct call {
    const char *what, *name;
    enum owner owner;
    long number;
    /* What it fails with, if it is the one that does. */
    int error;
    int is_hit;
};

static void note(const struct call *call, int error, const char *detail) {
    char line[2 * LINE];
    int length = snprintf(line, sizeof line, "%ld\t%s\t%s\t%s\t%d\t%s\n", call->number, owners[call->owner],
                          call->what, call->name, error, detail);
    if (log_fd >= 0 && length > 0)
        syscall(SYS_write, log_fd, line, length < (int)sizeof line ? (size_t)length : sizeof line);
}

static void note_data(const struct call *call, long long offset, const void *bytes, size_t count) {
    static const char digits[] = "0123456789abcdef";
    const unsigned char *from = bytes;
    char *hex = malloc(2 * count + 1);
    if (hex == NULL)
        abort();
    for (size_t i = 0; i < count; i++) {
        hex[2 * i] = digits[from[i] >> 4];
        hex[2 * i + 1] = digits[from[i] & 15];
    }
    hex[2 * count] = 0;
    dprintf(log_fd, "%ld\t%s\t%s\t%s\t0\t%lld:%s\n", call->number, owners[call->owner], call->what, call->name,
            offset, hex);
    free(hex);
}

static void die(const struct call *call) {
    note(call, -1, fault);
    syscall(SYS_kill, getpid(), SIGKILL);
}

/* Counts a call and says what becomes of it. Holds the lock until `end`: the log is in the order of the
 * calls. Names are borrowed until then. */
static struct call start(const char *what, const char *name) {
    pthread_mutex_lock(&lock);
    struct call call = {what, name, owner_of(name), 0, 0, 0};
    call.number = counts[call.owner]++;
    if (call.owner != hit || (only != NULL && strcmp(only, name) != 0))
        return call;
    long number = only != NULL ? matching++ : call.number;
    call.is_hit = number == at;
    if (call.is_hit && strcmp(fault, "kill") == 0)
        die(&call);
    if (call.is_hit && strcmp(fault, "limit") == 0) {
        const char *size = getenv("SHIM_FILE_SIZE");
        rlim_t bytes = (rlim_t)atol(size == NULL ? "0" : size);
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){bytes, bytes});
    }
    if (call.is_hit && strcmp(fault, "stop") == 0) {
        note(&call, 0, "stopped");
        syscall(SYS_kill, getpid(), SIGSTOP);
    }
    if (call.is_hit || (strcmp(fault, "gone") == 0 && number > at))
        call.error = fault_errno;
    return call;
}

static void end(const struct call *call, int failed, const char *detail) {
    int error = errno;
    note(call, failed ? error : 0, detail);
    pthread_mutex_unlock(&lock);
    errno = error;
}

/* A call that answers 0, or -1 with an errno. */
#define CHECKED(what, name, detail, real)                                                                  \
    do {                                                                                                   \
        struct call call = start(what, name);                                                              \
        int answer;                                                                                        \
        if (call.error != 0) {                                                                             \
            errno = call.error;                                                                            \
            answer = -1;                                                                                   \
        } else                                                                                             \
            answer = (real);                                                                               \
        end(&call, answer < 0, detail);                                                                    \
        return answer;                                                                                     \
    } while (0)

static int open_at(int dir, const char *path, int flags, mode_t mode) {
    const char *name = within(dir, path);
    if (name == NULL)
        return (int)REAL(openat)(dir, path, flags, mode);
    struct call call = start("open", name);
    int fd = -1;
    if (call.error != 0)
        errno = call.error;
    else if ((fd = REAL(openat)(dir, path, flags, mode)) >= 0)
        remember(fd, name);
    const char *how = flags & O_TRUNC ? "truncate" : flags & O_CREAT ? "create" : "";
    end(&call, fd < 0, how);
    return fd;
}

static mode_t mode_of(int flags, va_list *more) {
    return flags & O_CREAT ? (mode_t)va_arg(*more, int) : 0;
}

#define OPEN(symbol, dir, parameters)                                                                      \
    int symbol parameters {                                                                                \
        va_list more;                                                                                      \
        va_start(more, flags);                                                                             \
        mode_t mode = mode_of(flags, &more);                                                               \
        va_end(more);                                                                                      \
        return open_at(dir, path, flags, mode);                                                            \
    }

OPEN(open, AT_FDCWD, (const char *path, int flags, ...))
OPEN(open64, AT_FDCWD, (const char *path, int flags, ...))
OPEN(openat, dir, (int dir, const char *path, int flags, ...))
OPEN(openat64, dir, (int dir, const char *path, int flags, ...))

int close(int fd) {
    pthread_mutex_lock(&lock);
    forget(fd);
    pthread_mutex_unlock(&lock);
    return REAL(close)(fd);
}

/* A call that answers how many bytes it took, or -1 with an errno. */
#define READ(name, real)                                                                                   \
    do {                                                                                                   \
        struct call call = start("read", name);                                                            \
        ssize_t taken = -1;                                                                                \
        if (call.error != 0)                                                                               \
            errno = call.error;                                                                            \
        else                                                                                               \
            taken = (real);                                                                                \
        end(&call, taken < 0, "");                                                                         \
        return taken;                                                                                      \
    } while (0)

ssize_t read(int fd, void *bytes, size_t count) {
    if (name_of(fd) == NULL)
        return REAL(read)(fd, bytes, count);
    READ(name_of(fd), REAL(read)(fd, bytes, count));
}

ssize_t pread64(int fd, void *bytes, size_t count, off64_t offset) {
    if (name_of(fd) == NULL)
        return REAL(pread64)(fd, bytes, count, offset);
    READ(name_of(fd), REAL(pread64)(fd, bytes, count, offset));
}

ssize_t pread(int fd, void *bytes, size_t count, off_t offset) { return pread64(fd, bytes, count, offset); }

/* What is told on standard output, at its place among the calls. */
static ssize_t told(int fd, const void *bytes, size_t count) {
    ssize_t taken = REAL(write)(fd, bytes, count);
    int error = errno;
    if (fd == STDOUT_FILENO && taken > 0 && with_data && root_length > 0) {
        struct call call = {"write", "-", NOBODY, 0, 0, 0};
        pthread_mutex_lock(&lock);
        note_data(&call, 0, bytes, (size_t)taken);
        pthread_mutex_unlock(&lock);
    }
    errno = error;
    return taken;
}

static long long offset_of(int fd) {
    int is_appended = (REAL(fcntl64)(fd, F_GETFL) & O_APPEND) != 0;
    struct stat about;
    if (is_appended && fstat(fd, &about) == 0)
        return (long long)about.st_size;
    return (long long)lseek(fd, 0, SEEK_CUR);
}

ssize_t write(int fd, const void *bytes, size_t count) {
    if (name_of(fd) == NULL)
        return told(fd, bytes, count);
    struct call call = start("write", name_of(fd));
    int is_torn = call.is_hit && strcmp(fault, "torn") == 0;
    int is_short = call.is_hit && strcmp(fault, "short") == 0;
    int is_lie = call.is_hit && strcmp(fault, "lie") == 0;
    int is_broken = call.error == EIO;
    size_t part = is_torn || is_short || is_broken ? count / 2 : call.error != 0 ? 0 : count;
    long long offset = with_data ? offset_of(fd) : 0;
    ssize_t taken = is_lie ? (ssize_t)count : part > 0 ? REAL(write)(fd, bytes, part) : 0;
    if (is_torn)
        die(&call);
    if (taken > 0 && with_data)
        note_data(&call, offset, bytes, (size_t)taken);
    if (call.error != 0) {
        errno = call.error;
        taken = -1;
    }
    if (taken > 0 && with_data) {
        int error = errno;
        pthread_mutex_unlock(&lock);
        errno = error;
        return taken;
    }
    char detail[32];
    snprintf(detail, sizeof detail, "%zu", count);
    end(&call, taken < 0, detail);
    return taken;
}

int fsync(int fd) {
    if (name_of(fd) == NULL)
        return REAL(fsync)(fd);
    CHECKED("sync", name_of(fd), "", 0);
}

int fdatasync(int fd) {
    if (name_of(fd) == NULL)
        return REAL(fdatasync)(fd);
    CHECKED("sync", name_of(fd), "", 0);
}

int ftruncate64(int fd, off64_t length) {
    if (name_of(fd) == NULL)
        return REAL(ftruncate64)(fd, length);
    char detail[32];
    snprintf(detail, sizeof detail, "%lld", (long long)length);
    CHECKED("cut", name_of(fd), detail, REAL(ftruncate64)(fd, length));
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

int flock(int fd, int how) {
    if (name_of(fd) == NULL)
        return REAL(flock)(fd, how);
    CHECKED("lock", name_of(fd), "", REAL(flock)(fd, how));
}

int rename(const char *from, const char *to) {
    const char *name = below(from);
    if (name == NULL)
        return REAL(rename)(from, to);
    CHECKED("rename", name, below(to) == NULL ? to : below(to), REAL(rename)(from, to));
}

int unlink(const char *path) {
    if (below(path) == NULL)
        return REAL(unlink)(path);
    CHECKED("unlink", below(path), "", REAL(unlink)(path));
}

int unlinkat(int dir, const char *path, int flags) {
    const char *name = within(dir, path);
    if (name == NULL)
        return REAL(unlinkat)(dir, path, flags);
    CHECKED("unlink", name, "", REAL(unlinkat)(dir, path, flags));
}

int rmdir(const char *path) {
    if (below(path) == NULL)
        return REAL(rmdir)(path);
    CHECKED("unlink", below(path), "", REAL(rmdir)(path));
}

int mkdir(const char *path, mode_t mode) {
    if (below(path) == NULL)
        return REAL(mkdir)(path, mode);
    CHECKED("mkdir", below(path), "", REAL(mkdir)(path, mode));
}

int statx(int dir, const char *restrict path, int flags, unsigned mask, struct statx *restrict about) {
    /* Declared never to be NULL, and NULL all the same for those who ask whether there is a statx. */
    const char *volatile given = path;
    const char *name = given == NULL ? NULL : *given != 0 ? below(given) : name_of(dir);
    if (name == NULL)
        return REAL(statx)(dir, path, flags, mask, about);
    CHECKED("stat", name, "", REAL(statx)(dir, path, flags, mask, about));
}

DIR *opendir(const char *path) {
    if (below(path) == NULL)
        return REAL(opendir)(path);
    struct call call = start("list", below(path));
    DIR *answer = NULL;
    if (call.error != 0)
        errno = call.error;
    else
        answer = REAL(opendir)(path);
    end(&call, answer == NULL, "");
    return answer;
}

int fcntl64(int fd, int command, ...) {
    va_list more;
    va_start(more, command);
    void *argument = va_arg(more, void *);
    va_end(more);
    int is_copy = command == F_DUPFD || command == F_DUPFD_CLOEXEC;
    if (!is_copy || name_of(fd) == NULL)
        return REAL(fcntl64)(fd, command, argument);
    struct call call = start("copy", name_of(fd));
    int copy = -1;
    if (call.error != 0)
        errno = call.error;
    else if ((copy = REAL(fcntl64)(fd, command, argument)) >= 0)
        remember(copy, call.name);
    end(&call, copy < 0, "");
    return copy;
}

int fcntl(int fd, int command, ...) {
    va_list more;
    va_start(more, command);
    void *argument = va_arg(more, void *);
    va_end(more);
    return fcntl64(fd, command, argument);
}
