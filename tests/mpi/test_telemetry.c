/* SPDX-License-Identifier: BSD-3-Clause */
/* Telemetry files: values, netCDF-4's rules, rows in memory. */
#include "io/telemetry.h"

#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "io/version.h"
#include "telemetry_sample.h"

enum { STEPS = 30 };

/* A file per rank count, since tests may run side by side; left for tests/cli/read_telemetry.py. */
static const char *file_name(void)
{
    static char name[32];
    snprintf(name, sizeof name, "telemetry_%d.h5", muir_test_ctx()->size);
    return name;
}

static muir_telemetry *create(const sample *s)
{
    muir_telemetry *telemetry = NULL;
    if (muir_is_root(muir_test_ctx())) unlink(file_name());
    CU_ASSERT_EQUAL_FATAL(sample_start(muir_test_ctx(), file_name(), false, s, &telemetry), MUIR_OK);
    return telemetry;
}

static void every_value_comes_back(void)
{
    muir_ctx *ctx = muir_test_ctx();
    sample s;
    sample_describe(ctx->size, &s);
    muir_telemetry *telemetry = create(&s);
    CU_ASSERT_EQUAL(sample_write(ctx, telemetry, 0, STEPS), MUIR_OK);
    CU_ASSERT_EQUAL(muir_telemetry_close(ctx, &telemetry, 0.0, NULL), MUIR_OK);
    CU_ASSERT_PTR_NULL(telemetry);
    if (muir_is_root(ctx)) CU_ASSERT_EQUAL(sample_count_wrong(file_name(), ctx->size, STEPS), 0);
    CU_ASSERT_EQUAL(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0);
    CU_ASSERT_STRING_EQUAL(ctx->message, "");
}

static bool is_tracked(hid_t object, bool is_group)
{
    unsigned links = H5P_CRT_ORDER_TRACKED, attributes = 0;
    const hid_t list = is_group ? H5Gget_create_plist(object) : H5Dget_create_plist(object);
    H5Pget_attr_creation_order(list, &attributes);
    if (is_group) H5Pget_link_creation_order(list, &links);
    H5Pclose(list);
    return (links & H5P_CRT_ORDER_TRACKED) != 0 && (attributes & H5P_CRT_ORDER_TRACKED) != 0;
}

static herr_t check_object(hid_t root, const char *name, const H5O_info_t *info, void *n_datasets)
{
    const hid_t object = H5Oopen(root, name, H5P_DEFAULT);
    CU_ASSERT(is_tracked(object, info->type == H5O_TYPE_GROUP));
    CU_ASSERT_EQUAL(info->mtime, 0);
    if (info->type == H5O_TYPE_DATASET) {
        const hid_t space = H5Dget_space(object);
        CU_ASSERT(H5Aexists(object, "units") > 0);
        CU_ASSERT(H5Aexists(object, "long_name") > 0);
        CU_ASSERT(H5Aexists(object, "provenance") > 0);
        CU_ASSERT(H5Sget_simple_extent_type(space) == H5S_SCALAR || H5Aexists(object, "DIMENSION_LIST") > 0 ||
                  H5Aexists(object, "CLASS") > 0);
        H5Sclose(space);
        ++*(int *)n_datasets;
    }
    H5Oclose(object);
    return 0;
}

static void every_dataset_describes_itself(void)
{
    int n_datasets = 0;
    if (!muir_is_root(muir_test_ctx())) return;
    const hid_t file = H5Fopen(file_name(), H5F_ACC_RDONLY, H5P_DEFAULT);
    CU_ASSERT(file >= 0);
    CU_ASSERT(H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_NATIVE, check_object, &n_datasets,
                        H5O_INFO_BASIC | H5O_INFO_TIME) >= 0);
    CU_ASSERT_EQUAL(n_datasets, 6 + 4 + 3 + 2 + 2 + 4); /* dimensions, columns of four tables, constants */
    H5Fclose(file);
}

static void stored_texts_are_read_on_every_rank(void)
{
    muir_ctx *ctx = muir_test_ctx();
    char *text = NULL;
    CU_ASSERT_EQUAL(muir_telemetry_read_text(ctx, file_name(), "scenario/resolved", &text), MUIR_OK);
    CU_ASSERT(text && strcmp(text, "fleet: sample\nsteps: 30 # with an umlaut: \xc3\xbc\n") == 0);
    free(text);
    CU_ASSERT_EQUAL(muir_telemetry_read_attribute(ctx, file_name(), "events", "description", &text), MUIR_OK);
    CU_ASSERT_STRING_EQUAL(text, "faults injected");
    free(text);
    CU_ASSERT_EQUAL(muir_telemetry_read_attribute(ctx, file_name(), "", "note", &text), MUIR_OK);
    CU_ASSERT_STRING_EQUAL(text, "");
    free(text);
    text = NULL;
    CU_ASSERT_EQUAL(muir_telemetry_read_attribute(ctx, file_name(), "", "colour", &text), MUIR_ERR_ARG);
    CU_ASSERT_PTR_NULL(text);
    CU_ASSERT_PTR_NOT_NULL(strstr(ctx->message, "has no attribute /colour"));
    muir_ctx_clear(ctx);
    CU_ASSERT_EQUAL(muir_telemetry_read_text(ctx, file_name(), "server/server_id", &text), MUIR_ERR_ARG);
    CU_ASSERT_PTR_NOT_NULL(strstr(ctx->message, "server/server_id is not a single text"));
    muir_ctx_clear(ctx);
}

