/* SPDX-License-Identifier: BSD-3-Clause */
/* What hits the job whatever its size, and each policy: goodput moves the way it should, chains of restarts
 * take as long as their formula says. Means over fixed seeds. */
#include <math.h>
#include <stdio.h>

#include "check.h"
#include "reliability/events.h"
#include "reliability/policy.h"

enum { SEEDS = 6, MOST_KEYS = 40 };

/* 2,048 servers of 8 and 24 spares; failures ten times as often as Llama 3's. */
static const char *const base[] = {"fleet.servers=2072", "faults=llama3",        "faults.rate=4.74",
                                   "faults.planned=0",   "faults.causes.hang=0", NULL};

static muir_scenario load(int seed, const char *const *more)
{
    muir_scenario s;
    const char *all[MOST_KEYS];
    char text[32];
    int n = 0;
    snprintf(text, sizeof text, "seed=%d", seed);
    all[n++] = text;
    for (int i = 0; base[i]; i++) all[n++] = base[i];
    for (int i = 0; more && more[i]; i++) all[n++] = more[i];
    muir_ctx_clear(muir_test_ctx());
    const muir_status st = muir_scenario_load(muir_test_ctx(), "llama3-16k", all, n, &s);
    if (st != MUIR_OK) fprintf(stderr, "%s\n", muir_test_ctx()->message);
    CU_ASSERT_EQUAL_FATAL(st, MUIR_OK);
    return s;
}

static muir_goodput run(int seed, const char *const *more, double days)
{
    const muir_scenario s = load(seed, more);
    muir_events *e = NULL;
    muir_attempt a = {.end_ns = 0};
    CU_ASSERT_EQUAL_FATAL(muir_events_create(muir_test_ctx(), &s, 405e9, 5.0, &e), MUIR_OK);
    for (int64_t row = 0; (double)a.end_ns < days * 86400e9; row++) {
        muir_disturbance d;
        muir_events_begin(e, row, &d);
        muir_events_end(e, 5.0 + d.wait_s, &a);
    }
    const muir_goodput g = *muir_events_goodput(e);
    muir_events_destroy(&e);
    return g;
}

static double share(const char *const *more)
{
    double sum = 0.0;
    for (int seed = 1; seed <= SEEDS; seed++) {
        const muir_goodput g = run(seed, more, 4.0);
        sum += muir_goodput_share(&g) / SEEDS;
    }
    return sum;
}

/* Keys, first what all of a row share; the second variant keeps more of the time than the first. */
typedef struct policy_row {
    const char *what;
    const char *shared[5];
    const char *worse, *better;
} policy_row;

