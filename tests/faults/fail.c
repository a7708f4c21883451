/* SPDX-License-Identifier: BSD-3-Clause */
/* Loaded before a program (LD_PRELOAD): lets the n-th call of one kind fail, once, on one rank.
 *     MUIR_FAIL=KIND:N       write, rename (of files whose name ends in MUIR_FAIL_FILE), alloc (of muir
 *                            itself, not of its libraries), share (memory shared by processes); N 0: none
 *     MUIR_FAIL_RANK=R       default 0
 *     MUIR_FAIL_COUNT=FILE   at exit, FILE.R gets the number of calls of that kind on rank R */
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

typedef enum kind { WRITE, RENAME, ALLOC, SHARE, KINDS } kind;
static const char *const names[KINDS] = {"write", "rename", "alloc", "share"};

static struct {
    bool is_ready;
    int kind; /* KINDS: nothing fails */
    long n;
    char file[256];
    uintptr_t begin, end; /* of the program's own code */
    atomic_long calls;
} state = {.kind = KINDS};

static int find_program(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size, (void)unused;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type != PT_LOAD || !(p->p_flags & PF_X)) continue;
        state.begin = info->dlpi_addr + p->p_vaddr;
        state.end = state.begin + p->p_memsz;
    }
    return 1; /* the first object is the program */
}

static long rank_here(void)
{
    static const char *const variables[] = {"OMPI_COMM_WORLD_RANK", "PMI_RANK"};
    for (int i = 0; i < 2; i++)
        if (getenv(variables[i])) return atol(getenv(variables[i]));
    return 0;
}

static void report(void)
{
    char path[512];
    const char *count = getenv("MUIR_FAIL_COUNT");
    if (!count) return;
    snprintf(path, sizeof path, "%s.%ld", count, rank_here());
    FILE *file = fopen(path, "w");
    if (!file) return;
    fprintf(file, "%ld\n", atomic_load(&state.calls));
    fclose(file);
}

__attribute__((constructor)) static void begin(void)
{
    const char *text = getenv("MUIR_FAIL"), *file = getenv("MUIR_FAIL_FILE"),
               *rank = getenv("MUIR_FAIL_RANK");
    const char *colon = text ? strchr(text, ':') : NULL;
    dl_iterate_phdr(find_program, NULL);
    snprintf(state.file, sizeof state.file, "%s", file ? file : "");
    for (int k = 0; colon && k < KINDS; k++)
        if (strncmp(text, names[k], strlen(names[k])) == 0 && text + strlen(names[k]) == colon)
            state.kind = k;
    state.n = colon && (rank ? atol(rank) : 0) == rank_here() ? atol(colon + 1) : 0;
    if (state.kind < KINDS) atexit(report);
    state.is_ready = true;
}

static bool fails(kind k)
{
    if (!state.is_ready || state.kind != (int)k) return false;
    return atomic_fetch_add(&state.calls, 1) + 1 == state.n;
}

static bool is_ours(const void *caller)
{
    const uintptr_t at = (uintptr_t)caller;
    return at >= state.begin && at < state.end;
}

static bool ends_in_file(const char *path)
{
    const size_t n = strlen(path), m = strlen(state.file);
    return m > 0 && n >= m && strcmp(path + n - m, state.file) == 0;
}

/* A new file has another ending until it is complete. */
static bool is_file(int fd)
{
    char link[64], path[4096];
    if (!state.is_ready || state.kind != WRITE) return false;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t n = readlink(link, path, sizeof path - 1);
    if (n <= 0) return false;
    path[n] = '\0';
    char *part = strstr(path, ".part");
    if (part) *part = '\0';
    return ends_in_file(path);
}

#define NEXT(function) __extension__((__typeof__(&(function)))dlsym(RTLD_NEXT, #function))
#define REFUSE(k, code, result)                                                                              \
    if (fails(k)) {                                                                                          \
        errno = (code);                                                                                      \
        return (result);                                                                                     \
    }

ssize_t write(int fd, const void *data, size_t n)
{
    if (is_file(fd)) REFUSE(WRITE, ENOSPC, -1)
    return NEXT(write)(fd, data, n);
}

ssize_t pwrite(int fd, const void *data, size_t n, off_t at)
{
    if (is_file(fd)) REFUSE(WRITE, ENOSPC, -1)
    return NEXT(pwrite)(fd, data, n, at);
}

ssize_t pwrite64(int fd, const void *data, size_t n, off64_t at)
{
    if (is_file(fd)) REFUSE(WRITE, ENOSPC, -1)
    return NEXT(pwrite64)(fd, data, n, at);
}

ssize_t writev(int fd, const struct iovec *parts, int n)
{
    if (is_file(fd)) REFUSE(WRITE, ENOSPC, -1)
    return NEXT(writev)(fd, parts, n);
}

ssize_t pwritev(int fd, const struct iovec *parts, int n, off_t at)
{
    if (is_file(fd)) REFUSE(WRITE, ENOSPC, -1)
    return NEXT(pwritev)(fd, parts, n, at);
}

int rename(const char *from, const char *to)
{
    if (state.is_ready && (ends_in_file(from) || ends_in_file(to))) REFUSE(RENAME, EACCES, -1)
    return NEXT(rename)(from, to);
}

void *mmap(void *at, size_t n, int protection, int flags, int fd, off_t offset)
{
    if (is_ours(__builtin_return_address(0)) && (flags & MAP_SHARED)) REFUSE(SHARE, ENOMEM, MAP_FAILED)
    return NEXT(mmap)(at, n, protection, flags, fd, offset);
}

int posix_fallocate(int fd, off_t at, off_t n)
{
    if (is_ours(__builtin_return_address(0)) && fails(SHARE)) return ENOSPC;
    return NEXT(posix_fallocate)(fd, at, n);
}

/* The C library's own functions under the names that are kept for it: dlsym would allocate. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t n);
void *__libc_memalign(size_t alignment, size_t n);

void *malloc(size_t n)
{
    if (is_ours(__builtin_return_address(0))) REFUSE(ALLOC, ENOMEM, NULL)
    return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    if (is_ours(__builtin_return_address(0))) REFUSE(ALLOC, ENOMEM, NULL)
    return __libc_calloc(n, size);
}

void *realloc(void *old, size_t n)
{
    if (is_ours(__builtin_return_address(0))) REFUSE(ALLOC, ENOMEM, NULL)
    return __libc_realloc(old, n);
}

char *strdup(const char *text)
{
    const size_t n = strlen(text) + 1;
    if (is_ours(__builtin_return_address(0))) REFUSE(ALLOC, ENOMEM, NULL)
    void *copy = __libc_malloc(n);
    return copy ? memcpy(copy, text, n) : NULL;
}

void *aligned_alloc(size_t alignment, size_t n)
{
    if (is_ours(__builtin_return_address(0))) REFUSE(ALLOC, ENOMEM, NULL)
    return __libc_memalign(alignment, n);
}

int posix_memalign(void **out, size_t alignment, size_t n)
{
    if (is_ours(__builtin_return_address(0)) && fails(ALLOC)) return ENOMEM;
    *out = __libc_memalign(alignment, n);
    return *out ? 0 : ENOMEM;
}
