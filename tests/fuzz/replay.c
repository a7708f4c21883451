/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads inputs, and damaged copies of them, each in a process of its own: for compilers without libFuzzer,
 * and for HDF5 files, where a crash is more often the library's.
 *
 * usage: replay TARGET NUMBER SEED KEEP FILE...    NUMBER damaged copies, each of one of the files
 *        replay --list                             the targets
 *        replay --checkpoint FILE                  writes one
 * KEEP is a folder for inputs that muir did not answer as it promises; "" keeps none. Exit status 1 if there
 * was one. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"

enum { SAID = 200, MOST_CPU_S = 60, WRONG = 99, MOST_CHANGES = 4, MOST_COPY = 64 };

typedef struct input {
    const char *path;
    uint8_t *data;
    size_t size;
} input;

typedef struct draws {
    uint64_t state;
} draws;

/* Below a number. Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014. */
static size_t draw(draws *d, size_t below)
{
    uint64_t z = d->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return below > 0 ? (size_t)((z ^ (z >> 31)) % below) : 0;
}

static bool read_input(input *in)
{
    FILE *file = fopen(in->path, "rb");
    if (!file) return false;
    fseek(file, 0, SEEK_END);
    const long size = ftell(file);
    rewind(file);
    in->size = size > 0 ? (size_t)size : 0;
    in->data = malloc(in->size + 1);
    const bool is_read = in->data && (in->size == 0 || fread(in->data, in->size, 1, file) == 1);
    fclose(file);
    return is_read;
}

/* Numbers and words that readers stumble over. */
static void put_word(draws *d, input *in)
{
    static const char *const words[] = {
        "0",          "-1",       "1e308", "nan",  "inf",    "9223372036854775807",
        "4294967296", "\"",       "\n",    ": ",   "1e-320", "[",
        "}",          ",",        "%s",    "\xff", "auto",   "\t",
        "#",          "../../etc"};
    const char *word = words[draw(d, sizeof words / sizeof words[0])];
    const size_t length = strlen(word), at = draw(d, in->size + 1);
    const size_t n = length < in->size - at ? length : in->size - at;
    if (n > 0) memcpy(in->data + at, word, n);
}

static void copy_piece(draws *d, input *in)
{
    const size_t n = 1 + draw(d, MOST_COPY);
    if (in->size < 2 * n) return;
    memmove(in->data + draw(d, in->size - n), in->data + draw(d, in->size - n), n);
}

static void remove_piece(draws *d, input *in)
{
    const size_t at = draw(d, in->size), n = 1 + draw(d, MOST_COPY);
    if (at + n >= in->size) return;
    memmove(in->data + at, in->data + at + n, in->size - at - n);
    in->size -= n;
}

/* A damaged copy; data is freed by the caller. */
static input damage(draws *d, const input *whole)
{
    input in = {whole->path, malloc(whole->size + 1), whole->size};
    if (!in.data) return (input){.path = whole->path};
    memcpy(in.data, whole->data, whole->size);
    for (size_t n = 1 + draw(d, MOST_CHANGES); n > 0 && in.size > 0; n--) {
        switch (draw(d, 6)) {
        case 0: in.data[draw(d, in.size)] ^= (uint8_t)(1u << draw(d, 8)); break;
        case 1: in.data[draw(d, in.size)] = (uint8_t)draw(d, 256); break;
        case 2: put_word(d, &in); break;
        case 3: copy_piece(d, &in); break;
        case 4: remove_piece(d, &in); break;
        default:
            if (draw(d, 8) == 0) in.size = draw(d, in.size);
        }
    }
    return in;
}

static void silence(void)
{
    const int nowhere = open("/dev/null", O_WRONLY);
    const struct rlimit cpu = {MOST_CPU_S, MOST_CPU_S}, core = {0, 0};
    dup2(nowhere, 1);
    dup2(nowhere, 2);
    setrlimit(RLIMIT_CPU, &cpu);
    setrlimit(RLIMIT_CORE, &core);
    alarm(10 * MOST_CPU_S);
}

