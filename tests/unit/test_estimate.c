/* SPDX-License-Identifier: BSD-3-Clause */
/* Slopes against closed forms, intervals against what they are made of, stacks against their kinds. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "estimate/interval.h"
#include "programs.h"
#include "scenario/stack.h"
#include "step_time/ideal.h"

static muir_scenario dense(const char *change)
{
    return scenario_of(NULL,
                       KEYS("fleet=dgx-h100", "stack=megatron-core-h100", "model=llama3-70b", "seq_len=8192",
                            "fleet.servers=8", "parallel.tp=4", "parallel.pp=4", "parallel.dp=4",
                            "global_batch_size=128", "parallel.recompute=none", change));
}

/* level stretches all but what is given in seconds; products are most of the step, and slower the lower their
 * share is; a figure that the job does not use is not felt. */
static void slopes_are_what_the_model_says(void)
{
    const muir_scenario s = dense("stack.step_s=0"), no_wait = dense("stack.wait_s=0");
    double slope[MUIR_FIGURES];
    CU_ASSERT_EQUAL_FATAL(muir_estimate_slopes(muir_test_ctx(), &s, slope), MUIR_OK);
    CU_ASSERT(slope[MUIR_FIGURE_gemm] < -0.5 && slope[MUIR_FIGURE_gemm] > -1.0);
    CU_ASSERT(slope[MUIR_FIGURE_elementwise] > 0.0 && slope[MUIR_FIGURE_launch_s] > 0.0);
    CU_ASSERT_EQUAL(slope[MUIR_FIGURE_gemm_8bit], 0.0);
    CU_ASSERT_EQUAL(slope[MUIR_FIGURE_grouped_gemm], 0.0);
    CU_ASSERT_EQUAL(slope[MUIR_FIGURE_step_s], 0.0); /* switched off */
    CU_ASSERT(slope[MUIR_FIGURE_level] < 1.0 && slope[MUIR_FIGURE_level] > 0.95);
    CU_ASSERT_EQUAL_FATAL(muir_estimate_slopes(muir_test_ctx(), &no_wait, slope), MUIR_OK);
    CU_ASSERT_EQUAL(slope[MUIR_FIGURE_wait_s], 0.0);
}

/* Against the step itself, modelled with the figure changed by a tenth. */
static void slopes_foretell_changed_figures(void)
{
    const muir_scenario s = dense("seed=1");
    double slope[MUIR_FIGURES], before_s = 0.0;
    CU_ASSERT_EQUAL_FATAL(muir_estimate_slopes(muir_test_ctx(), &s, slope), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_ideal_step_time(muir_test_ctx(), &s, &before_s), MUIR_OK);
    for (int f = 0; f < MUIR_FIGURES; f++) {
        muir_scenario changed = s;
        double after_s = 0.0;
        muir_figure_set(&changed.job.stack, f, muir_figure_get(&s.job.stack, f) * 0.9);
        CU_ASSERT_EQUAL_FATAL(muir_ideal_step_time(muir_test_ctx(), &changed, &after_s), MUIR_OK);
        CU_ASSERT_DOUBLE_EQUAL(log(after_s / before_s), slope[f] * log(0.9), 0.006);
    }
}

static muir_interval interval_of(const muir_scenario *s)
{
    muir_interval interval = {.sigma_low = 0.0};
    CU_ASSERT_EQUAL_FATAL(muir_interval_of(muir_test_ctx(), s, &interval), MUIR_OK);
    return interval;
}

static double mean_sigma(const muir_interval *interval)
{
    return 0.5 * (interval->sigma_low + interval->sigma_high);
}

