/* SPDX-License-Identifier: BSD-3-Clause */
/* The event machine, driven with steps of one length: published runs, what keeps going at which size, and
 * the account of time. Nothing here is timed; seeds are fixed, tolerances stand beside what they hold. */
#include <math.h>
#include <stdio.h>

#include "check.h"
#include "programs.h"
#include "reliability/events.h"
#include "reliability/expect.h"

enum { SEEDS = 8, MANY_SEEDS = 40, MOST_KEYS = 24 };

static muir_scenario seeded(const char *name, int seed, const char *const *keys)
{
    char text[32];
    snprintf(text, sizeof text, "seed=%d", seed);
    return scenario_with(name, KEYS(text), keys);
}

/* What a run of `days` with steps of one length comes to. */
static muir_goodput run(const char *name, int seed, const char *const *keys, double days, double step_s,
                        double params)
{
    const muir_scenario s = seeded(name, seed, keys);
    muir_events *e = NULL;
    muir_attempt a = {.end_ns = 0};
    CU_ASSERT_EQUAL_FATAL(muir_events_create(muir_test_ctx(), &s, params, step_s, &e), MUIR_OK);
    for (int64_t row = 0; (double)a.end_ns < days * 86400e9; row++) {
        muir_disturbance d;
        muir_events_begin(e, row, &d);
        muir_events_end(e, step_s * d.common * (1.0 + d.extra) + d.wait_s, &a);
    }
    const muir_goodput g = *muir_events_goodput(e);
    int64_t sum_ns = 0;
    for (int c = 0; c < MUIR_CLASS_COUNT; c++) {
        CU_ASSERT(g.class_ns[c] >= 0);
        sum_ns += g.class_ns[c];
    }
    CU_ASSERT_EQUAL(sum_ns, g.total_ns); /* every nanosecond is in one class */
    CU_ASSERT_EQUAL(g.total_ns, a.end_ns);
    muir_events_destroy(&e);
    return g;
}

typedef struct published {
    const char *scenario;
    const char *keys[MOST_KEYS - 1];
    double days, step_s, params;
    int seeds;
} published;

/* Means over seeds. uptime: share of the time in which the job trained, kept or not, or saved. */
typedef struct means {
    double interruptions, share, uptime, saving;
} means;

static means means_of(const published *p)
{
    means m = {0.0, 0.0, 0.0, 0.0};
    for (int seed = 1; seed <= p->seeds; seed++) {
        const muir_goodput g = run(p->scenario, seed, p->keys, p->days, p->step_s, p->params);
        const double total = (double)g.total_ns * p->seeds;
        m.interruptions += (double)g.interruptions / p->seeds;
        m.share += muir_goodput_share(&g) / p->seeds;
        m.saving += (double)g.class_ns[MUIR_CLASS_checkpoint_save] / total;
        m.uptime +=
            (double)(g.class_ns[MUIR_CLASS_productive] + g.class_ns[MUIR_CLASS_missing_replicas] +
                     g.class_ns[MUIR_CLASS_checkpoint_save] + g.class_ns[MUIR_CLASS_wasted_progress]) /
            total;
    }
    return m;
}

/* arXiv 2407.21783: 419 unexpected interruptions, 2 sigma of a Poisson count 41; more than 90 % effective
 * time. Its cluster had 24,576 chips, so there are spares. */
static void llama3_has_its_interruptions_and_effective_time(void)
{
    static const published p = {"llama3-16k", {"faults=llama3", "fleet.servers=3072"}, 54.0, 4.6, 405e9,
                                SEEDS};
    const means m = means_of(&p);
    CU_ASSERT_DOUBLE_EQUAL(m.interruptions, 419.0, 41.0);
    CU_ASSERT(m.share > 0.90 && m.share < 0.95);
}

/* arXiv 2602.00277: 100,000 chips, a failure every 18 min; stalls of 10 min leave 44 %, of 3 min 80 %. The
 * stalls and the rate are inputs, the shares are not. */
static void a_hundred_thousand_chips_keep_what_their_stalls_leave(void)
{
    static const published sync = {"llama3-16k",
                                   {"faults=ft-hsdp", "fleet.servers=12700", "parallel.dp=784",
                                    "global_batch_size=25088", "faults.reaction.scope=sync"},
                                   30.0,
                                   5.0,
                                   405e9,
                                   SEEDS};
    static const published replica = {"llama3-16k",
                                      {"faults=ft-hsdp", "fleet.servers=12700", "parallel.dp=784",
                                       "global_batch_size=25088", "faults.reaction.scope=replica"},
                                      30.0,
                                      5.0,
                                      405e9,
                                      SEEDS};
    CU_ASSERT_DOUBLE_EQUAL(means_of(&sync).share, 0.44, 0.03);
    CU_ASSERT_DOUBLE_EQUAL(means_of(&replica).share, 0.80, 0.03);
}

/* One failure in 3.04 min: a restart of all takes longer. Elastic data parallelism is also what `auto`
 * takes. */
