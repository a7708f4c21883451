/* SPDX-License-Identifier: BSD-3-Clause */
/* Telemetry files opened again: after a close, after a kill, cut, and refused. */
#include <hdf5.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "io/telemetry.h"
#include "telemetry_sample.h"

enum { STEPS = 30 };

typedef struct file_names {
    char run[40], copy[40];
} file_names;

static file_names names(void)
{
    file_names n;
    snprintf(n.run, sizeof n.run, "resume_%d.h5", muir_test_ctx()->size);
    snprintf(n.copy, sizeof n.copy, "resume_%d_copy.h5", muir_test_ctx()->size);
    return n;
}

/* What a SIGKILL would leave at this moment: the file as it is on disk. */
static void copy_file(const char *from, const char *to)
{
    char buffer[4096];
    size_t n = 0;
    if (!muir_is_root(muir_test_ctx())) return;
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    while ((n = fread(buffer, 1, sizeof buffer, in)) > 0) fwrite(buffer, 1, n, out);
    fclose(in);
    fclose(out);
}

static muir_telemetry *create(const sample *s, const char *path)
{
    muir_telemetry *telemetry = NULL;
    if (muir_is_root(muir_test_ctx())) unlink(path);
    CU_ASSERT_EQUAL_FATAL(sample_start(muir_test_ctx(), path, false, s, &telemetry), MUIR_OK);
    return telemetry;
}

static muir_telemetry *open_again(const sample *s, const char *path)
{
    muir_telemetry *telemetry = NULL;
    const muir_status st = sample_start(muir_test_ctx(), path, true, s, &telemetry);
    if (st != MUIR_OK) fprintf(stderr, "%s\n", muir_test_ctx()->message);
    CU_ASSERT_EQUAL_FATAL(st, MUIR_OK);
    if (muir_test_ctx()->message[0]) fprintf(stderr, "%s\n", muir_test_ctx()->message);
    CU_ASSERT_STRING_EQUAL(muir_test_ctx()->message, "");
    return telemetry;
}

/* A whole file of STEPS steps under names().run. */
static void write_whole(const sample *s)
{
    muir_telemetry *telemetry = create(s, names().run);
    CU_ASSERT_EQUAL(sample_write(muir_test_ctx(), telemetry, 0, STEPS), MUIR_OK);
    CU_ASSERT_EQUAL(muir_telemetry_close(muir_test_ctx(), &telemetry, 0.0, NULL), MUIR_OK);
}

static void check_file(const char *path, int64_t steps)
{
    const muir_ctx *ctx = muir_test_ctx();
    if (muir_is_root(ctx)) CU_ASSERT_EQUAL(sample_count_wrong(path, ctx->size, steps), 0);
    CU_ASSERT_EQUAL(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0);
}

static void cut_to_steps(muir_telemetry *telemetry, int64_t steps)
{
    for (size_t t = 0; t < SAMPLE_TABLES; t++) {
        const size_t rows = sample_rows(t, steps);
        CU_ASSERT_EQUAL(muir_telemetry_truncate(muir_test_ctx(), telemetry, t, rows), MUIR_OK);
        CU_ASSERT_EQUAL(muir_telemetry_rows(telemetry, t), rows);
    }
}

static void a_closed_file_is_continued(void)
{
    muir_ctx *ctx = muir_test_ctx();
    const file_names n = names();
    sample s;
    sample_describe(ctx->size, &s);
    muir_telemetry *telemetry = create(&s, n.run);
    CU_ASSERT_EQUAL(muir_telemetry_close(ctx, &telemetry, 0.0, NULL), MUIR_OK); /* not a row */
    for (int64_t from = 0; from < STEPS; from += 6) {
        telemetry = open_again(&s, n.run);
        CU_ASSERT_EQUAL(muir_telemetry_rows(telemetry, SAMPLE_FLEET), (size_t)from);
        CU_ASSERT_EQUAL(sample_write(ctx, telemetry, from, from + 6), MUIR_OK);
        CU_ASSERT_EQUAL(muir_telemetry_close(ctx, &telemetry, 0.0, NULL), MUIR_OK);
    }
    check_file(n.run, STEPS);
}

static void a_killed_file_keeps_its_flushed_rows_and_is_continued(void)
{
    muir_ctx *ctx = muir_test_ctx();
    const file_names n = names();
    sample s;
    sample_describe(ctx->size, &s);
    muir_telemetry *telemetry = create(&s, n.run);
    CU_ASSERT_EQUAL(sample_write(ctx, telemetry, 0, 19), MUIR_OK);
    const size_t rows = muir_telemetry_rows(telemetry, SAMPLE_FLEET);
    CU_ASSERT(rows > 0 && rows < 19);
    copy_file(n.run, n.copy);
    muir_telemetry_destroy(&telemetry);

    telemetry = open_again(&s, n.copy);
    int64_t last = -1;
    CU_ASSERT_EQUAL(muir_telemetry_rows(telemetry, SAMPLE_FLEET), rows);
    CU_ASSERT_TRUE(muir_telemetry_last(telemetry, SAMPLE_FLEET, &last));
    CU_ASSERT_EQUAL(last, (int64_t)rows - 1);
    cut_to_steps(telemetry, last + 1);
    CU_ASSERT_EQUAL(sample_write(ctx, telemetry, last + 1, STEPS), MUIR_OK);
    CU_ASSERT_EQUAL(muir_telemetry_close(ctx, &telemetry, 0.0, NULL), MUIR_OK);
    check_file(n.copy, STEPS);
}

