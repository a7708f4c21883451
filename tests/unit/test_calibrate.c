/* SPDX-License-Identifier: BSD-3-Clause */
/* Calibration by runs that muir itself made up with figures it is not told. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "programs.h"
#include "scenario/stack.h"
#include "step_time/ideal.h"
#include "validation/calibrate.h"
#include "validation/stack_file.h"

enum { ROWS = 6 };

/* Six shapes of a job on eager software, and what they take if products are slower and elementwise work is
 * much slower than the kind's middle says. */
static void make_rows(muir_validate_row *rows, muir_scenario *scenarios)
{
    static const char *const shapes[ROWS][2] = {
        {"micro_batch_size=1", "model=llama-3.1-8b"}, {"micro_batch_size=2", "model=llama-3.1-8b"},
        {"micro_batch_size=4", "model=llama-3.1-8b"}, {"micro_batch_size=1", "model=llama-3.2-1b"},
        {"micro_batch_size=4", "model=llama-3.2-1b"}, {"micro_batch_size=1", "model=llama-2-13b"}};
    for (int i = 0; i < ROWS; i++) {
        muir_validate_row *row = &rows[i];
        memset(row, 0, sizeof *row);
        scenarios[i] =
            scenario_of(NULL, KEYS("fleet=dgx-h100", "stack=eager-h100", "seq_len=4096", "fleet.servers=4",
                                   "parallel.dp=32", "global_batch_size=256", shapes[i][0], shapes[i][1]));
        muir_scenario truth = scenarios[i];
        truth.job.stack.gemm *= 0.85; /* two to three spreads */
        truth.job.stack.elementwise *= 2.0;
        CU_ASSERT_EQUAL_FATAL(muir_ideal_step_time(muir_test_ctx(), &truth, &row->real_s), MUIR_OK);
        CU_ASSERT_EQUAL_FATAL(muir_ideal_step_time(muir_test_ctx(), &scenarios[i], &row->predicted_s),
                              MUIR_OK);
        row->id = "made-up";
        row->complete = "yes";
        row->has_time = true;
        row->error = row->predicted_s / row->real_s - 1.0;
        row->has_time = true;
        snprintf(row->stack, sizeof row->stack, "eager-h100");
    }
}

static double mean_error(const muir_validate_row *rows, int n)
{
    return muir_validate_errors(rows, n, "", NULL, NULL).mean_abs_error;
}

static void rows_left_out_are_predicted_by_the_others(void)
{
    muir_validate_row rows[ROWS];
    muir_scenario *scenarios = calloc(ROWS, sizeof *scenarios);
    muir_calibration c;
    CU_ASSERT_PTR_NOT_NULL_FATAL(scenarios);
    make_rows(rows, scenarios);
    const double before = mean_error(rows, ROWS);
    CU_ASSERT(before > 0.1);
    CU_ASSERT_EQUAL_FATAL(muir_calibrate_rows(muir_test_ctx(), rows, scenarios, ROWS, &c), MUIR_OK);
    CU_ASSERT(mean_error(rows, ROWS) < 0.03);
    for (int i = 0; i < ROWS; i++)
        CU_ASSERT(rows[i].low_s < rows[i].real_s && rows[i].real_s < rows[i].high_s);
    CU_ASSERT_EQUAL(c.stack.basis, MUIR_BASIS_CALIBRATED);
    CU_ASSERT_EQUAL(c.stack.rows, ROWS);
    CU_ASSERT(c.stack.elementwise > scenarios[0].job.stack.elementwise);
    CU_ASSERT(muir_figures_at(&c.stack.spread, MUIR_FIGURE_level) <
              muir_figures_at(&scenarios[0].job.stack.spread, MUIR_FIGURE_level));
    CU_ASSERT_STRING_EQUAL(c.base, "eager-h100");
    free(scenarios);
}

/* One row moves the level of all others towards it; predicted without itself it is as before. */
static void one_row_moves_the_level(void)
{
    muir_validate_row rows[ROWS];
    muir_scenario *scenarios = calloc(ROWS, sizeof *scenarios);
    muir_calibration c;
    double worse = 0.0, better = 0.0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(scenarios);
    make_rows(rows, scenarios);
    const double first = rows[0].predicted_s;
    CU_ASSERT_EQUAL_FATAL(muir_calibrate_rows(muir_test_ctx(), rows, scenarios, 1, &c), MUIR_OK);
    CU_ASSERT_DOUBLE_EQUAL(rows[0].predicted_s / first, 1.0, 0.01);
    for (int i = 1; i < ROWS; i++) {
        double after_s = 0.0;
        scenarios[i].job.stack = c.stack;
        CU_ASSERT_EQUAL_FATAL(muir_ideal_step_time(muir_test_ctx(), &scenarios[i], &after_s), MUIR_OK);
        worse += fabs(rows[i].error);
        better += fabs(after_s / rows[i].real_s - 1.0);
    }
    CU_ASSERT(better < 0.6 * worse);
    free(scenarios);
}