static const policy_row rows[] = {
    {"crashes of the job", {NULL}, "faults.job.crash=20", "faults.job.crash=2"},
    {"hangs of the job", {NULL}, "faults.job.hang=20", "faults.job.hang=2"},
    {"bad deployments", {NULL}, "faults.job.deployment=20", "faults.job.deployment=2"},
    {"tries of a bad deployment",
     {"faults.job.deployment=10", NULL},
     "faults.job.deployment_tries=6",
     "faults.job.deployment_tries=1"},
    {"loss spikes", {NULL}, "faults.job.loss_spike=10", "faults.job.loss_spike=1"},
    {"rewind",
     {"faults.job.loss_spike=10", NULL},
     "faults.job.spike_rewind=400",
     "faults.job.spike_rewind=50"},
    {"data stalls", {NULL}, "faults.job.data_stall=200", "faults.job.data_stall=20"},
    {"length of data stalls",
     {"faults.job.data_stall=100", NULL},
     "faults.job.data_median_s=120",
     "faults.job.data_median_s=20"},
    {"maintenance windows", {NULL}, "faults.job.window_days=1", "faults.job.window_days=0"},
    {"length of windows",
     {"faults.job.window_days=1", NULL},
     "faults.job.window_s=14400",
     "faults.job.window_s=3600"},
    {"restarts that fail", {NULL}, "faults.policy.restart_success=0.5", "faults.policy.restart_success=1"},
    {"a person soon",
     {"faults.policy.restart_success=0.1", NULL},
     "faults.policy.rescue_median_s=7200",
     "faults.policy.rescue_median_s=600"},
    {"a person early",
     {"faults.policy.restart_success=0.05", "faults.policy.rescue_median_s=60",
      "faults.policy.rescue_sigma=0", NULL},
     "faults.policy.restart_tries=10",
     "faults.policy.restart_tries=2"},
    {"checks that cost", {NULL}, "faults.policy.preflight_s=300", "faults.policy.preflight_s=0"},
    {"checks that catch",
     {"faults.policy.restart_success=0.4", "faults.policy.preflight_s=30", NULL},
     "faults.policy.preflight_catch=0",
     "faults.policy.preflight_catch=0.9"},
    {"failures that are foreseen", {NULL}, "faults.policy.foreseen=0", "faults.policy.foreseen=0.6"},
    {"quick migration",
     {"faults.policy.foreseen=0.6", NULL},
     "faults.policy.migrate_s=300",
     "faults.policy.migrate_s=5"},
    {"diagnosis", {NULL}, "faults.policy.misdiagnosis=0.9", "faults.policy.misdiagnosis=0"},
    {"groups evicted",
     {"faults.policy.misdiagnosis=0.9", "faults.policy.check_s=60", NULL},
     "faults.policy.evict=server",
     "faults.policy.evict=group"},
    {"quick checks of the healthy",
     {"faults.policy.misdiagnosis=0.9", "faults.policy.evict=group", NULL},
     "faults.policy.check_s=86400",
     "faults.policy.check_s=60"},
    {"relapses before training has gone far",
     {"faults.policy.misdiagnosis=0.9", NULL},
     "faults.policy.relapse_s=86400",
     "faults.policy.relapse_s=10"},
    {"lemons retired",
     {"faults.lemon_share=0.05", "faults.lemon_factor=100", "faults.policy.repair_cures=0",
      "faults.policy.replacement_s=3600", NULL},
     "faults.policy.retire_after=0",
     "faults.policy.retire_after=3"},
    {"quick replacement",
     {"faults.policy.retire_after=1", NULL},
     "faults.policy.replacement_s=2.6e6",
     "faults.policy.replacement_s=3600"},
    {"repairs that cure",
     {"faults.lemon_share=0.05", "faults.lemon_factor=100", NULL},
     "faults.policy.repair_cures=0",
     "faults.policy.repair_cures=1"},
    {"the best spare",
     {"faults.lemon_share=0.05", "faults.lemon_factor=100", "faults.policy.repair_cures=0",
      "fleet.servers=2600", NULL},
     "faults.policy.selection=last_back",
     "faults.policy.selection=fewest_failures"},
    {"quick reconnection",
     {"faults.reaction.scope=elastic", NULL},
     "faults.reaction.reconnect_s=60",
     "faults.reaction.reconnect_s=1"},
    {"quick detection",
     {NULL},
     "faults.detection.explicit_median_s=120",
     "faults.detection.explicit_median_s=5"},
    {"hot updates",
     {"faults.planned=20", NULL},
     "faults.policy.hot_update_s=0",
     "faults.policy.hot_update_s=30"},
    {"warm standby",
     {"faults.in_place=0", "faults.reaction.hot_reschedule_s=5", "fleet.servers=2600", NULL},
     "faults.reaction.hot_spares=0",
     "faults.reaction.hot_spares=4"},
    {"copies with peers", {NULL}, "faults.checkpoint.memory=false", "faults.checkpoint.memory=true"},
    {"copies under another leaf",
     {"faults.checkpoint.memory=true", "faults.causes.rack=300", "faults.checkpoint.storage_every=400", NULL},
     "faults.checkpoint.memory_remote=false",
     "faults.checkpoint.memory_remote=true"},
};

static void each_policy_moves_goodput_its_way(void)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *keys[2][8];
        for (int v = 0; v < 2; v++) {
            int n = 0;
            while (rows[i].shared[n]) {
                keys[v][n] = rows[i].shared[n];
                n++;
            }
            keys[v][n++] = v ? rows[i].better : rows[i].worse;
            keys[v][n] = NULL;
        }
        const double worse = share(keys[0]), better = share(keys[1]);
        if (better <= worse)
            fprintf(stderr, "%s: %s keeps %.4f, %s %.4f\n", rows[i].what, rows[i].worse, worse,
                    rows[i].better, better);
        CU_ASSERT(better > worse);
    }
}