/* Writes steps from .. to - 1 and packs; the file must get smaller, and on rank 0 we are told so. */
static void write_and_pack(const sample *s, const char *path, int64_t from, int64_t to)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_telemetry_size size = {.bytes = -1};
    muir_telemetry *telemetry = from == 0 ? create(s, path) : open_again(s, path);
    CU_ASSERT_EQUAL(muir_telemetry_rows(telemetry, SAMPLE_FLEET), (size_t)from);
    CU_ASSERT_EQUAL(sample_write(ctx, telemetry, from, to), MUIR_OK);
    CU_ASSERT_EQUAL(muir_telemetry_close(ctx, &telemetry, 1e9, &size), MUIR_OK);
    CU_ASSERT(muir_is_root(ctx) ? 0 < size.bytes && size.bytes < size.plain_bytes / 2 : size.bytes == 0);
    check_file(path, to);
}

static void a_file_that_cannot_be_packed_is_whole_and_says_why(void)
{
    muir_ctx *ctx = muir_test_ctx();
    const file_names n = names();
    sample s;
    char part[64];
    muir_telemetry_size size = {.bytes = -1};
    snprintf(part, sizeof part, "%s.part", n.run);
    sample_describe(ctx->size, &s);
    muir_telemetry *telemetry = create(&s, n.run);
    CU_ASSERT_EQUAL(sample_write(ctx, telemetry, 0, 50), MUIR_OK);
    if (muir_is_root(ctx)) CU_ASSERT_EQUAL(mkdir(part, 0700), 0); /* where the packed one would be made */
    CU_ASSERT_EQUAL(muir_telemetry_close(ctx, &telemetry, 1e9, &size), MUIR_OK);
    CU_ASSERT(muir_is_root(ctx) ? strstr(size.unpacked, part) != NULL : size.unpacked[0] == '\0');
    CU_ASSERT_EQUAL(size.bytes, size.plain_bytes);
    if (muir_is_root(ctx)) rmdir(part);
    check_file(n.run, 50);
}

static void a_packed_file_holds_the_same_and_is_continued(void)
{
    muir_ctx *ctx = muir_test_ctx();
    const file_names n = names();
    sample s;
    sample_describe(ctx->size, &s);
    for (size_t t = 0; t < SAMPLE_TABLES; t++) s.tables[t].batch_rows = 512; /* few flushes */
    write_and_pack(&s, n.run, 0, 5000);
    write_and_pack(&s, n.run, 5000, 9000);
    muir_telemetry *telemetry = open_again(&s, n.run); /* plain again, also if it is killed now */
    copy_file(n.run, n.copy);
    CU_ASSERT_EQUAL(muir_telemetry_close(ctx, &telemetry, 0.0, NULL), MUIR_OK);
    write_and_pack(&s, n.copy, 9000, 9100);
    /* a leftover of a launch that was killed while it packed is in nobody's way */
    char part[64];
    snprintf(part, sizeof part, "%s.part", n.run);
    copy_file(n.copy, part);
    write_and_pack(&s, n.run, 9000, 9200);
}

static void rows_that_are_not_whole_are_cut_off(void)
{
    muir_ctx *ctx = muir_test_ctx();
    const file_names n = names();
    sample s;
    sample_describe(ctx->size, &s);
    write_whole(&s);
    if (muir_is_root(
            ctx)) { /* columns longer and shorter than the coordinate, as between two writes of a flush */
        const hsize_t longer = STEPS + 3, shorter = STEPS / 3 - 2;
        const hid_t file = H5Fopen(n.run, H5F_ACC_RDWR, H5P_DEFAULT);
        const hid_t fleet = H5Dopen2(file, "fleet/step_time", H5P_DEFAULT);
        const hid_t server = H5Dopen2(file, "server/power", H5P_DEFAULT);
        CU_ASSERT(H5Dset_extent(fleet, &longer) >= 0 && H5Dset_extent(server, &shorter) >= 0);
        H5Dclose(fleet);
        H5Dclose(server);
        H5Fclose(file);
    }
    muir_telemetry *telemetry = open_again(&s, n.run);
    CU_ASSERT_EQUAL(muir_telemetry_rows(telemetry, SAMPLE_FLEET), STEPS);
    CU_ASSERT_EQUAL(muir_telemetry_rows(telemetry, SAMPLE_SERVER), STEPS / 3 - 2);
    cut_to_steps(telemetry, STEPS - 6);
    CU_ASSERT_EQUAL(muir_telemetry_close(ctx, &telemetry, 0.0, NULL), MUIR_OK);
    check_file(n.run, STEPS - 6);
}