static void a_million_chips_train_only_elastically(void)
{
    static const published sync = {
        "rainier-1m", {"faults=elastic", "faults.reaction.scope=sync"}, 5.0, 5.0, 2e12, 3};
    static const published chosen = {"rainier-1m", {"faults=elastic"}, 5.0, 5.0, 2e12, 3};
    CU_ASSERT(means_of(&sync).share < 0.02);
    CU_ASSERT_DOUBLE_EQUAL(means_of(&chosen).share, 0.65, 0.05);
}

/* The closed form and draws, within a point of the mean: sync, replica and elastic reactions, with planned
 * stops, evictions, failures that are foreseen, copies in memory and without, failures close together. */
static void what_is_expected_is_what_draws_come_to(void)
{
    static const published runs[] = {
        {"rainier-1m", {"faults=elastic", "days=10"}, 10.0, 21.6, 2e12, 2},
        {"rainier-1m", {"faults=elastic", "days=4", "faults.detection.hang_s=5"}, 4.0, 5.0, 2e12, 2},
        {"llama3-16k", {"faults=llama3", "days=54"}, 54.0, 20.0, 405e9, 8},
        {"llama3-16k", {"faults=rsc", "days=54"}, 54.0, 20.0, 405e9, 8},
        {"llama3-16k",
         {"faults=llama3", "days=54", "faults.policy.foreseen=0.5", "faults.rate=2", "fleet.servers=2060"},
         54.0,
         20.0,
         405e9,
         8},
        {"llama3-16k",
         {"faults=elastic", "days=54", "faults.rate=5", "fleet.servers=2100"},
         54.0,
         20.0,
         405e9,
         8},
    };
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        const published *p = &runs[i];
        const muir_scenario s = seeded(p->scenario, 1, p->keys);
        const double expected = muir_goodput_expect(&s, p->params, p->step_s).goodput;
        const double drawn = means_of(p).share;
        if (fabs(expected - drawn) > 0.01)
            fprintf(stderr, "case %zu: expected %.4f, drawn %.4f\n", i, expected, drawn);
        CU_ASSERT_DOUBLE_EQUAL(expected, drawn, 0.01);
    }
}

/* Time up as published; time until a person acts is that of LANL's repairs, not fitted. The lognormal's
 * tail asks for many seeds. OPT-175B: 59 %. HLAT on 4,096 Trainium: 98.81 % restarted by itself, and 77.83
 * % by hand, which lies between what LANL's mean (with its tail of days) and its median leave. */
static void restarts_by_hand_cost_what_they_cost(void)
{
    static const published opt = {"tiny",
                                  {"faults=opt-175b", "global_batch_size=auto", "model=opt-175b",
                                   "fleet=dgx-a100-80gb", "fleet.servers=140", "parallel.tp=8",
                                   "parallel.pp=1", "parallel.dp=124"},
                                  60.0,
                                  25.0,
                                  175e9,
                                  MANY_SEEDS};
    static const published alone = {"tiny",
                                    {"faults=llama3", "faults.planned=0", "global_batch_size=auto",
                                     "model=llama-2-70b", "fleet=trn1", "fleet.servers=264", "parallel.tp=8",
                                     "parallel.pp=8", "parallel.dp=64", "faults.reaction.scope=sync"},
                                    30.0,
                                    10.0,
                                    70e9,
                                    MANY_SEEDS};
    published by_hand = alone;
    by_hand.keys[10] = "faults.reaction.operator_median_s=3240";
    CU_ASSERT_DOUBLE_EQUAL(means_of(&opt).uptime, 0.59, 0.08);
    CU_ASSERT_DOUBLE_EQUAL(means_of(&alone).uptime, 0.9881, 0.01);
    CU_ASSERT(means_of(&by_hand).uptime < 0.7783);
    by_hand.keys[11] = "faults.reaction.operator_sigma=0";
    CU_ASSERT(means_of(&by_hand).uptime > 0.7783);
}

/* About one chip a week is an input; 0.37 % of the time for checkpoints of 2.3 TB is not. */
static void bloom_saves_and_fails_as_it_did(void)
{
    static const published p = {"tiny",
                                {"faults=bloom", "global_batch_size=auto", "model=bloom-176b",
                                 "fleet=jean-zay-a100", "parallel.tp=4", "parallel.pp=12", "parallel.dp=8"},
                                117.0,
                                108.0,
                                176e9,
                                SEEDS};
    const means m = means_of(&p);
    CU_ASSERT_DOUBLE_EQUAL(m.interruptions, 117.0 / 7.0, 5.0);
    CU_ASSERT_DOUBLE_EQUAL(m.saving, 0.0037, 0.0002);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"Llama 3 has its interruptions and its effective time",
         llama3_has_its_interruptions_and_effective_time},
        {"100,000 chips keep what their stalls leave", a_hundred_thousand_chips_keep_what_their_stalls_leave},
        {"a million chips train only elastically", a_million_chips_train_only_elastically},
        {"what is expected is what draws come to", what_is_expected_is_what_draws_come_to},
        {"restarts by hand cost what they cost", restarts_by_hand_cost_what_they_cost},
        {"BLOOM saves and fails as it did", bloom_saves_and_fails_as_it_did},
        CU_TEST_INFO_NULL};
    return muir_test_main(argc, argv, "events", tests);
}
