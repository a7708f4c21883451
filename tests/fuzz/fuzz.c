/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of targets, and how one input is read and its answer judged. */
#include "fuzz.h"

#include <ftw.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "collectives/file.h"
#include "io/checkpoint.h"
#include "scenario/tuning_table.h"
#include "study/study.h"

enum { ANSWERS_1 = 1, PATH = 64, WEIGHTS = 3000, OPTIMIZER = 100, OPEN_FILES = 16 };

static muir_status read_study(muir_ctx *ctx, const char *path)
{
    muir_study *study = malloc(sizeof *study);
    if (!study) return muir_fail(ctx, MUIR_ERR_MEM, "no memory");
    const muir_status st = muir_study_load(ctx, path, study);
    free(study);
    return st;
}

static muir_status read_collective(muir_ctx *ctx, const char *path)
{
    muir_coll_file *file = NULL;
    const muir_status st = muir_coll_file_create(ctx, path, &file);
    muir_coll_file_destroy(&file);
    return st;
}

static muir_status read_tuning(muir_ctx *ctx, const char *path)
{
    muir_tuning_table table = {.rows = NULL};
    const muir_status st = muir_tuning_table_load(ctx, path, &table);
    muir_tuning_table_free(&table);
    return st;
}

static muir_status use_checkpoint(muir_ctx *ctx, const char *path, bool is_written)
{
    char weights[WEIGHTS] = {1, 2, 3}, optimizer[OPTIMIZER] = {4, 5, 6};
    const muir_checkpoint_part parts[] = {{"weights", weights, WEIGHTS}, {"optimizer", optimizer, OPTIMIZER}};
    muir_checkpoint_time time;
    muir_checkpoint *checkpoint = NULL;
    int64_t step = 0;
    muir_status st = muir_checkpoint_create(ctx, parts, 2, &checkpoint);
    if (st == MUIR_OK)
        st = is_written ? muir_checkpoint_write(ctx, checkpoint, path, 7, &time)
                        : muir_checkpoint_read(ctx, checkpoint, path, &step, &time);
    muir_checkpoint_destroy(&checkpoint);
    return st;
}

static muir_status read_checkpoint(muir_ctx *ctx, const char *path)
{
    return use_checkpoint(ctx, path, false);
}

#define COMMAND(...)                                                                                         \
    .arguments = (const char *const[])                                                                       \
    {                                                                                                        \
        __VA_ARGS__, NULL                                                                                    \
    }
#define READER(function) .reader = function
#define TARGET(id, end, may, how) {.name = #id, .ending = end, .may_fail = may, how},
static const muir_fuzz_target targets[] = {
#include "targets.def"
};
#undef TARGET

const muir_fuzz_target *muir_fuzz_at(int i)
{
    return i < (int)(sizeof targets / sizeof targets[0]) ? &targets[i] : NULL;
}

const muir_fuzz_target *muir_fuzz_find(const char *name)
{
    for (int i = 0; muir_fuzz_at(i); i++)
        if (strcmp(targets[i].name, name) == 0) return &targets[i];
    return NULL;
}

/* libFuzzer calls a function without a place for state. */
static char folder[PATH], folder_before[4096];
static muir_ctx *mpi_ctx;

static void start_mpi(void)
{
    int is_started = 0;
    MPI_Initialized(&is_started);
    if (!is_started) MPI_Init(NULL, NULL);
    if (!mpi_ctx && muir_ctx_create(MPI_COMM_WORLD, &mpi_ctx) != MUIR_OK) exit(1);
}