static void a_table_is_cut_and_grows_again(void)
{
    muir_ctx *ctx = muir_test_ctx();
    const file_names n = names();
    sample s;
    sample_describe(ctx->size, &s);
    write_whole(&s);
    for (int64_t kept = STEPS; kept >= 0; kept -= 10) {
        muir_telemetry *telemetry = open_again(&s, n.run);
        cut_to_steps(telemetry, kept);
        CU_ASSERT_EQUAL(muir_telemetry_truncate(ctx, telemetry, SAMPLE_FLEET, STEPS + 1), MUIR_ERR_ARG);
        muir_ctx_clear(ctx);
        CU_ASSERT_EQUAL(sample_write(ctx, telemetry, kept, STEPS), MUIR_OK);
        CU_ASSERT_EQUAL(muir_telemetry_close(ctx, &telemetry, 0.0, NULL), MUIR_OK);
        check_file(n.run, STEPS);
    }
}

static void rows_are_found_by_their_coordinate(void)
{
    muir_ctx *ctx = muir_test_ctx();
    sample s;
    sample_describe(ctx->size, &s);
    write_whole(&s);
    muir_telemetry *telemetry = open_again(&s, names().run);
    size_t rows = 0;
    for (int64_t step = -1; step <= STEPS + 1; step++) {
        const int64_t steps = step < 0 ? 0 : step > STEPS ? STEPS : step;
        CU_ASSERT_EQUAL(muir_telemetry_rows_before(ctx, telemetry, SAMPLE_SERVER, step, &rows), MUIR_OK);
        CU_ASSERT_EQUAL(rows, sample_rows(SAMPLE_SERVER, steps));
    }
    CU_ASSERT_EQUAL(muir_telemetry_close(ctx, &telemetry, 0.0, NULL), MUIR_OK);
}

/* The file of write_whole is refused with a message that ends in `message`. */
static void check_refused(const sample *s, const char *message)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_telemetry *telemetry = NULL;
    CU_ASSERT_EQUAL(sample_start(ctx, names().run, true, s, &telemetry), MUIR_ERR_ARG);
    CU_ASSERT_PTR_NULL(telemetry);
    CU_ASSERT_PTR_NOT_NULL(strstr(ctx->message, message));
    if (!strstr(ctx->message, message)) fprintf(stderr, "%s\n", ctx->message);
    muir_ctx_clear(ctx);
    CU_ASSERT_EQUAL(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0);
}

static void another_description_is_refused(void)
{
    muir_ctx *ctx = muir_test_ctx();
    sample s;
    sample_describe(ctx->size, &s);
    write_whole(&s);
    s.dimensions[4].size = 7;
    check_refused(&s, "server/slowdown has 5 values per row, but this run writes 7");

    sample_describe(ctx->size, &s);
    muir_column other = s.tables[SAMPLE_EVENTS].columns[0];
    s.tables[SAMPLE_EVENTS].columns = &other;
    s.tables[SAMPLE_EVENTS].n_columns = 1;
    other.type = MUIR_I64;
    check_refused(&s, "events/kind has a different type or shape from what this run writes");
    other.type = MUIR_I32;
    other.label.name = "colour";
    check_refused(&s, "has no dataset events/colour, which this run writes");
}

static void another_format_version_is_refused(void)
{
    muir_ctx *ctx = muir_test_ctx();
    sample s;
    sample_describe(ctx->size, &s);
    write_whole(&s);
    if (muir_is_root(ctx)) {
        const hid_t file = H5Fopen(names().run, H5F_ACC_RDWR, H5P_DEFAULT);
        const hid_t format = H5Aopen(file, "format_version", H5P_DEFAULT), type = H5Aget_type(format);
        CU_ASSERT(H5Awrite(format, type, "0") >= 0);
        H5Tclose(type);
        H5Aclose(format);
        H5Fclose(file);
    }
    check_refused(&s, "has format_version 0, but this version of muir writes 2");
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"a closed file is continued", a_closed_file_is_continued},
        {"a killed file keeps its flushed rows and is continued",
         a_killed_file_keeps_its_flushed_rows_and_is_continued},
        {"a file that cannot be packed is whole and says why",
         a_file_that_cannot_be_packed_is_whole_and_says_why},
        {"a packed file holds the same and is continued", a_packed_file_holds_the_same_and_is_continued},
        {"rows that are not whole are cut off", rows_that_are_not_whole_are_cut_off},
        {"a table is cut and grows again", a_table_is_cut_and_grows_again},
        {"rows are found by their coordinate", rows_are_found_by_their_coordinate},
        {"another description is refused", another_description_is_refused},
        {"another format version is refused", another_format_version_is_refused},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "telemetry resume", tests);
}
