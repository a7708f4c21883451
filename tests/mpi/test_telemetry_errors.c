/* SPDX-License-Identifier: BSD-3-Clause */
/* Telemetry that cannot be: bad descriptions, bad places, a full disk. */
#include <hdf5.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "io/telemetry.h"
#include "telemetry_sample.h"

static const char *file_name(void)
{
    static char name[32];
    snprintf(name, sizeof name, "errors_%d.h5", muir_test_ctx()->size);
    return name;
}

/* All ranks fail with the status and a message that holds the text, and nothing is left open. */
static void check_failed(muir_status st, muir_status expected, const char *text)
{
    muir_ctx *ctx = muir_test_ctx();
    CU_ASSERT_EQUAL(st, expected);
    CU_ASSERT_PTR_NOT_NULL(strstr(ctx->message, text));
    if (!strstr(ctx->message, text)) fprintf(stderr, "%s\n", ctx->message);
    CU_ASSERT_PTR_NULL(strchr(ctx->message, '\n'));
    muir_ctx_clear(ctx);
    CU_ASSERT_EQUAL(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0);
}

static muir_status try_create(const sample *s, const char *path)
{
    muir_telemetry *telemetry = NULL;
    const muir_status st = sample_start(muir_test_ctx(), path, false, s, &telemetry);
    CU_ASSERT_PTR_NULL(telemetry);
    return st;
}

static muir_status try_open(const sample *s, const char *path)
{
    muir_telemetry *telemetry = NULL;
    const muir_status st = sample_start(muir_test_ctx(), path, true, s, &telemetry);
    CU_ASSERT_PTR_NULL(telemetry);
    return st;
}

static void places_that_cannot_be_are_refused(void)
{
    muir_ctx *ctx = muir_test_ctx();
    sample s;
    sample_describe(ctx->size, &s);
    check_failed(try_create(&s, "no/such/folder/a.h5"), MUIR_ERR_ARG, "No such file or directory");
    char pipe[32];
    snprintf(pipe, sizeof pipe, "pipe_%d", ctx->size);
    if (muir_is_root(ctx)) {
        unlink(pipe);
        CU_ASSERT_EQUAL(mkfifo(pipe, 0666), 0);
    }
    MPI_Barrier(ctx->comm);
    check_failed(try_create(&s, pipe), MUIR_ERR_ARG, "is a device or a pipe, not a file");
    check_failed(try_open(&s, pipe), MUIR_ERR_ARG, "is a device or a pipe, not a file");
    check_failed(try_open(&s, "."), MUIR_ERR_ARG, ". is a folder, not a file");
}

static void a_file_of_another_kind_is_refused(void)
{
    muir_ctx *ctx = muir_test_ctx();
    sample s;
    sample_describe(ctx->size, &s);
    char *text = NULL;
    if (muir_is_root(ctx)) {
        FILE *file = fopen(file_name(), "wb");
        fputs("steps: 30\n", file);
        fclose(file);
    }
    check_failed(try_open(&s, file_name()), MUIR_ERR_ARG, "not a telemetry file written by muir");
    check_failed(muir_telemetry_read_text(ctx, file_name(), "scenario/resolved", &text), MUIR_ERR_ARG,
                 file_name());
    check_failed(try_create(&s, file_name()), MUIR_ERR_ARG, "not a telemetry file written by muir");
    CU_ASSERT_PTR_NULL(text);
}

static void a_description_that_contradicts_itself_is_refused(void)
{
    muir_ctx *ctx = muir_test_ctx();
    sample s;
    sample_describe(ctx->size, &s);
    s.tables[SAMPLE_RANK].row = "rank";
    check_failed(try_create(&s, "x.h5"), MUIR_ERR_ARG,
                 "telemetry rank/rank: needs a growing dimension of its own");
    sample_describe(ctx->size, &s);
    s.tables[SAMPLE_SERVER].across = NULL;
    check_failed(try_create(&s, "x.h5"), MUIR_ERR_ARG, "telemetry server/slowdown: wide, but");
    sample_describe(ctx->size, &s);
    s.tables[SAMPLE_FLEET].batch_rows = 0;
    check_failed(try_create(&s, "x.h5"), MUIR_ERR_ARG, "telemetry fleet: batch_rows=0 must be at least 1");
    sample_describe(ctx->size, &s);
    s.description.n_dimensions = 4; /* without /server/server */
    check_failed(try_create(&s, "x.h5"), MUIR_ERR_ARG,
                 "telemetry server/server: needs a dimension of fixed size");
    sample_describe(ctx->size, &s);
    s.dimensions[2].size = (size_t)ctx->size + 1;
    if (ctx->size > 1) check_failed(try_create(&s, "x.h5"), MUIR_ERR_ARG, "places cannot be gathered from");
}

