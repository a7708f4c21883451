/* SPDX-License-Identifier: BSD-3-Clause */
/* JSON documents: what is written, and what is said where a value is no number. */
#include "text/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

static const char PATH[] = "json_test.json";

static json_t *read_back(void)
{
    json_t *document = json_load_file(PATH, JSON_DECODE_ANY, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(document);
    unlink(PATH);
    return document;
}

static void every_kind_of_value_comes_back(void)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_json_notes notes;
    muir_json root = muir_json_begin(&notes);
    muir_json_real(&root, "real", 0.1);
    muir_json_count(&root, "count", INT64_C(1) << 60);
    muir_json_text(&root, "text", "two\nlines");
    muir_json_text(&root, "no_text", NULL);
    muir_json_is(&root, "is", true);
    muir_json_maybe(&root, "maybe", NAN);
    muir_json list = muir_json_list(&root, "list");
    for (int i = 0; i < 2; i++) {
        muir_json item = muir_json_item(&list);
        muir_json_count(&item, "i", i);
    }
    CU_ASSERT_EQUAL(muir_json_end(ctx, &root, PATH), MUIR_OK);
    json_t *d = read_back();
    CU_ASSERT_EQUAL(json_real_value(json_object_get(d, "real")), 0.1);
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(d, "count")), INT64_C(1) << 60);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(d, "text")), "two\nlines");
    CU_ASSERT(json_is_null(json_object_get(d, "no_text")) && json_is_null(json_object_get(d, "maybe")));
    CU_ASSERT(json_is_true(json_object_get(d, "is")));
    CU_ASSERT_EQUAL(json_array_size(json_object_get(d, "list")), 2);
    json_decref(d);
}

static void a_value_that_is_no_number_is_null_and_said(void)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_json_notes notes;
    muir_json root = muir_json_begin(&notes);
    muir_json fleet = muir_json_object(&root, "fleet");
    muir_json list = muir_json_list(&fleet, "lines");
    muir_json item = muir_json_item(&list);
    muir_json_real(&item, "hz", NAN);
    muir_json_real(&fleet, "mfu", INFINITY);
    muir_json_real(&fleet, "hfu", 0.5);
    CU_ASSERT_EQUAL(muir_json_end(ctx, &root, PATH), MUIR_ERR_CHECK);
    CU_ASSERT_STRING_EQUAL(ctx->message,
                           "fleet.lines.0.hz is not a number, nor are others: a defect of muir; "
                           "the JSON document has null there");
    muir_ctx_clear(ctx);
    json_t *d = read_back(), *found = json_object_get(d, "fleet");
    CU_ASSERT(json_is_null(json_object_get(found, "mfu")));
    CU_ASSERT_EQUAL(json_real_value(json_object_get(found, "hfu")), 0.5);
    json_decref(d);
}

static void a_file_that_cannot_be_written_is_said(void)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_json_notes notes;
    muir_json root = muir_json_begin_list(&notes);
    CU_ASSERT_EQUAL(muir_json_end(ctx, &root, "no/such/folder.json"), MUIR_ERR_FILE);
    CU_ASSERT_STRING_EQUAL(ctx->message, "no/such/folder.json: the JSON document cannot be written: No such "
                                         "file or directory");
    muir_ctx_clear(ctx);
    muir_json_drop(&root); /* freed already: harmless */
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"every kind of value comes back", every_kind_of_value_comes_back},
        {"a value that is no number is null and said", a_value_that_is_no_number_is_null_and_said},
        {"a file that cannot be written is said", a_file_that_cannot_be_written_is_said},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "json", tests);
}
