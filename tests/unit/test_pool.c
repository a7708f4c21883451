/* SPDX-License-Identifier: BSD-3-Clause */
/* What runs say of stacks, on made-up runs whose answer is known. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "validation/pool.h"

enum { ROWS = 30 };

static void clear_row(muir_pool_row *row, const char *kind, const char *software, int release)
{
    memset(row, 0, sizeof *row);
    snprintf(row->address.kind, MUIR_NAME_SIZE, "%s", kind);
    snprintf(row->address.generation, MUIR_NAME_SIZE, "chip");
    snprintf(row->address.software, MUIR_NAME_SIZE, "%s", software);
    snprintf(row->address.stack, MUIR_NAME_SIZE, "%s-chip", software);
    row->address.release = release;
    row->variance = 0.01 * 0.01;
}

/* Runs of one software whose elementwise work takes `elementwise` times as long as its prior says and whose
 * level is `level`; their shapes differ in how much elementwise work there is. */
static void make_rows(muir_pool_row *rows, const char *kind, const char *software, double elementwise,
                      double level)
{
    for (int i = 0; i < ROWS; i++) {
        clear_row(&rows[i], kind, software, 1);
        rows[i].slope[MUIR_FIGURE_elementwise] = 0.1 + 0.02 * i;
        rows[i].slope[MUIR_FIGURE_level] = 1.0;
        rows[i].log_ratio =
            rows[i].slope[MUIR_FIGURE_elementwise] * log(elementwise) + log(level) + 0.005 * sin(40.0 * i);
    }
}

static muir_belief belief_of(const muir_pool *pool, const char *kind, const char *software)
{
    muir_pool_row row;
    muir_belief belief;
    clear_row(&row, kind, software, 0);
    if (!software[0]) memset(row.address.stack, 0, sizeof row.address.stack);
    CU_ASSERT_EQUAL_FATAL(
        muir_pool_belief(muir_test_ctx(), pool, &row.address, (double[MUIR_FIGURES]){0.0}, &belief), MUIR_OK);
    return belief;
}

static double spread_of(const muir_belief *b, int figure)
{
    return sqrt(b->covariance[figure][figure]);
}

static void many_rows_tell_a_stacks_figures(void)
{
    muir_pool_row rows[ROWS];
    muir_pool *pool = NULL;
    make_rows(rows, "kind", "soft", 1.5, 1.05);
    CU_ASSERT_EQUAL_FATAL(muir_pool_create(muir_test_ctx(), rows, ROWS, &pool), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_pool_learn(muir_test_ctx(), pool, NULL), MUIR_OK);
    const muir_belief own = belief_of(pool, "kind", "soft"), kin = belief_of(pool, "kind", ""),
                      other = belief_of(pool, "other", "");
    CU_ASSERT_DOUBLE_EQUAL(exp(own.middle[MUIR_FIGURE_elementwise]), 1.5, 0.05);
    CU_ASSERT_DOUBLE_EQUAL(exp(own.middle[MUIR_FIGURE_level]), 1.05, 0.02);
    CU_ASSERT(spread_of(&own, MUIR_FIGURE_elementwise) < 0.5 * spread_of(&kin, MUIR_FIGURE_elementwise));
    /* Its kind moves part of the way and stays wider, another kind a little; what no row feels does not. */
    CU_ASSERT(kin.middle[MUIR_FIGURE_elementwise] > other.middle[MUIR_FIGURE_elementwise]);
    CU_ASSERT(kin.middle[MUIR_FIGURE_elementwise] < own.middle[MUIR_FIGURE_elementwise]);
    CU_ASSERT(spread_of(&kin, MUIR_FIGURE_elementwise) > spread_of(&own, MUIR_FIGURE_elementwise));
    CU_ASSERT(spread_of(&other, MUIR_FIGURE_elementwise) > spread_of(&kin, MUIR_FIGURE_elementwise));
    CU_ASSERT_EQUAL(own.middle[MUIR_FIGURE_gemm], 0.0);
    CU_ASSERT_EQUAL(muir_pool_rows_of(pool, "soft-chip"), ROWS);
    muir_pool_destroy(&pool);
}

/* Without any rows the belief is the prior of figures.def. */
static void no_rows_leave_the_prior(void)
{
    muir_pool_row rows[ROWS];
    muir_pool *pool = NULL;
    static const bool none[ROWS] = {false};
    make_rows(rows, "kind", "soft", 2.0, 1.0);
    CU_ASSERT_EQUAL_FATAL(muir_pool_create(muir_test_ctx(), rows, ROWS, &pool), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_pool_learn(muir_test_ctx(), pool, none), MUIR_OK);
    const muir_belief b = belief_of(pool, "kind", "soft");
#define FIGURE(name, usual, spread, profile)                                                                 \
    CU_ASSERT_EQUAL(b.middle[MUIR_FIGURE_##name], 0.0);                                                      \
    CU_ASSERT_DOUBLE_EQUAL(spread_of(&b, MUIR_FIGURE_##name), spread, 1e-12);
#include "models/figures.def"
#define PROFILE(name, all, kind, chip, software, stack, release)                                             \
    CU_ASSERT_DOUBLE_EQUAL((all) + (kind) + (chip) + (software) + (stack) + (release), 1.0, 1e-12);
#include "models/figures.def"
    muir_pool_destroy(&pool);
}

/* One row far off among many must not move them. */
static void rows_far_off_weigh_less(void)
{
    muir_pool_row rows[ROWS];
    muir_pool *pool = NULL;
    make_rows(rows, "kind", "soft", 1.0, 1.0);
    rows[7].log_ratio += 1.0;
    CU_ASSERT_EQUAL_FATAL(muir_pool_create(muir_test_ctx(), rows, ROWS, &pool), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_pool_learn(muir_test_ctx(), pool, NULL), MUIR_OK);
    const muir_belief b = belief_of(pool, "kind", "soft");
    CU_ASSERT(fabs(b.middle[MUIR_FIGURE_level]) < 0.01);
    muir_pool_destroy(&pool);
}

/* Two rows that say the same say less than twice as much where they come from one release. */
static void rows_of_one_release_count_for_less(void)
{
    double spread[2];
    for (int k = 0; k < 2; k++) {
        muir_pool_row rows[2];
        muir_pool *pool = NULL;
        for (int i = 0; i < 2; i++) {
            clear_row(&rows[i], "kind", "soft", i == 0 || k == 0 ? 1 : 2);
            rows[i].slope[MUIR_FIGURE_level] = 1.0;
        }
        CU_ASSERT_EQUAL_FATAL(muir_pool_create(muir_test_ctx(), rows, 2, &pool), MUIR_OK);
        CU_ASSERT_EQUAL_FATAL(muir_pool_learn(muir_test_ctx(), pool, NULL), MUIR_OK);
        const muir_belief b = belief_of(pool, "kind", "soft");
        spread[k] = spread_of(&b, MUIR_FIGURE_level);
        muir_pool_destroy(&pool);
    }
    CU_ASSERT(spread[0] > spread[1]);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"many rows tell a stack's figures", many_rows_tell_a_stacks_figures},
        {"no rows leave the prior", no_rows_leave_the_prior},
        {"rows far off weigh less", rows_far_off_weigh_less},
        {"rows of one release count for less", rows_of_one_release_count_for_less},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "pool", tests);
}
