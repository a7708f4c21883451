/* SPDX-License-Identifier: BSD-3-Clause */
/* The search for layouts against layouts loaded one by one, and against itself on one rank. */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "fleet_clock/fleet_clock.h"
#include "plan/plan.h"
#include "programs.h"

static muir_plan *plan_of(muir_ctx *ctx, const muir_scenario *base, const char *const *fixed, int n_fixed,
                          bool is_pareto)
{
    muir_plan *plan = NULL;
    const muir_plan_request request = {
        .base = base, .limits = base, .fixed = fixed, .n_fixed = n_fixed, .keep = 50, .is_pareto = is_pareto};
    const muir_status st = muir_plan_create(ctx, &request, &plan);
    if (st != MUIR_OK) fprintf(stderr, "%s\n", ctx->message);
    CU_ASSERT_EQUAL_FATAL(st, MUIR_OK);
    return plan;
}

static double step_of(const char *const *overrides)
{
    muir_scenario scenario;
    muir_fleet_clock *clock = NULL;
    double step_s = 1e30;
    if (try_scenario("tiny", overrides, NULL, &scenario) == MUIR_OK) {
        CU_ASSERT_EQUAL_FATAL(muir_fleet_clock_create(muir_test_ctx(), &scenario, &clock), MUIR_OK);
        step_s = muir_fleet_clock_ideal(clock)->step_s;
    }
    muir_ctx_clear(muir_test_ctx());
    muir_fleet_clock_destroy(&clock);
    return step_s;
}

#define BATCH "global_batch_size=64"

static muir_scenario base_of_plans(void)
{
    return scenario_of("tiny", KEYS(BATCH));
}

/* Every tp and pp by hand, as a user would type them. */
static void the_best_is_the_best(void)
{
    static const char *const fixed[] = {"parallel.vpp",       "parallel.schedule",  "parallel.cp",
                                        "parallel.ep",        "micro_batch_size",   "parallel.order",
                                        "parallel.recompute", "parallel.zero_stage"};
    const muir_scenario base = base_of_plans();
    muir_plan *plan = plan_of(muir_test_ctx(), &base, fixed, sizeof fixed / sizeof fixed[0], false);
    double best_s = 1e30;
    int legal = 0;
    for (int tp = 1; tp <= base.job.model.heads; tp++)
        for (int pp = 1; pp <= base.job.model.layers; pp++) {
            char tp_text[32], pp_text[32];
            snprintf(tp_text, sizeof tp_text, "parallel.tp=%d", tp);
            snprintf(pp_text, sizeof pp_text, "parallel.pp=%d", pp);
            const double step_s = step_of(KEYS(BATCH, tp_text, pp_text, "parallel.dp=auto"));
            legal += step_s < 1e30;
            if (step_s < best_s) best_s = step_s;
        }
    CU_ASSERT(legal > 4);
    CU_ASSERT_FATAL(plan->n > 4);
    CU_ASSERT_EQUAL(plan->entries[0].step_s, best_s);
    CU_ASSERT_EQUAL(plan->own.step_s, step_of(KEYS(BATCH)));
    for (int i = 0; i < plan->n;
         i++) { /* of its chips alone, between idle and full; 2: hosts, network, building */
        const double full_w = base.fleet.chip.tdp_w * (double)plan->entries[i].chips;
        CU_ASSERT(plan->entries[i].power_w > base.fleet.chip.idle_power * full_w &&
                  plan->entries[i].power_w < 2.0 * full_w);
    }
    muir_plan_destroy(&plan);
}

static bool is_same(const muir_plan_entry *a, const muir_plan_entry *b)
{
    return a->number == b->number && a->step_s == b->step_s && a->memory_bytes == b->memory_bytes &&
           a->usd_per_mtoken == b->usd_per_mtoken && a->power_w == b->power_w && a->chips == b->chips &&
           memcmp(a->part_s, b->part_s, sizeof a->part_s) == 0 &&
           strcmp(a->parallel.schedule, b->parallel.schedule) == 0;
}

static void check_same_alone(bool is_pareto)
{
    const muir_scenario base = base_of_plans();
    muir_ctx *alone = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_ctx_create(MPI_COMM_SELF, &alone), MUIR_OK);
    muir_plan *together = plan_of(muir_test_ctx(), &base, NULL, 0, is_pareto);
    muir_plan *single = plan_of(alone, &base, NULL, 0, is_pareto);
    CU_ASSERT_EQUAL_FATAL(together->n, single->n);
    CU_ASSERT_EQUAL(together->legal, single->legal);
    CU_ASSERT_EQUAL(together->fitting, single->fitting);
    CU_ASSERT_EQUAL(together->better_than_own, single->better_than_own);
    for (int i = 0; i < single->n; i++) CU_ASSERT(is_same(&together->entries[i], &single->entries[i]));
    muir_plan_destroy(&together);
    muir_plan_destroy(&single);
    muir_ctx_destroy(&alone);
}

static void any_ranks_find_the_same(void)
{
    check_same_alone(false);
    check_same_alone(true);
}

static void limits_are_kept(void)
{
    static const char *const fixed[] = {"parallel.tp", "micro_batch_size"};
    const muir_scenario base = scenario_of(
                            "tiny", KEYS(BATCH, "parallel.tp=2", "parallel.pp=1", "micro_batch_size=2")),
                        small = scenario_of("tiny", KEYS(BATCH, "chip.hbm_bytes=4e8"));
    muir_plan *plan = plan_of(muir_test_ctx(), &base, fixed, 2, false);
    muir_plan *tight = plan_of(muir_test_ctx(), &small, NULL, 0, false);
    CU_ASSERT(plan->n > 1);
    for (int i = 0; i < plan->n; i++) {
        CU_ASSERT_EQUAL(plan->entries[i].parallel.tp, 2);
        CU_ASSERT_EQUAL(plan->entries[i].micro_batch_size, 2);
        CU_ASSERT(plan->entries[i].chips <= muir_fleet_chips(&base.fleet));
        if (i > 0) CU_ASSERT(plan->entries[i - 1].step_s <= plan->entries[i].step_s);
    }
    CU_ASSERT(tight->fitting < tight->legal);
    for (int i = 0; i < tight->n; i++) CU_ASSERT(tight->entries[i].memory_bytes <= 4e8);
    muir_plan_destroy(&plan);
    muir_plan_destroy(&tight);
}

/* Nothing in the front is beaten by anything else in it, and the fastest of all is there. */
static void the_front_is_a_front(void)
{
    const muir_scenario base = base_of_plans();
    muir_plan *front = plan_of(muir_test_ctx(), &base, NULL, 0, true);
    muir_plan *plain = plan_of(muir_test_ctx(), &base, NULL, 0, false);
    CU_ASSERT_FATAL(front->n > 1 && plain->n > 0);
    CU_ASSERT_EQUAL(front->entries[0].step_s, plain->entries[0].step_s);
    for (int i = 1; i < front->n; i++) {
        const muir_plan_entry *slower = &front->entries[i];
        for (int k = 0; k < i; k++)
            CU_ASSERT(slower->chips < front->entries[k].chips ||
                      slower->usd_per_mtoken < front->entries[k].usd_per_mtoken);
    }
    muir_plan_destroy(&front);
    muir_plan_destroy(&plain);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {{"the best is the best", the_best_is_the_best},
                           {"any number of ranks finds the same", any_ranks_find_the_same},
                           {"limits are kept", limits_are_kept},
                           {"the front is a front", the_front_is_a_front},
                           CU_TEST_INFO_NULL};
    return muir_test_main(argc, argv, "plan", tests);
}