static void a_written_stack_is_read_again(void)
{
    muir_validate_row rows[ROWS];
    muir_scenario *scenarios = calloc(ROWS, sizeof *scenarios);
    muir_calibration c;
    muir_stack again;
    static const char *const path = "muir-calibrated.yaml";
    CU_ASSERT_PTR_NOT_NULL_FATAL(scenarios);
    make_rows(rows, scenarios);
    CU_ASSERT_EQUAL_FATAL(muir_calibrate_rows(muir_test_ctx(), rows, scenarios, ROWS, &c), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_stack_write(muir_test_ctx(), path, "mine", c.base, "my runs", &c.stack),
                          MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_stack_read(muir_test_ctx(), path, "stack", &again), MUIR_OK);
    for (int f = 0; f < MUIR_FIGURES; f++) {
        CU_ASSERT_DOUBLE_EQUAL(muir_figure_get(&again, f), muir_figure_get(&c.stack, f),
                               1e-3 * muir_figure_get(&again, f));
        CU_ASSERT_DOUBLE_EQUAL(muir_figures_at(&again.spread, f), muir_figures_at(&c.stack.spread, f), 1e-2);
    }
    CU_ASSERT_EQUAL(again.basis, MUIR_BASIS_CALIBRATED);
    CU_ASSERT_STRING_EQUAL(again.correlation, c.stack.correlation);
    CU_ASSERT_STRING_EQUAL(again.settings, c.stack.settings);
    unlink(path);
    free(scenarios);
}

/* A fit writes its part anew and leaves what stands above. */
static void a_fit_leaves_what_is_written_by_hand(void)
{
    static const char *const path = "muir-fitted.yaml";
    static const char *const hand = "description: mine\nkind: eager\nsoftware: mine\nsource: by hand\n";
    muir_stack stack, again;
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs(hand, file);
    fclose(file);
    CU_ASSERT_EQUAL_FATAL(muir_stack_read(muir_test_ctx(), path, "stack", &stack), MUIR_OK);
    stack.basis = MUIR_BASIS_FITTED;
    for (int round = 1; round <= 2; round++) {
        stack.rows = round;
        stack.gemm = 0.5 + 0.1 * round;
        CU_ASSERT_EQUAL_FATAL(muir_stack_rewrite(muir_test_ctx(), path, &stack), MUIR_OK);
        CU_ASSERT_EQUAL_FATAL(muir_stack_read(muir_test_ctx(), path, "stack", &again), MUIR_OK);
        CU_ASSERT_EQUAL(again.rows, round);
        CU_ASSERT_DOUBLE_EQUAL(again.gemm, stack.gemm, 1e-12);
        CU_ASSERT_EQUAL(again.basis, MUIR_BASIS_FITTED);
        CU_ASSERT_STRING_EQUAL(again.software, "mine");
    }
    unlink(path);
}

static void rows_of_two_stacks_are_refused(void)
{
    muir_validate_row rows[ROWS];
    muir_scenario *scenarios = calloc(ROWS, sizeof *scenarios);
    muir_calibration c;
    CU_ASSERT_PTR_NOT_NULL_FATAL(scenarios);
    make_rows(rows, scenarios);
    snprintf(rows[1].stack, sizeof rows[1].stack, "other");
    muir_ctx_clear(muir_test_ctx());
    CU_ASSERT_EQUAL(muir_calibrate_rows(muir_test_ctx(), rows, scenarios, ROWS, &c), MUIR_ERR_ARG);
    CU_ASSERT_PTR_NOT_NULL(strstr(muir_test_ctx()->message, "different stacks"));
    CU_ASSERT_EQUAL(muir_calibrate_rows(muir_test_ctx(), rows, scenarios, 0, &c), MUIR_ERR_ARG);
    free(scenarios);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"rows left out are predicted by the others", rows_left_out_are_predicted_by_the_others},
        {"one row moves the level", one_row_moves_the_level},
        {"a written stack is read again", a_written_stack_is_read_again},
        {"a fit leaves what is written by hand", a_fit_leaves_what_is_written_by_hand},
        {"rows of two stacks are refused", rows_of_two_stacks_are_refused},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "calibrate", tests);
}