/* The words of a command line; lines are cut in place. */
static int make_arguments(const muir_fuzz_target *target, char *path, char *lines, char **argv)
{
    static char program[] = "muir", file_key[MUIR_FUZZ_ARGUMENTS][2 * PATH];
    int argc = 0;
    argv[argc++] = program;
    for (int i = 0; target->arguments[i]; i++) {
        const char *word = target->arguments[i], *file = strstr(word, "FILE");
        if (strcmp(word, "LINES") == 0) {
            char *rest = NULL;
            for (char *line = strtok_r(lines, "\n", &rest); line && argc < MUIR_FUZZ_ARGUMENTS - 1;
                 line = strtok_r(NULL, "\n", &rest))
                if (line[0] != '-' && strchr(line, '=')) argv[argc++] = line;
        } else {
            snprintf(file_key[i], sizeof file_key[i], "%.*s%s", (int)(file ? file - word : PATH), word,
                     file ? path : "");
            argv[argc++] = file_key[i];
        }
    }
    argv[argc] = NULL;
    return argc;
}

void muir_fuzz_begin(const muir_fuzz_target *target)
{
    char path[] = "input", *argv[MUIR_FUZZ_ARGUMENTS];
    const char *parent = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.40s/muir-fuzz-XXXXXX", parent ? parent : "/tmp");
    if (!getcwd(folder_before, sizeof folder_before) || !mkdtemp(folder) || chdir(folder) != 0) {
        perror(folder);
        exit(1);
    }
    if (target->reader ? target->reader == read_checkpoint || target->reader == read_study
                       : muir_cmd_needs_mpi(make_arguments(target, path, path, argv), argv))
        start_mpi();
}

static int delete_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status, (void)kind, (void)walk;
    return remove(path);
}

void muir_fuzz_end(void)
{
    if (chdir(folder_before) == 0) nftw(folder, delete_one, OPEN_FILES, FTW_DEPTH | FTW_PHYS);
    muir_ctx_destroy(&mpi_ctx);
}

/* One line that can be shown; nothing of what a terminal would obey. */
static const char *judge_message(const char *message)
{
    if (message[0] == '\0') return "it refuses, and does not say why";
    for (const char *c = message; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 127) return "its message has control characters";
    return NULL;
}

static const char *judge(const muir_fuzz_target *target, int code, const char *message)
{
    if (code == 0) return NULL;
    if (code == 2 || (code == 1 && target->may_fail) || strstr(message, "no memory"))
        return judge_message(message);
    return code == 1 ? "exit code 1, which says that muir failed, not that the input is wrong"
                     : "an exit code that is none";
}

static bool write_input(const char *path, const uint8_t *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (!file) return false;
    const bool is_written = size == 0 || fwrite(data, size, 1, file) == 1;
    return fclose(file) == 0 && is_written;
}

const char *muir_fuzz_one(const muir_fuzz_target *target, const uint8_t *data, size_t size)
{
    char path[PATH], *argv[MUIR_FUZZ_ARGUMENTS];
    char *lines = calloc(size + 1, 1);
    muir_ctx *ctx = mpi_ctx;
    snprintf(path, sizeof path, "./input%s", target->ending);
    if (!lines || !write_input(path, data, size)) return "the input cannot be written";
    if (size > 0) memcpy(lines, data, size);
    if (!ctx && muir_ctx_create_alone(&ctx) != MUIR_OK) return "no context";
    muir_ctx_clear(ctx);
    int code;
    if (target->reader) {
        code = muir_status_exit_code(target->reader(ctx, path));
    } else {
        const int argc = make_arguments(target, path, lines, argv);
        code = muir_cmd_main(ctx, argc, argv);
    }
    const char *wrong = judge(target, code, ctx->message);
    if (wrong) fprintf(stderr, "%s: %s\n", wrong, ctx->message);
    if (!mpi_ctx) muir_ctx_destroy(&ctx);
    free(lines);
    return wrong;
}

bool muir_fuzz_write_checkpoint(const char *path)
{
    start_mpi();
    const bool is_written = use_checkpoint(mpi_ctx, path, true) == MUIR_OK;
    if (!is_written) fprintf(stderr, "%s\n", mpi_ctx->message);
    muir_ctx_destroy(&mpi_ctx);
    return is_written;
}
