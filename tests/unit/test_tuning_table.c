/* SPDX-License-Identifier: BSD-3-Clause */
/* The tuning table as a file: what is written reads back, and wrong files are answered in a sentence. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "scenario/tuning_table.h"

static const char *const path = "test_tuning_table.yaml";

static void write_text(const char *text)
{
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs(text, file);
    fclose(file);
}

static muir_tuning_row sample_row(void)
{
    muir_tuning_row row;
    memset(&row, 0, sizeof row);
    strcpy(row.launch, "2x4");
    strcpy(row.cpu, "Someone's CPU: 9000, 2 GHz");
    strcpy(row.mpi, "Open MPI v4.1.4");
    strcpy(row.op, "all_reduce");
    strcpy(row.dtype, "bf16");
    strcpy(row.reduce, "max");
    strcpy(row.algorithm, "ring");
    strcpy(row.date, "2026-11-23");
    row.cores = 64;
    row.hosts = 2;
    row.ranks = 8;
    row.bytes = 1048576;
    row.time_s = 1.25e-4;
    row.mpi_s = 0.1;
    return row;
}

static void a_written_table_reads_back(void)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_tuning_table written = {NULL, 0, 0}, read = {NULL, 0, 0};
    for (int i = 0; i < 100; i++) {
        muir_tuning_row row = sample_row();
        row.bytes = i;
        CU_ASSERT_EQUAL(muir_tuning_table_add(ctx, &written, &row), MUIR_OK);
    }
    CU_ASSERT_EQUAL(muir_tuning_table_save(ctx, path, &written), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_tuning_table_load(ctx, path, &read), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(read.n, 100);
    for (int i = 0; i < read.n; i++) {
        CU_ASSERT_EQUAL(read.rows[i].line, 4 + i); /* under two comments and `rows:` */
        read.rows[i].line = 0;
        CU_ASSERT(memcmp(&read.rows[i], &written.rows[i], sizeof read.rows[i]) == 0);
    }
    muir_tuning_table_free(&written);
    muir_tuning_table_free(&read);
}

static void a_missing_file_is_an_empty_table(void)
{
    muir_tuning_table table = {NULL, 0, 0};
    CU_ASSERT_EQUAL(muir_tuning_table_load(muir_test_ctx(), "no_such_table.yaml", &table), MUIR_OK);
    CU_ASSERT_EQUAL(table.n, 0);
}

static void check_refused(const char *text, const char *expected)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_tuning_table table = {NULL, 0, 0};
    write_text(text);
    CU_ASSERT_EQUAL(muir_tuning_table_load(ctx, path, &table), MUIR_ERR_ARG);
    CU_ASSERT_NSTRING_EQUAL(ctx->message, expected, strlen(expected));
    if (strncmp(ctx->message, expected, strlen(expected)) != 0) printf("%s\n", ctx->message);
    muir_ctx_clear(ctx);
    muir_tuning_table_free(&table);
}

#define START "rows:\n- {launch: 1x2, cores: 2, cpu: x, mpi: y, op: all_reduce, dtype: fp32, hosts: 1, "

static void wrong_tables_are_answered_with_the_line_and_what_is_allowed(void)
{
    check_refused("a: [b\n", "test_tuning_table.yaml:2: not YAML: ");
    check_refused("lines:\n- {}\n", "test_tuning_table.yaml: not a tuning table, which starts with `rows:`");
    check_refused("rows:\n- 5\n", "test_tuning_table.yaml:2: a row must hold keys");
    check_refused(START "ranks: 2, bytes: 1, algorithm: ring}\n",
                  "test_tuning_table.yaml:2: key 'time_s' is missing: median time");
    check_refused(START "rank: 2}\n", "test_tuning_table.yaml:2: unknown key 'rank', did you mean 'ranks'?");
    check_refused(START "ranks: two}\n",
                  "test_tuning_table.yaml:2: ranks is 'two', but must be a whole number: 1..100000000 ranks");
    check_refused(START "ranks: [2]}\n", "test_tuning_table.yaml:2: 'ranks' must be a single value");
}

static void a_table_that_cannot_be_written_leaves_the_old_one(void)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_tuning_table table = {NULL, 0, 0};
    CU_ASSERT_EQUAL(muir_tuning_table_save(ctx, "/no/such/folder/t.yaml", &table), MUIR_ERR_FILE);
    CU_ASSERT_NSTRING_EQUAL(ctx->message, "/no/such/folder/t.yaml", 22);
    muir_ctx_clear(ctx);
    unlink(path);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"a written table reads back", a_written_table_reads_back},
        {"a missing file is an empty table", a_missing_file_is_an_empty_table},
        {"wrong tables are answered with the line and what is allowed",
         wrong_tables_are_answered_with_the_line_and_what_is_allowed},
        {"a table that cannot be written leaves the old one",
         a_table_that_cannot_be_written_leaves_the_old_one},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "tuning table", tests);
}