static void flushed_rows_can_be_read_back(void)
{
    muir_ctx *ctx = muir_test_ctx();
    sample s;
    sample_describe(ctx->size, &s);
    muir_telemetry *telemetry = create(&s);
    CU_ASSERT_EQUAL(sample_write(ctx, telemetry, 0, 1), MUIR_OK);
    CU_ASSERT_EQUAL(muir_telemetry_rows(telemetry, SAMPLE_FLEET), 0);
    CU_ASSERT_EQUAL(muir_telemetry_flush(ctx, telemetry), MUIR_OK);
    CU_ASSERT_EQUAL(muir_telemetry_rows(telemetry, SAMPLE_FLEET), 1);
    CU_ASSERT_EQUAL(muir_telemetry_rows(telemetry, SAMPLE_EVENTS), 2);
    int32_t retries[16] = {0};
    CU_ASSERT_EQUAL(muir_telemetry_read_row(ctx, telemetry, SAMPLE_RANK, 1, 0, retries), MUIR_OK);
    CU_ASSERT_EQUAL(retries[0], 5);
    CU_ASSERT_EQUAL(retries[ctx->size - 1], ((ctx->size - 1) * 4 + 1) * 4 + 1);
    CU_ASSERT_EQUAL(muir_telemetry_read_row(ctx, telemetry, SAMPLE_RANK, 1, 1, retries), MUIR_ERR_ARG);
    muir_ctx_clear(ctx);
    CU_ASSERT_EQUAL(muir_telemetry_close(ctx, &telemetry, 0.0, NULL), MUIR_OK);
}

static void a_batch_takes_its_rows_and_no_more(void)
{
    muir_ctx *ctx = muir_test_ctx();
    sample s;
    sample_describe(ctx->size, &s);
    muir_telemetry *telemetry = create(&s);
    const double value = 1;
    int64_t last = 0;
    CU_ASSERT_FALSE(muir_telemetry_last(telemetry, SAMPLE_FLEET, &last));
    for (int i = 0; i < SAMPLE_BATCH; i++) {
        CU_ASSERT_EQUAL(muir_telemetry_room(telemetry, SAMPLE_FLEET), (size_t)(SAMPLE_BATCH - i));
        CU_ASSERT_FALSE(muir_telemetry_is_full(telemetry));
        CU_ASSERT_EQUAL(muir_telemetry_end_row(ctx, telemetry, SAMPLE_FLEET, 10 + i), MUIR_OK);
        CU_ASSERT_TRUE(muir_telemetry_last(telemetry, SAMPLE_FLEET, &last));
        CU_ASSERT_EQUAL(last, 10 + i);
    }
    CU_ASSERT_TRUE(muir_telemetry_is_full(telemetry));
    CU_ASSERT_EQUAL(muir_telemetry_put(ctx, telemetry, SAMPLE_FLEET, 0, &value), MUIR_ERR_ARG);
    CU_ASSERT_STRING_EQUAL(ctx->message, "telemetry fleet: the batch of 4 rows is full");
    muir_ctx_clear(ctx);
    CU_ASSERT_EQUAL(muir_telemetry_end_row(ctx, telemetry, SAMPLE_FLEET, 99), MUIR_ERR_ARG);
    muir_ctx_clear(ctx);
    CU_ASSERT_EQUAL(muir_telemetry_flush(ctx, telemetry), MUIR_OK);
    CU_ASSERT_EQUAL(muir_telemetry_end_row(ctx, telemetry, SAMPLE_FLEET, 13), MUIR_ERR_ARG);
    CU_ASSERT_STRING_EQUAL(ctx->message, "telemetry fleet: step 13 after 13");
    muir_ctx_clear(ctx);
    muir_telemetry_destroy(&telemetry);
    CU_ASSERT_PTR_NULL(telemetry);
    CU_ASSERT_EQUAL(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0);
}

static void every_rank_may_put_several_places(void)
{
    muir_ctx *ctx = muir_test_ctx();
    const size_t ranks = (size_t)ctx->size;
    sample s;
    sample_describe(ctx->size, &s);
    s.dimensions[2].size = 3 * ranks;
    muir_telemetry *telemetry = create(&s);
    const double values[3] = {ctx->rank, ctx->rank + 0.25, ctx->rank + 0.5};
    double *row = calloc(3 * ranks, sizeof *row);
    for (int step = 0; step < 2; step++) {
        CU_ASSERT_EQUAL(muir_telemetry_put(ctx, telemetry, SAMPLE_RANK, 0, values), MUIR_OK);
        CU_ASSERT_EQUAL(muir_telemetry_end_row(ctx, telemetry, SAMPLE_RANK, step), MUIR_OK);
    }
    CU_ASSERT_EQUAL(muir_telemetry_flush(ctx, telemetry), MUIR_OK);
    CU_ASSERT_EQUAL(muir_telemetry_read_row(ctx, telemetry, SAMPLE_RANK, 0, 1, row), MUIR_OK);
    for (size_t i = 0; i < 3 * ranks; i++) CU_ASSERT_EQUAL(row[i], (double)(i / 3) + 0.25 * (double)(i % 3));
    free(row);
    CU_ASSERT_EQUAL(muir_telemetry_close(ctx, &telemetry, 0.0, NULL), MUIR_OK);
}

static void the_library_tells_its_version(void)
{
    char version[32] = "";
    muir_io_version(version, sizeof version);
    CU_ASSERT(strncmp(version, "HDF5 ", 5) == 0 && strchr(version, '.'));
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"flushed rows can be read back", flushed_rows_can_be_read_back},
        {"a batch takes its rows and no more", a_batch_takes_its_rows_and_no_more},
        {"every rank may put several places", every_rank_may_put_several_places},
        {"every value comes back", every_value_comes_back},
        {"every dataset describes itself", every_dataset_describes_itself},
        {"stored texts are read on every rank", stored_texts_are_read_on_every_rank},
        {"the library tells its version", the_library_tells_its_version},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "telemetry", tests);
}
