/* SPDX-License-Identifier: BSD-3-Clause */
/* Choosing algorithms with and without a table. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "tuning/host_set.h"
#include "tuning/tuning.h"
#include "scenario/tuning_table.h"

enum { COUNT = 3000 };

typedef struct place {
    muir_coll_comm *comm;
    float send[COUNT], recv[COUNT];
    char path[64];
} place;

static place *open_place(const char *name)
{
    muir_ctx *ctx = muir_test_ctx();
    place *p = calloc(1, sizeof *p);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    CU_ASSERT_EQUAL_FATAL(muir_coll_comm_create(ctx, ctx->comm, &p->comm), MUIR_OK);
    snprintf(p->path, sizeof p->path, "%s_%d.yaml", name, ctx->size); /* tests of other sizes run beside */
    if (muir_is_root(ctx)) unlink(p->path);
    MPI_Barrier(ctx->comm);
    return p;
}

static void close_place(place *p)
{
    muir_ctx *ctx = muir_test_ctx();
    MPI_Barrier(ctx->comm);
    if (muir_is_root(ctx)) unlink(p->path);
    muir_coll_comm_destroy(&p->comm);
    free(p);
}

static const char *pick(place *p, muir_tuning *tuning, size_t count, muir_chosen expected)
{
    const muir_coll_spec spec = {.count = count, .dtype = MUIR_FP32, .reduce = MUIR_SUM};
    muir_coll_choice choice;
    muir_chosen chosen;
    CU_ASSERT_EQUAL_FATAL(muir_tuning_pick(muir_test_ctx(), tuning, p->comm, MUIR_ALL_REDUCE, &spec, p->send,
                                           p->recv, &choice, &chosen),
                          MUIR_OK);
    CU_ASSERT_EQUAL(chosen, expected);
    CU_ASSERT_EQUAL(choice.coll->kind, MUIR_ALL_REDUCE);
    return choice.coll->name;
}

static muir_tuning_facts finish(muir_tuning **tuning)
{
    muir_tuning_facts facts;
    CU_ASSERT_EQUAL_FATAL(muir_tuning_finish(muir_test_ctx(), *tuning, &facts), MUIR_OK);
    muir_tuning_destroy(tuning);
    return facts;
}

static void what_one_launch_measures_the_next_one_reuses(void)
{
    muir_ctx *ctx = muir_test_ctx();
    place *p = open_place("what_one_launch_measures");
    muir_tuning *tuning = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_tuning_create(ctx, p->path, &tuning), MUIR_OK);
    const char *first = pick(p, tuning, 1000, MUIR_CHOSEN_MEASURED);
    CU_ASSERT_STRING_EQUAL(pick(p, tuning, 1100, MUIR_CHOSEN_MEASURED), first); /* the same class of sizes */
    muir_tuning_facts facts = finish(&tuning);
    CU_ASSERT_EQUAL(facts.measured, 1);
    CU_ASSERT_EQUAL(facts.reused, 0);
    CU_ASSERT_EQUAL_FATAL(muir_tuning_create(ctx, p->path, &tuning), MUIR_OK);
    CU_ASSERT_STRING_EQUAL(pick(p, tuning, 1200, MUIR_CHOSEN_REUSED), first);
    pick(p, tuning, 2900, MUIR_CHOSEN_MEASURED); /* 11,600 bytes are nearer to 8,192 x 1.41 and more */
    facts = finish(&tuning);
    CU_ASSERT_EQUAL(facts.measured, 1);
    CU_ASSERT_EQUAL(facts.reused, 1);
    CU_ASSERT_EQUAL(facts.others, 0);
    close_place(p);
}

/* Two rows that no measurement would give: another host set's, and one of here that names mpi. */
static void write_rows(place *p, const char *algorithm, const char *op)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_host_set here;
    muir_tuning_table table = {NULL, 0, 0};
    muir_tuning_row row;
    CU_ASSERT_EQUAL_FATAL(muir_host_set_describe(ctx, &here), MUIR_OK);
    memset(&row, 0, sizeof row);
    strcpy(row.launch, "99x1");
    strcpy(row.cpu, here.cpu);
    strcpy(row.mpi, here.mpi);
    strcpy(row.op, op);
    strcpy(row.dtype, "fp32");
    strcpy(row.reduce, "sum");
    strcpy(row.algorithm, "made_elsewhere");
    strcpy(row.date, "2026-01-01");
    row.cores = here.cores;
    row.hosts = 1;
    row.ranks = ctx->size;
    row.bytes = 4000;
    row.time_s = 1e-6;
    CU_ASSERT_EQUAL(muir_tuning_table_add(ctx, &table, &row), MUIR_OK);
    strcpy(row.launch, here.launch);
    strcpy(row.algorithm, algorithm);
    CU_ASSERT_EQUAL(muir_tuning_table_add(ctx, &table, &row), MUIR_OK);
    if (muir_is_root(ctx)) CU_ASSERT_EQUAL(muir_tuning_table_save(ctx, p->path, &table), MUIR_OK);
    muir_tuning_table_free(&table);
    MPI_Barrier(ctx->comm);
}