static void a_second_writer_is_refused(void)
{
    muir_ctx *ctx = muir_test_ctx();
    sample s;
    sample_describe(ctx->size, &s);
    muir_telemetry *telemetry = NULL, *second = NULL;
    if (muir_is_root(ctx)) unlink(file_name());
    CU_ASSERT_EQUAL(sample_start(ctx, file_name(), false, &s, &telemetry), MUIR_OK);
    CU_ASSERT_EQUAL(sample_start(ctx, file_name(), true, &s, &second), MUIR_ERR_ARG);
    CU_ASSERT_PTR_NULL(second);
    CU_ASSERT_PTR_NOT_NULL(strstr(ctx->message, "is being written by another run"));
    muir_ctx_clear(ctx);
    CU_ASSERT_EQUAL(muir_telemetry_close(ctx, &telemetry, 0.0, NULL), MUIR_OK);
}

/* On rank 0 no file may grow beyond this one's size and `more` bytes; less than 0: as they like, even where
 * this one is gone. */
static void limit_file_size(long more)
{
    struct rlimit limit;
    struct stat info = {0};
    if (!muir_is_root(muir_test_ctx())) return;
    if (more >= 0) CU_ASSERT_EQUAL(stat(file_name(), &info), 0);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = more < 0 ? limit.rlim_max : (rlim_t)(info.st_size + more);
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Writes until the disk is full, `more` bytes from the first step on; gives the steps that were flushed. */
static int64_t write_until_full(const sample *s, long more)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_telemetry *telemetry = NULL;
    muir_status st = MUIR_OK;
    if (muir_is_root(ctx)) unlink(file_name());
    CU_ASSERT_EQUAL(sample_start(ctx, file_name(), false, s, &telemetry), MUIR_OK);
    limit_file_size(more);
    for (int64_t step = 0; st == MUIR_OK && step < 200000; step += 100)
        st = sample_write(ctx, telemetry, step, step + 100);
    CU_ASSERT_EQUAL(st, MUIR_ERR_FILE);
    CU_ASSERT_PTR_NOT_NULL(strstr(ctx->message, "File too large"));
    CU_ASSERT_PTR_NOT_NULL(strstr(ctx->message, file_name()));
    const int64_t steps = (int64_t)muir_telemetry_rows(telemetry, SAMPLE_FLEET);
    CU_ASSERT_EQUAL(muir_telemetry_flush(ctx, telemetry), MUIR_ERR_FILE);
    limit_file_size(-1); /* it would hold for memory too, unlike a full disk */
    if (more % 2)
        muir_telemetry_destroy(&telemetry);
    else
        CU_ASSERT_EQUAL(muir_telemetry_close(ctx, &telemetry, 0.0, NULL), MUIR_ERR_FILE);
    CU_ASSERT_PTR_NULL(telemetry);
    check_failed(MUIR_ERR_FILE, MUIR_ERR_FILE,
                 "File too large"); /* the first cause is still the one to show */
    return steps;
}

static void a_full_disk_fails_on_all_ranks_and_keeps_what_was_flushed(void)
{
    muir_ctx *ctx = muir_test_ctx();
    sample s;
    sample_describe(ctx->size, &s);
    for (size_t t = 0; t < SAMPLE_TABLES; t++) s.tables[t].batch_rows = 128; /* few flushes */
    static const long room[] = {0, 1, 100000, 400001, 1000000, 2000001};
    for (size_t i = 0; i < sizeof room / sizeof room[0]; i++) {
        muir_telemetry *telemetry = NULL;
        const int64_t steps = write_until_full(&s, room[i]);
        CU_ASSERT_EQUAL(sample_start(ctx, file_name(), true, &s, &telemetry), MUIR_OK);
        if (!telemetry) fprintf(stderr, "%ld: %s\n", room[i], ctx->message);
        if (!telemetry) return;
        CU_ASSERT(muir_telemetry_rows(telemetry, SAMPLE_FLEET) >= (size_t)steps);
        for (size_t t = 0; t < SAMPLE_TABLES; t++)
            CU_ASSERT_EQUAL(muir_telemetry_truncate(ctx, telemetry, t, sample_rows(t, steps)), MUIR_OK);
        CU_ASSERT_EQUAL(sample_write(ctx, telemetry, steps, steps + 30), MUIR_OK);
        CU_ASSERT_EQUAL(muir_telemetry_close(ctx, &telemetry, 0.0, NULL), MUIR_OK);
        if (muir_is_root(ctx)) CU_ASSERT_EQUAL(sample_count_wrong(file_name(), ctx->size, steps + 30), 0);
    }
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"places that cannot be are refused", places_that_cannot_be_are_refused},
        {"a file of another kind is refused", a_file_of_another_kind_is_refused},
        {"a description that contradicts itself is refused",
         a_description_that_contradicts_itself_is_refused},
        {"a second writer is refused", a_second_writer_is_refused},
        {"a full disk fails on all ranks and keeps what was flushed",
         a_full_disk_fails_on_all_ranks_and_keeps_what_was_flushed},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "telemetry errors", tests);
}