/* Mean over many draws against the sum, for chains that a person ends now and then. */
static void chains_take_what_their_formula_says(void)
{
    const muir_policy p = {.restart_success = 0.3,
                           .restart_tries = 4,
                           .rescue_median_s = 1000.0,
                           .rescue_sigma = 0.5,
                           .preflight_s = 20.0,
                           .preflight_catch = 0.25};
    enum { DRAWS = 100000 };
    double sum_s = 0.0, square = 0.0;
    int rescued = 0;
    for (uint32_t i = 0; i < DRAWS; i++) {
        const muir_draw d = {3, MUIR_STREAM_FAULT, i, 0};
        bool is_rescued = false;
        const double t = muir_policy_retry_s(&p, 100.0, &d, &is_rescued);
        sum_s += t, square += t * t, rescued += is_rescued;
    }
    const double mean = sum_s / DRAWS, error = sqrt((square / DRAWS - mean * mean) / DRAWS);
    CU_ASSERT_DOUBLE_EQUAL(mean, muir_policy_mean_retry_s(&p, 100.0), 5.0 * error);
    const double q = 0.7 * 0.75, hopeless = q * q * q * q;
    CU_ASSERT_DOUBLE_EQUAL(muir_policy_chain_success(&p), 1.0 - hopeless, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL((double)rescued / DRAWS, hopeless, 5.0 * sqrt(hopeless / DRAWS));
}

/* Rates by day, whatever the chips: 128 servers or 2,048. */
static void causes_of_the_job_do_not_grow_with_it(void)
{
    static const char *const small[] = {"faults.rate=0", "faults.job.crash=12", "parallel.dp=8",
                                        "global_batch_size=auto", NULL};
    static const char *const large[] = {"faults.rate=0", "faults.job.crash=12", NULL};
    double n[2] = {0.0, 0.0};
    for (int seed = 1; seed <= SEEDS; seed++) {
        const muir_goodput a = run(seed, small, 10.0), b = run(seed, large, 10.0);
        n[0] += (double)a.events[MUIR_KIND_crash], n[1] += (double)b.events[MUIR_KIND_crash];
    }
    for (int i = 0; i < 2; i++) CU_ASSERT_DOUBLE_EQUAL(n[i], 720.0, 3.0 * sqrt(720.0));
}

/* 350 batches for each spike, and at least so many steps lost. */
static void loss_spikes_rewind_and_skip(void)
{
    static const char *const keys[] = {"faults.rate=0", "faults.job.loss_spike=10",
                                       "faults.job.spike_rewind=40", "faults.checkpoint.storage_every=30",
                                       NULL};
    const muir_goodput g = run(1, keys, 5.0);
    CU_ASSERT(g.events[MUIR_KIND_loss_spike] > 20);
    CU_ASSERT_EQUAL(g.skipped_batches, 350 * g.events[MUIR_KIND_loss_spike]);
    CU_ASSERT(g.lost_steps >= 40 * g.events[MUIR_KIND_loss_spike]);
    CU_ASSERT(g.lost_steps <= 80 * g.events[MUIR_KIND_loss_spike]);
}

static void windows_come_on_time(void)
{
    static const char *const keys[] = {"faults.rate=0", "faults.job.window_days=1",
                                       "faults.job.window_s=7200", NULL};
    const muir_goodput g = run(1, keys, 9.5);
    CU_ASSERT_EQUAL(g.events[MUIR_KIND_window], 9);
    CU_ASSERT(g.lost_ns[MUIR_KIND_window] >= 9 * 7200000000000);
    CU_ASSERT_EQUAL(g.interruptions, 0);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"each policy moves goodput its way", each_policy_moves_goodput_its_way},
        {"chains take what their formula says", chains_take_what_their_formula_says},
        {"causes of the job do not grow with it", causes_of_the_job_do_not_grow_with_it},
        {"loss spikes rewind and skip", loss_spikes_rewind_and_skip},
        {"windows come on time", windows_come_on_time},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "policies", tests);
}
