/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables of published runs: reading, rows as scenarios, refusals, and the errors reached on the shipped
 * table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "validation/fit.h"
#include "validation/published.h"
#include "validation/validate.h"
#include "scenario/catalogue.h"

static const char *const head =
    "id,fleet,chips,stack,model,layers,hidden,heads,kv_heads,ffn,mlp,vocab,experts,topk,seq_len,"
    "global_batch_size,micro_batch_size,tp,pp,vpp,dp,cp,ep,zero_stage,recompute,sequence_parallel,precision,"
    "step_time_s,complete,notes\n";

/* The table that `text` is, read through a file. */
static muir_status read_text(const char *text, muir_csv **csv)
{
    char path[] = "muir-validate-XXXXXX";
    const int fd = mkstemp(path);
    CU_ASSERT_FATAL(fd >= 0);
    FILE *file = fdopen(fd, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs(text, file);
    fclose(file);
    muir_ctx_clear(muir_test_ctx());
    const muir_status st = muir_csv_read(muir_test_ctx(), path, csv);
    unlink(path);
    return st;
}

static void quoted_fields_keep_commas_and_quotes(void)
{
    muir_csv *csv = NULL;
    CU_ASSERT_EQUAL_FATAL(read_text("a,b\r\n\n\"x, \"\"y\"\"\",2 \n3,\"\n\"\n", &csv), MUIR_OK);
    CU_ASSERT_EQUAL(csv->n_rows, 2);
    CU_ASSERT_STRING_EQUAL(muir_csv_get(csv, 0, "a"), "x, \"y\"");
    CU_ASSERT_STRING_EQUAL(muir_csv_get(csv, 0, "b"), "2");
    CU_ASSERT_STRING_EQUAL(muir_csv_get(csv, 1, "b"), "\n");
    CU_ASSERT_STRING_EQUAL(muir_csv_get(csv, 1, "none"), "");
    CU_ASSERT_FALSE(muir_csv_has(csv, "none"));
    CU_ASSERT_EQUAL(csv->lines[1], 4);
    muir_csv_destroy(&csv);
}

static void broken_tables_are_refused_with_the_line(void)
{
    static const struct {
        const char *text, *message;
    } broken[] = {{"a,b\n1,2\n1\n", ":3: 1 fields, but 2 columns"},
                  {"a,b\n1,2,3\n", ":2: more than 2 fields"},
                  {"a,b\n1,\"2\n", ":2: a quote is not closed"},
                  {"a,b\n\"1\"x,2\n", ":2: 'x' after a closing quote"},
                  {"\n", "the table is empty"}};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        muir_csv *csv = NULL;
        CU_ASSERT_EQUAL(read_text(broken[i].text, &csv), MUIR_ERR_ARG);
        CU_ASSERT_PTR_NULL(csv);
        CU_ASSERT_PTR_NOT_NULL(strstr(muir_test_ctx()->message, broken[i].message));
    }
}