static void rows_of_other_hosts_are_kept_but_not_used(void)
{
    muir_ctx *ctx = muir_test_ctx();
    place *p = open_place("rows_of_other_hosts");
    muir_tuning *tuning = NULL;
    muir_tuning_table table = {NULL, 0, 0};
    write_rows(p, "binomial", "all_reduce");
    CU_ASSERT_EQUAL_FATAL(muir_tuning_create(ctx, p->path, &tuning), MUIR_OK);
    CU_ASSERT_STRING_EQUAL(pick(p, tuning, 1000, MUIR_CHOSEN_REUSED), "binomial");
    pick(p, tuning, 10, MUIR_CHOSEN_MEASURED);
    const muir_tuning_facts facts = finish(&tuning);
    if (muir_is_root(ctx)) {
        CU_ASSERT_EQUAL(facts.others, 1);
        CU_ASSERT_NSTRING_EQUAL(facts.others_are, "99x1 on ", 8);
        CU_ASSERT_EQUAL(muir_tuning_table_load(ctx, p->path, &table), MUIR_OK);
        CU_ASSERT_EQUAL_FATAL(table.n, 3);
        CU_ASSERT_STRING_EQUAL(table.rows[0].algorithm, "made_elsewhere");
        CU_ASSERT_EQUAL(table.rows[2].bytes, 40);
    }
    muir_tuning_table_free(&table);
    close_place(p);
}

static void unknown_words_in_a_row_of_these_hosts_are_refused(void)
{
    muir_ctx *ctx = muir_test_ctx();
    place *p = open_place("unknown_words");
    muir_tuning *tuning = NULL;
    char expected[128];
    write_rows(p, "tin_can", "all_reduce");
    CU_ASSERT_EQUAL(muir_tuning_create(ctx, p->path, &tuning), MUIR_ERR_ARG);
    snprintf(expected, sizeof expected, "%s:5: algorithm 'tin_can' of all_reduce is unknown; known: ring, ",
             p->path);
    CU_ASSERT_NSTRING_EQUAL(ctx->message, expected, strlen(expected));
    muir_ctx_clear(ctx);
    write_rows(p, "ring", "all_reverse");
    CU_ASSERT_EQUAL(muir_tuning_create(ctx, p->path, &tuning), MUIR_ERR_ARG);
    snprintf(expected, sizeof expected, "%s:5: op 'all_reverse' is unknown", p->path);
    CU_ASSERT_NSTRING_EQUAL(ctx->message, expected, strlen(expected));
    muir_ctx_clear(ctx);
    CU_ASSERT_PTR_NULL(tuning);
    close_place(p);
}

static void off_means_the_librarys_own(void)
{
    place *p = open_place("off_means");
    muir_tuning *tuning = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_tuning_create(muir_test_ctx(), "off", &tuning), MUIR_OK);
    CU_ASSERT_STRING_EQUAL(pick(p, tuning, 1000, MUIR_CHOSEN_UNTUNED), "mpi");
    const muir_tuning_facts facts = finish(&tuning);
    CU_ASSERT(facts.is_off && facts.measured == 0 && facts.path[0] == '\0');
    close_place(p);
}

/* Groups that were measured apart may have found different algorithms; together they must take one. */
static void groups_that_found_different_rows_take_one(void)
{
    muir_ctx *ctx = muir_test_ctx();
    place *p = open_place("groups_that_found");
    char name[64] = "", roots[64];
    muir_tuning *tuning = NULL;
    const muir_coll_spec spec = {.count = 500, .dtype = MUIR_FP32, .reduce = MUIR_SUM};
    MPI_Comm half = MPI_COMM_NULL;
    muir_coll_comm *part = NULL;
    muir_coll_choice choice;
    muir_chosen chosen;
    CU_ASSERT_EQUAL_FATAL(muir_tuning_create(ctx, "auto", &tuning), MUIR_OK);
    MPI_Comm_split(ctx->comm, ctx->rank % 2, 0, &half);
    CU_ASSERT_EQUAL_FATAL(muir_coll_comm_create(ctx, half, &part), MUIR_OK);
    CU_ASSERT_EQUAL(
        muir_tuning_pick(ctx, tuning, part, MUIR_ALL_REDUCE, &spec, p->send, p->recv, &choice, &chosen),
        MUIR_OK);
    for (int i = 0; i < 4; i++) strncpy(name, pick(p, tuning, 500, MUIR_CHOSEN_MEASURED), sizeof name - 1);
    memcpy(roots, name, sizeof roots);
    MPI_Bcast(roots, sizeof roots, MPI_CHAR, 0, ctx->comm);
    CU_ASSERT_STRING_EQUAL(name, roots);
    muir_tuning_destroy(&tuning);
    muir_coll_comm_destroy(&part);
    MPI_Comm_free(&half);
    close_place(p);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"what one launch measures the next one reuses", what_one_launch_measures_the_next_one_reuses},
        {"rows of other hosts are kept but not used", rows_of_other_hosts_are_kept_but_not_used},
        {"unknown words in a row of these hosts are refused",
         unknown_words_in_a_row_of_these_hosts_are_refused},
        {"off means the library's own", off_means_the_librarys_own},
        {"groups that found different rows take one", groups_that_found_different_rows_take_one},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "tuning", tests);
}