static void intervals_add_up_from_their_parts(void)
{
    muir_scenario s = dense("seed=1");
    memset(&s.job.stack.spread, 0, sizeof s.job.stack.spread);
    const double floor = s.job.stack.scatter * 1.533 / 1.397;
    const muir_interval least = interval_of(&s);
    CU_ASSERT_DOUBLE_EQUAL(least.sigma_high, floor, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(least.low * least.high, 1.0, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(log(least.high), 1.397 * floor, 1e-12);
    muir_figures_set(&s.job.stack.spread, MUIR_FIGURE_gemm, 0.2);
    const muir_interval wider = interval_of(&s);
    CU_ASSERT_DOUBLE_EQUAL(mean_sigma(&wider), hypot(floor, 0.2 * wider.slope[MUIR_FIGURE_gemm]), 1e-3);
    CU_ASSERT(wider.sigma_high > wider.sigma_low); /* slower products add more than faster ones save */
    muir_figures_set(&s.job.stack.spread, MUIR_FIGURE_level, 0.1);
    snprintf(s.job.stack.correlation, sizeof s.job.stack.correlation, "gemm level 1");
    const muir_interval both =
        interval_of(&s); /* a faster product and a higher level make up for each other */
    const double together = 0.2 * both.slope[MUIR_FIGURE_gemm] + 0.1 * both.slope[MUIR_FIGURE_level];
    CU_ASSERT_DOUBLE_EQUAL(mean_sigma(&both), hypot(floor, together), 2e-2);
    CU_ASSERT(mean_sigma(&both) < mean_sigma(&wider));
    s.fleet.chip.spread = 0.3;
    CU_ASSERT_DOUBLE_EQUAL(interval_of(&s).sigma_high, hypot(both.sigma_high, 0.3), 1e-12);
    s.job.stack.basis = MUIR_BASIS_CALIBRATED; /* its rows were of this chip */
    CU_ASSERT_EQUAL(interval_of(&s).sigma_high, both.sigma_high);
}

static void wrong_correlations_are_refused(void)
{
    static const char *const wrong[] = {"gemm", "gemm gemm 0.5", "gemm nothing 0.5", "gemm level 1.5"};
    muir_scenario s = dense("seed=1");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        muir_belief belief;
        snprintf(s.job.stack.correlation, sizeof s.job.stack.correlation, "%s", wrong[i]);
        muir_ctx_clear(muir_test_ctx());
        CU_ASSERT_EQUAL(muir_belief_of(muir_test_ctx(), &s.job.stack, &belief), MUIR_ERR_ARG);
        CU_ASSERT_PTR_NOT_NULL(strstr(muir_test_ctx()->message, wrong[i]));
    }
}

static void what_is_stored_is_read_again(void)
{
    muir_scenario s = dense("seed=1");
    muir_belief belief, again;
    CU_ASSERT_EQUAL_FATAL(muir_belief_of(muir_test_ctx(), &s.job.stack, &belief), MUIR_OK);
    muir_belief_store(&belief, &s.job.stack);
    CU_ASSERT_EQUAL_FATAL(muir_belief_of(muir_test_ctx(), &s.job.stack, &again), MUIR_OK);
    for (int f = 0; f < MUIR_FIGURES; f++) {
        CU_ASSERT_DOUBLE_EQUAL(again.middle[f], belief.middle[f], 1e-3);
        CU_ASSERT_DOUBLE_EQUAL(again.covariance[f][f], belief.covariance[f][f],
                               1e-3 * belief.covariance[f][f]);
    }
}

/* A number of one's own is meant, and has no spread. */
static void given_figures_are_certain(void)
{
    const muir_scenario s = dense("stack.gemm=0.7"), wide = dense("stack.spread.gemm=0.5");
    CU_ASSERT_EQUAL(s.job.stack.spread.gemm, 0.0);
    CU_ASSERT(s.job.stack.spread.attention > 0.0);
    CU_ASSERT_EQUAL(wide.job.stack.spread.gemm, 0.5);
}

static muir_status read_stack(const char *text, muir_stack *stack)
{
    char path[] = "muir-stack-XXXXXX.yaml";
    const int fd = mkstemps(path, 5);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs(text, file);
    fclose(file);
    muir_ctx_clear(muir_test_ctx());
    const muir_status st = muir_stack_read(muir_test_ctx(), path, "stack", stack);
    unlink(path);
    return st;
}

static void a_stack_has_what_its_kind_has(void)
{
    muir_stack own, kind;
    CU_ASSERT_EQUAL_FATAL(muir_stack_read(muir_test_ctx(), "eager", "stack", &kind), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(read_stack("kind: eager\nsource: none\ngemm: 0.5\n", &own), MUIR_OK);
    CU_ASSERT_EQUAL(own.gemm, 0.5);
    CU_ASSERT_EQUAL(own.elementwise, kind.elementwise);
    CU_ASSERT_EQUAL(own.spread.attention, kind.spread.attention);
    CU_ASSERT_STRING_EQUAL(own.settings, kind.settings);
    CU_ASSERT_STRING_EQUAL(own.top_kind, "eager");
    CU_ASSERT_STRING_EQUAL(own.description, "");
    CU_ASSERT_EQUAL(own.basis, MUIR_BASIS_POOLED);
}

static void kinds_that_name_nothing_are_refused(void)
{
    muir_stack stack;
    CU_ASSERT_EQUAL(read_stack("kind: nobody\nsource: none\n", &stack), MUIR_ERR_ARG);
    CU_ASSERT_PTR_NOT_NULL(strstr(muir_test_ctx()->message, "kind 'nobody' is unknown"));
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"slopes are what the model says", slopes_are_what_the_model_says},
        {"slopes foretell changed figures", slopes_foretell_changed_figures},
        {"intervals add up from their parts", intervals_add_up_from_their_parts},
        {"wrong correlations are refused", wrong_correlations_are_refused},
        {"what is stored is read again", what_is_stored_is_read_again},
        {"given figures are certain", given_figures_are_certain},
        {"a stack has what its kind has", a_stack_has_what_its_kind_has},
        {"kinds that name nothing are refused", kinds_that_name_nothing_are_refused},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "estimate", tests);
}
