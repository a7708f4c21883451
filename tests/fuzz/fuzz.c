/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of targets, and how one input is read and its answer judged. */
#include "fuzz.h"

#include <ftw.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
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

/* What a target must notice: a crash, an exit code that says the wrong thing, and nothing else. */
static muir_status read_planted(muir_ctx *ctx, const char *path)
{
    char *text = NULL;
    size_t length = 0;
    muir_status st = muir_text_read(ctx, path, &text, &length);
    if (st == MUIR_OK && strcmp(text, "crash") == 0) abort();
    if (st == MUIR_OK && strcmp(text, "blame") == 0) st = muir_fail(ctx, MUIR_ERR_CHECK, "muir is to blame");
    if (st == MUIR_OK && strcmp(text, "refuse") == 0) st = muir_fail(ctx, MUIR_ERR_ARG, "the input is wrong");
    if (st == MUIR_OK && strcmp(text, "silence") == 0) st = MUIR_ERR_ARG;
    free(text);
    return st;
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

static bool start_mpi(muir_fuzz *f)
{
    int is_started = 0;
    MPI_Initialized(&is_started);
    if (!is_started) MPI_Init(NULL, NULL);
    return muir_ctx_create(MPI_COMM_WORLD, &f->mpi_ctx) == MUIR_OK;
}

/* The words of a command line; lines are cut in place. */
static int make_arguments(const muir_fuzz_target *target, const char *path, char *lines,
                          char words[MUIR_FUZZ_ARGUMENTS][2 * PATH], char **argv)
{
    int argc = 0;
    snprintf(words[0], sizeof words[0], "muir");
    argv[argc++] = words[0];
    for (int i = 0; target->arguments[i]; i++) {
        const char *word = target->arguments[i], *file = strstr(word, "FILE");
        if (strcmp(word, "LINES") == 0) {
            char *rest = NULL;
            for (char *line = strtok_r(lines, "\n", &rest); line && argc < MUIR_FUZZ_ARGUMENTS - 1;
                 line = strtok_r(NULL, "\n", &rest))
                if (line[0] != '-' && strchr(line, '=')) argv[argc++] = line;
        } else {
            snprintf(words[i + 1], sizeof words[i + 1], "%.*s%s", (int)(file ? file - word : PATH), word,
                     file ? path : "");
            argv[argc++] = words[i + 1];
        }
    }
    argv[argc] = NULL;
    return argc;
}

bool muir_fuzz_begin(muir_fuzz *f, const muir_fuzz_target *target)
{
    char path[] = "input", *argv[MUIR_FUZZ_ARGUMENTS], words[MUIR_FUZZ_ARGUMENTS][2 * PATH];
    const char *parent = getenv("TMPDIR");
    *f = (muir_fuzz){.target = target};
    snprintf(f->folder, sizeof f->folder, "%.40s/muir-fuzz-XXXXXX", parent ? parent : "/tmp");
    if (!getcwd(f->folder_before, sizeof f->folder_before) || !mkdtemp(f->folder) || chdir(f->folder) != 0) {
        perror(f->folder);
        return false;
    }
    const bool needs_mpi = target->reader
                               ? target->reader == read_checkpoint || target->reader == read_study
                               : muir_cmd_needs_mpi(make_arguments(target, path, path, words, argv), argv);
    return !needs_mpi || start_mpi(f);
}

static int delete_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status, (void)kind, (void)walk;
    return remove(path);
}

void muir_fuzz_end(muir_fuzz *f)
{
    if (chdir(f->folder_before) == 0) nftw(f->folder, delete_one, OPEN_FILES, FTW_DEPTH | FTW_PHYS);
    muir_ctx_destroy(&f->mpi_ctx);
}

static const char *judge(const muir_fuzz_target *target, int code, const char *message)
{
    if (code == 0) return NULL;
    if (code == 2 || (code == 1 && target->may_fail) || strstr(message, "no memory"))
        return message[0] ? NULL : "it refuses, and does not say why";
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

static int read_one(const muir_fuzz_target *target, muir_ctx *ctx, const char *path, char *lines)
{
    char *argv[MUIR_FUZZ_ARGUMENTS], words[MUIR_FUZZ_ARGUMENTS][2 * PATH];
    if (target->reader) return muir_status_exit_code(target->reader(ctx, path));
    const int argc = make_arguments(target, path, lines, words, argv);
    return muir_cmd_main(ctx, argc, argv);
}

const char *muir_fuzz_one(muir_fuzz *f, const uint8_t *data, size_t size)
{
    char path[PATH];
    char *lines = calloc(size + 1, 1);
    muir_ctx *ctx = f->mpi_ctx;
    const char *wrong = "the input cannot be given";
    snprintf(path, sizeof path, "./input%s", f->target->ending);
    if (lines && write_input(path, data, size) && (ctx || muir_ctx_create_alone(&ctx) == MUIR_OK)) {
        if (size > 0) memcpy(lines, data, size);
        muir_ctx_clear(ctx);
        const int code = read_one(f->target, ctx, path, lines);
        wrong = judge(f->target, code, ctx->message);
        if (wrong) fprintf(stderr, "%s: %s\n", wrong, ctx->message);
    }
    if (!f->mpi_ctx) muir_ctx_destroy(&ctx);
    free(lines);
    return wrong;
}

bool muir_fuzz_write_checkpoint(const char *path)
{
    muir_fuzz f = {.target = NULL};
    if (!start_mpi(&f)) return false;
    const bool is_written = use_checkpoint(f.mpi_ctx, path, true) == MUIR_OK;
    if (!is_written) fprintf(stderr, "%s\n", f.mpi_ctx->message);
    muir_ctx_destroy(&f.mpi_ctx);
    return is_written;
}