/* NULL, or what went wrong.
 * said  out  room for it */
static const char *try_one(muir_fuzz *fuzz, const input *in, char said[SAID])
{
    int status = 0, pipes[2];
    if (pipe(pipes) != 0) return "no pipe";
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        close(pipes[0]);
        silence();
        const char *wrong = muir_fuzz_one(fuzz, in->data, in->size);
        if (wrong && write(pipes[1], wrong, strlen(wrong)) < 0) _exit(1);
        _exit(wrong ? WRONG : 0);
    }
    close(pipes[1]);
    const ssize_t n = read(pipes[0], said, SAID - 1);
    close(pipes[0]);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    if (WIFSIGNALED(status)) return strsignal(WTERMSIG(status));
    if (WEXITSTATUS(status) == 0) return NULL;
    if (WEXITSTATUS(status) != WRONG || n <= 0) return "the process ended by itself";
    said[n] = '\0';
    return said;
}

static void keep(const char *folder, const muir_fuzz_target *target, const input *in, long number)
{
    char path[512];
    if (folder[0] == '\0') return;
    snprintf(path, sizeof path, "%.400s/%s-%ld%s", folder, target->name, number, target->ending);
    FILE *file = fopen(path, "wb");
    if (!file) return;
    fwrite(in->data, in->size, 1, file);
    fclose(file);
}

/* Returns the number of findings. */
static int replay(muir_fuzz *fuzz, long number, uint64_t seed, const char *folder, input *inputs, int n)
{
    const muir_fuzz_target *target = fuzz->target;
    char said[SAID];
    int found = 0;
    for (long i = -n; i < number; i++) {
        draws d = {seed + ((uint64_t)i << 20)};
        const input *whole = &inputs[i < 0 ? i + n : (long)draw(&d, (size_t)n)];
        input in = i < 0 ? *whole : damage(&d, whole);
        const char *wrong = try_one(fuzz, &in, said);
        if (wrong) {
            found++;
            printf("%s, %s%s %ld: %s\n", target->name, whole->path, i < 0 ? ", whole" : ", damaged copy", i,
                   wrong);
            keep(folder, target, &in, i);
        }
        if (i >= 0) free(in.data);
    }
    printf("%s: %ld executions, %d findings\n", target->name, number + n, found);
    return found;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        for (int i = 0; muir_fuzz_at(i); i++)
            printf("%s %s\n", muir_fuzz_at(i)->name, muir_fuzz_at(i)->ending);
        return 0;
    }
    if (argc == 3 && strcmp(argv[1], "--checkpoint") == 0)
        return muir_fuzz_write_checkpoint(argv[2]) ? 0 : 77;
    const muir_fuzz_target *target = argc > 5 ? muir_fuzz_find(argv[1]) : NULL;
    if (!target) {
        fputs("usage: replay TARGET NUMBER SEED KEEP FILE... (replay --list)\n", stderr);
        return 2;
    }
    const int n = argc - 5;
    input *inputs = calloc((size_t)n, sizeof *inputs);
    for (int i = 0; i < n; i++) {
        inputs[i].path = argv[5 + i];
        if (!read_input(&inputs[i])) {
            perror(argv[5 + i]);
            return 2;
        }
    }
    char *folder = argv[4][0] ? realpath(argv[4], NULL) : strdup("");
    muir_fuzz fuzz;
    if (!muir_fuzz_begin(&fuzz, target)) return 1;
    const int found = replay(&fuzz, strtol(argv[2], NULL, 10), strtoull(argv[3], NULL, 10),
                             folder ? folder : "", inputs, n);
    muir_fuzz_end(&fuzz);
    for (int i = 0; i < n; i++) free(inputs[i].data);
    free(inputs);
    free(folder);
    return found > 0;
}