/* One row after the head, as a prediction. */
static muir_validate_row validate_one(const char *line)
{
    char text[4000];
    muir_csv *csv = NULL;
    muir_validate_row row;
    snprintf(text, sizeof text, "%s%s\n", head, line);
    CU_ASSERT_EQUAL_FATAL(read_text(text, &csv), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(csv->n_rows, 1);
    CU_ASSERT_EQUAL_FATAL(muir_validate(muir_test_ctx(), csv, NULL, &row), MUIR_OK);
    row.id = row.fleet = row.source = row.complete = "";
    muir_csv_destroy(&csv);
    return row;
}

static void a_model_that_no_file_has_comes_from_its_columns(void)
{
    const muir_validate_row known = validate_one("a,dgx-h100,64,megatron-core,Llama-3.1-70B,80,8192,64,8,"
                                                 "28672,swiglu,128256,,,8192,128,1,4,4,5,2,2,,1,none,"
                                                 "yes,fp8,11.01,yes,");
    const muir_validate_row built = validate_one("a,dgx-h100,64,megatron-core,Nobody-70B,80,8192,64,8,28672,"
                                                 "swiglu,128256,,,8192,128,1,4,4,5,2,2,,1,none,yes,"
                                                 "fp8,11.01,yes,");
    CU_ASSERT_FALSE(known.is_skipped);
    CU_ASSERT_FALSE(built.is_skipped);
    CU_ASSERT_STRING_EQUAL(known.stack, "megatron-core-h100");
    CU_ASSERT_DOUBLE_EQUAL(built.predicted_s / known.predicted_s, 1.0,
                           1e-3); /* tied embedding: same products */
}

/* Never silently some other software's figures: its kind's where the names say one, else what all share, each
 * with the wider interval. */
static void unknown_software_takes_what_is_known_of_its_kind(void)
{
    const muir_validate_row known = validate_one("a,dgx-h100,64,megatron-core,Llama-3.1-70B,80,,,,,,,,,8192,"
                                                 "128,1,4,4,5,2,2,,1,none,yes,fp8,11.01,yes,");
    const muir_validate_row kind = validate_one(
        "a,dgx-h100,64,deepspeed,Llama-3.1-70B,80,,,,,,,,,8192,128,1,4,4,5,2,2,,1,none,yes,fp8,11.01,yes,");
    const muir_validate_row none = validate_one(
        "a,dgx-h100,64,nobody,Llama-3.1-70B,80,,,,,,,,,8192,128,1,4,4,5,2,2,,1,none,yes,fp8,11.01,yes,");
    CU_ASSERT_STRING_EQUAL(known.stack, "megatron-core-h100");
    CU_ASSERT_STRING_EQUAL(known.basis, "fitted");
    CU_ASSERT_STRING_EQUAL(kind.stack, "eager-h100");
    CU_ASSERT_STRING_EQUAL(kind.basis, "pooled");
    CU_ASSERT_STRING_EQUAL(none.stack, "any");
    CU_ASSERT_STRING_EQUAL(none.basis, "pooled");
    CU_ASSERT(none.high_s / none.low_s > known.high_s / known.low_s);
    CU_ASSERT(kind.high_s / kind.low_s > known.high_s / known.low_s);
}

/* The file has 2,048 servers of 8. */
static void a_row_may_have_more_servers_than_the_fleets_file(void)
{
    const muir_validate_row row = validate_one("a,dgx-h100,32768,megatron-core,Llama-3.1-70B,80,,,,,,,,,8192,"
                                               "8192,1,4,4,5,2048,1,,1,none,yes,fp8,11.01,"
                                               "yes,");
    CU_ASSERT_FALSE(row.is_skipped);
}

/* A rate in place of the time: 128 sequences of 8,192 tokens in 10 s on 64 chips. */
static void a_rate_stands_for_the_step_time(void)
{
    static const char *const table =
        "id,fleet,chips,stack,model,seq_len,global_batch_size,micro_batch_size,tp,pp,"
        "dp,tokens_per_s_per_chip,complete\n"
        "a,dgx-h100,64,megatron-core,Llama-3.1-8B,8192,128,1,1,1,64,1638.4,yes\n";
    muir_csv *csv = NULL;
    muir_validate_row row;
    CU_ASSERT_EQUAL_FATAL(read_text(table, &csv), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_validate(muir_test_ctx(), csv, NULL, &row), MUIR_OK);
    CU_ASSERT_FALSE(row.is_skipped);
    CU_ASSERT_DOUBLE_EQUAL(row.real_s, 10.0, 1e-9);
    muir_csv_destroy(&csv);
}

/* What releases did otherwise, by the text of a row's source. */
static void sources_name_the_release(void)
{
    static const char *const table =
        "id,fleet,chips,stack,model,layers,seq_len,global_batch_size,tp,pp,dp,cp,ep,step_time_s,source\n"
        "a,dgx-h100,8,x,Llama-3.1-8B,32,8192,8,1,1,8,1,1,1,READMEs @old\n"
        "b,dgx-h100,8,x,Llama-3.1-8B,32,8192,8,1,1,8,1,1,1,READMEs @new\n";
    muir_csv *csv = NULL, *names = NULL, *wrong = NULL;
    muir_scenario s;
    CU_ASSERT_EQUAL_FATAL(read_text(table, &csv), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(read_text("kind,published,name\nrelease,@old,stack.permute_scan=0.5\n", &names),
                          MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(read_text("kind,published,name\nrelease,@old,slow\n", &wrong), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_published_scenario(muir_test_ctx(), csv, 0, names, NULL, &s), MUIR_OK);
    CU_ASSERT_EQUAL(s.job.stack.permute_scan, 0.5);
    CU_ASSERT_EQUAL_FATAL(muir_published_scenario(muir_test_ctx(), csv, 1, names, NULL, &s), MUIR_OK);
    CU_ASSERT_EQUAL(s.job.stack.permute_scan, 0.0);
    CU_ASSERT_EQUAL(muir_published_scenario(muir_test_ctx(), csv, 0, wrong, NULL, &s), MUIR_ERR_ARG);
    muir_csv_destroy(&csv);
    muir_csv_destroy(&names);
    muir_csv_destroy(&wrong);
}

static void rows_that_cannot_be_run_say_why(void)
{
    static const struct {
        const char *line, *why;
    } bad[] = {
        {"a,dgx-h100,60,x,GPT-22B,,,,,,,,,,2048,64,1,4,4,1,4,1,,1,none,no,bf16,1,yes,", "but chips is 60"},
        {"a,nowhere,64,x,GPT-22B,,,,,,,,,,2048,64,1,4,4,1,4,1,,1,none,no,bf16,1,yes,",
         "'nowhere' is unknown"},
        {"a,dgx-h100,64,x,GPT-9,,,,,,,,,,2048,64,1,4,4,1,4,1,,1,none,no,bf16,1,yes,",
         "column layers is empty"},
        {"a,dgx-h100,64,x,GPT-22B,,,,,,,,,,2048,64,1,4,4,1,4,1,,1,none,no,bf17,1,yes,",
         "precision 'bf17' is unknown"},
        {"a,dgx-h100,64,x,GPT-22B,,,,,,,,,,2048,63,1,4,4,1,4,1,,1,none,no,bf16,1,yes,",
         "not a multiple of dp"},
        {"a,dgx-h100,64,x,GPT-22B,,,,,,,,,,2048,64,1.5,4,4,1,4,1,,1,none,no,bf16,1,yes,",
         "must be a whole number"},
        {"a,dgx-h100,64,x,GPT-22B,,,,,,,,,,2048,64,1,4,4,1,4,1,,1,none,no,bf16,,yes,",
         "step_time_s is empty"},
        {"a,dgx-a100-80gb,64,x,GPT-22B,,,,,,,,,,2048,64,1,4,4,1,4,1,,1,none,no,fp8,1,yes,",
         "does not support it"},
        {"a,dgx-h100,8,x,Llama-3.1-70B [LoRA],,,,,,,,,,4096,32,1,1,2,,4,1,,,,no,fp8,1,yes,", "not modelled"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const muir_validate_row row = validate_one(bad[i].line);
        CU_ASSERT(row.is_skipped);
        if (!strstr(row.why, bad[i].why)) fprintf(stderr, "'%s' lacks '%s'\n", row.why, bad[i].why);
        CU_ASSERT_PTR_NOT_NULL(strstr(row.why, bad[i].why));
    }
}

static void a_table_without_a_needed_column_is_refused(void)
{
    muir_csv *csv = NULL;
    muir_validate_row row;
    CU_ASSERT_EQUAL_FATAL(read_text("id,fleet\na,b\n", &csv), MUIR_OK);
    muir_ctx_clear(muir_test_ctx());
    CU_ASSERT_EQUAL(muir_validate(muir_test_ctx(), csv, NULL, &row), MUIR_ERR_ARG);
    CU_ASSERT_PTR_NOT_NULL(strstr(muir_test_ctx()->message, "no column 'chips'"));
    muir_csv_destroy(&csv);
}

static bool is_complete(const muir_validate_row *row, const void *unused)
{
    (void)unused;
    return strcmp(row->complete, "yes") == 0;
}

static bool is_megatron(const muir_validate_row *row, const void *unused)
{
    return is_complete(row, unused) && strncmp(row->stack, "megatron", 8) == 0;
}

static void check_group(const muir_validate_row *rows, int n, const char *name, muir_validate_filter filter,
                        int n_least, double most)
{
    const muir_validate_group g = muir_validate_errors(rows, n, name, filter, NULL);
    if (g.mean_abs_error > most) fprintf(stderr, "%s: mean |error| %.4f\n", name, g.mean_abs_error);
    CU_ASSERT(g.n >= n_least);
    CU_ASSERT(g.mean_abs_error <= most);
    CU_ASSERT(g.max_abs_error >= g.mean_abs_error);
}

static void check_left_out(const muir_csv *csv, muir_fit *fit, muir_leave_out by, const char *name,
                           muir_validate_row *rows, double most)
{
    CU_ASSERT_EQUAL_FATAL(muir_fit_leave_out(muir_test_ctx(), fit, by, rows), MUIR_OK);
    const muir_validate_group g = muir_validate_errors(rows, csv->n_rows, name, is_complete, NULL);
    if (g.mean_abs_error > most || g.coverage < 0.75 || g.coverage > 0.9)
        fprintf(stderr, "without its %s: mean |error| %.4f, inside %.3f\n", name, g.mean_abs_error,
                g.coverage);
    CU_ASSERT(g.mean_abs_error <= most);
    CU_ASSERT(g.coverage >= 0.75 && g.coverage <= 0.9); /* of 80 % intervals */
}

/* What counts: rows of sources and stacks that were no part of the fit. */
static void check_fit(const muir_csv *csv, const muir_scenario *scenarios, muir_validate_row *rows)
{
    muir_fit *fit = NULL;
    const char **models = calloc((size_t)csv->n_rows, sizeof *models);
    CU_ASSERT_PTR_NOT_NULL_FATAL(models);
    for (int i = 0; i < csv->n_rows; i++) models[i] = muir_csv_get(csv, i, "model");
    CU_ASSERT_EQUAL_FATAL(muir_fit_create(muir_test_ctx(), rows, scenarios, models, csv->n_rows, &fit),
                          MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_fit_run(muir_test_ctx(), fit, 1), MUIR_OK);
    check_left_out(csv, fit, MUIR_LEAVE_SOURCE, "source", rows, 0.095);
    check_left_out(csv, fit, MUIR_LEAVE_STACK, "stack", rows, 0.095);
    muir_fit_destroy(&fit);
    free(models);
}

/* What was reached, with a margin of a tenth: a change of the model that loses more is to be looked at. */
static void the_shipped_table_is_predicted_as_well_as_before(void)
{
    char root[1024], path[1100];
    muir_csv *csv = NULL;
    int skipped = 0;
    CU_ASSERT_EQUAL_FATAL(muir_catalogue_root(muir_test_ctx(), root, sizeof root), MUIR_OK);
    snprintf(path, sizeof path, "%s/published_runs.csv", root);
    CU_ASSERT_EQUAL_FATAL(muir_csv_read(muir_test_ctx(), path, &csv), MUIR_OK);
    muir_validate_row *rows = calloc((size_t)csv->n_rows, sizeof *rows);
    muir_validate_options options = {.scenarios = calloc((size_t)csv->n_rows, sizeof *options.scenarios)};
    CU_ASSERT_PTR_NOT_NULL_FATAL(rows);
    CU_ASSERT_PTR_NOT_NULL_FATAL(options.scenarios);
    CU_ASSERT_EQUAL_FATAL(muir_validate(muir_test_ctx(), csv, &options, rows), MUIR_OK);
    for (int i = 0; i < csv->n_rows; i++) {
        skipped += rows[i].is_skipped;
        CU_ASSERT_EQUAL(rows[i].is_skipped, rows[i].why[0] != '\0');
        CU_ASSERT(rows[i].is_skipped ||
                  (rows[i].low_s < rows[i].predicted_s && rows[i].predicted_s < rows[i].high_s));
    }
    CU_ASSERT_EQUAL(csv->n_rows, 591);
    CU_ASSERT(skipped <= 8);
    check_group(rows, csv->n_rows, "complete rows", is_complete, 371, 0.046);
    check_group(rows, csv->n_rows, "complete Megatron rows", is_megatron, 172, 0.045);
    check_group(rows, csv->n_rows, "all rows", NULL, 583, 0.075);
    check_fit(csv, options.scenarios, rows);
    free(options.scenarios);
    free(rows);
    muir_csv_destroy(&csv);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"quoted fields keep commas and quotes", quoted_fields_keep_commas_and_quotes},
        {"broken tables are refused with the line", broken_tables_are_refused_with_the_line},
        {"a model that no file has comes from its columns", a_model_that_no_file_has_comes_from_its_columns},
        {"unknown software takes what is known of its kind",
         unknown_software_takes_what_is_known_of_its_kind},
        {"a row may have more servers than the fleet's file",
         a_row_may_have_more_servers_than_the_fleets_file},
        {"a rate stands for the step time", a_rate_stands_for_the_step_time},
        {"sources name the release", sources_name_the_release},
        {"rows that cannot be run say why", rows_that_cannot_be_run_say_why},
        {"a table without a needed column is refused", a_table_without_a_needed_column_is_refused},
        {"the shipped table is predicted as well as before",
         the_shipped_table_is_predicted_as_well_as_before},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "validate", tests);
}
