/* SPDX-License-Identifier: BSD-3-Clause */
/* The event machine under stress on four chips: every key of a fault file changes something, servers are
 * never in two places, saved states are what is restored, and `auto` takes what keeps going. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "programs.h"
#include "reliability/events.h"
#include "reliability/servers_state.h"

enum { ROWS = 3000, MOST_KEYS = 96 };

/* All kinds of events every few seconds, steps of 0.2 s, two spare servers. */
static const char *const stress[] = {"faults=elastic",
                                     "parallel.dp=4",
                                     "parallel.pp=2",
                                     "fleet.servers=6",
                                     "faults.rate=1.2e6",
                                     "faults.planned=1500",
                                     "faults.slow.compute=3e6",
                                     "faults.slow.network=3e6",
                                     "faults.slow.flap=9e4",
                                     "faults.slow.compute_median_s=2",
                                     "faults.slow.network_median_s=2",
                                     "faults.slow.longest_s=8",
                                     "faults.slow.alert_s=0.3",
                                     "faults.slow.network_patience_s=5",
                                     "faults.slow.alert_slowdown=1.2",
                                     "faults.repair_median_s=10",
                                     "faults.long_repair_min_s=20",
                                     "faults.long_repair_max_s=60",
                                     "faults.detection.explicit_median_s=0.3",
                                     "faults.detection.hang_s=2",
                                     "faults.detection.sdc_s=10",
                                     "faults.reaction.reschedule_s=0.5",
                                     "faults.reaction.no_spare_s=3",
                                     "faults.reaction.hot_spares=1",
                                     "faults.reaction.hot_reschedule_s=0.1",
                                     "faults.reaction.operator_median_s=1",
                                     "faults.reaction.sdc_rollback=true",
                                     "faults.checkpoint.memory_every=3",
                                     "faults.checkpoint.memory_load_s=0.2",
                                     "faults.checkpoint.disk_every=7",
                                     "faults.checkpoint.disk_byte_per_s=1e8",
                                     "faults.checkpoint.storage_byte_per_s=1e8",
                                     "faults.checkpoint.storage_every=20",
                                     "faults.jitter.gc_steps=40",
                                     "faults.jitter.gc_synchronised=false",
                                     "faults.jitter.period_size=0.02",
                                     "faults.jitter.spike_share=0.1",
                                     "faults.lemon_share=0.5",
                                     "faults.job.crash=200",
                                     "faults.job.hang=100",
                                     "faults.job.deployment=100",
                                     "faults.job.deployment_tries=2",
                                     "faults.job.loss_spike=100",
                                     "faults.job.spike_rewind=5",
                                     "faults.job.data_stall=3000",
                                     "faults.job.data_median_s=1",
                                     "faults.job.window_days=0.001",
                                     "faults.job.window_s=5",
                                     "faults.policy.restart_success=0.6",
                                     "faults.policy.restart_tries=2",
                                     "faults.policy.rescue_median_s=3",
                                     "faults.policy.preflight_s=0.1",
                                     "faults.policy.preflight_catch=0.3",
                                     "faults.policy.foreseen=0.2",
                                     "faults.policy.migrate_s=0.5",
                                     "faults.policy.misdiagnosis=0.3",
                                     "faults.policy.check_s=10",
                                     "faults.policy.relapse_s=3",
                                     "faults.policy.retire_after=4",
                                     "faults.policy.replacement_s=30",
                                     "faults.policy.repair_cures=0.5",
                                     NULL};

static muir_scenario under_stress(const char *scope)
{
    return scenario_with("tiny", stress, KEYS(scope));
}

/* Source of the constants: Fowler, Noll, Vo (FNV-1a). */
static uint64_t digest(uint64_t sum, const void *bytes, size_t n)
{
    const unsigned char *b = bytes;
    for (size_t i = 0; i < n; i++) sum = (sum ^ b[i]) * 0x100000001b3u;
    return sum;
}

/* Each server is in one place, and slots, spares and units agree about it. */
static void check_places(const muir_servers *s)
{
    int32_t in_job = 0, spares = 0, empty = 0;
    for (int32_t i = 0; i < s->n; i++) {
        in_job += s->state[i] == MUIR_SERVER_IN_JOB;
        spares += s->state[i] == MUIR_SERVER_SPARE;
        CU_ASSERT_EQUAL(s->slot_of[i] >= 0, s->state[i] == MUIR_SERVER_IN_JOB);
        if (s->slot_of[i] >= 0) CU_ASSERT_EQUAL(s->server_of[s->slot_of[i]], i);
    }
    for (int32_t k = 0; k < s->n_slots; k++) {
        empty += s->server_of[k] < 0;
        if (s->server_of[k] < 0) CU_ASSERT(muir_servers_is_idle(s, k)); /* nobody trains without a server */
    }
    CU_ASSERT_EQUAL(in_job + empty, s->n_slots);
    CU_ASSERT_EQUAL(spares, s->n_spares);
    CU_ASSERT_EQUAL(empty, s->n_empty);
    CU_ASSERT(s->n_empty == 0 || s->n_spares == 0); /* no spare stands idle while a slot is empty */
    for (int32_t u = 0; u < s->n_units; u++) CU_ASSERT(s->is_down[u] || s->missing[u] == 0);
}

static void check_row(const muir_events *e, const muir_attempt *a, int64_t before)
{
    CU_ASSERT_EQUAL(a->training_step, before + a->is_kept - a->lost_steps);
    CU_ASSERT(a->training_step >= 0 && a->row_ns >= 0);
    CU_ASSERT(!a->is_kept || (a->broken_ns == 0 && a->replicas_share > 0.0));
    CU_ASSERT(a->is_kept || a->checkpoint_ns == 0);
    check_places(muir_events_servers(e));
}

static uint64_t run(const muir_scenario *s, double params, muir_goodput *account)
{
    uint64_t sum = 0xcbf29ce484222325u;
    int64_t progress = 0;
    muir_events *e = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_events_create(muir_test_ctx(), s, params, 0.2, &e), MUIR_OK);
    for (int64_t row = 0; row < ROWS; row++) {
        muir_disturbance d;
        muir_attempt a;
        int n = 0;
        muir_events_begin(e, row, &d);
        sum = digest(sum, d.stretch, (size_t)s->job.parallel.pp * sizeof *d.stretch);
        for (int i = 0; i < d.n_slow; i++) sum = digest(sum, &d.slow[i].factor, sizeof(float));
        muir_events_end(e, 0.2 * d.common * (1.0 + d.extra) + d.wait_s, &a);
        check_row(e, &a, progress);
        progress = a.training_step;
        const muir_event *event = muir_events_of_row(e, &n);
        sum = digest(sum, event, (size_t)n * sizeof *event);
        sum = digest(sum, &a.row_ns, sizeof a.row_ns);
    }
    *account = *muir_events_goodput(e);
    muir_events_destroy(&e);
    return digest(sum, account, sizeof *account);
}

/* Another value that is allowed, too. */
static void change(const muir_option *o, char *field)
{
    double *number = (double *)(void *)field;
    int64_t *whole = (int64_t *)(void *)field;
    if (o->type == MUIR_OPTION_FLOAT) *number = *number == 0.0 ? 0.5 : 0.5 * *number;
    if (o->type == MUIR_OPTION_INT || o->type == MUIR_OPTION_AUTO) *whole = *whole == 1 ? 0 : 2 * *whole + 1;
    if (o->type == MUIR_OPTION_BOOL) *(bool *)(void *)field = !*(bool *)(void *)field;
    if (o->type == MUIR_OPTION_CHOICE) *(int *)(void *)field = *(int *)(void *)field == 1 ? 2 : 1;
}

/* Texts say nothing to the machine; lengths of sequences and loads of experts are drawn elsewhere, and
 * test_laws tries their keys; test_replay those of logs. */
static bool is_elsewhere(const muir_option *o)
{
    return o->type == MUIR_OPTION_TEXT || strncmp(o->name, "length_", 7) == 0 ||
           strncmp(o->name, "expert", 6) == 0 || strncmp(o->name, "log", 3) == 0;
}

static void every_key_changes_something(void)
{
    static const char *const scopes[] = {"faults.reaction.scope=sync", "faults.reaction.scope=replica",
                                         "faults.reaction.scope=elastic"};
    enum { SCOPES = sizeof scopes / sizeof scopes[0] };
    const double params = 3e7;
    muir_scenario base[SCOPES];
    muir_goodput g;
    uint64_t sums[SCOPES];
    for (int i = 0; i < SCOPES; i++) {
        base[i] = under_stress(scopes[i]);
        sums[i] = run(&base[i], params, &g);
        CU_ASSERT_EQUAL(run(&base[i], params, &g), sums[i]); /* a pure function */
    }
    for (int k = 0; k < muir_faults_schema.n_sections; k++)
        for (int i = 0; i < muir_faults_schema.sections[k].n_options; i++) {
            const muir_section *section = &muir_faults_schema.sections[k];
            bool is_changed = is_elsewhere(&section->options[i]);
            for (int scope = 0; scope < SCOPES && !is_changed; scope++) {
                muir_scenario s = base[scope];
                change(&section->options[i],
                       (char *)&s.faults + section->offset + section->options[i].offset);
                is_changed = run(&s, params, &g) != sums[scope];
            }
            if (!is_changed)
                fprintf(stderr, "faults.%s.%s changes nothing\n", section->name, section->options[i].name);
            CU_ASSERT(is_changed);
        }
}

static int scope_of(const char *name, const char *const *keys)
{
    const muir_scenario s = scenario_of(name, keys);
    muir_events *e = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_events_create(muir_test_ctx(), &s, 4e11, 5.0, &e), MUIR_OK);
    const int scope = muir_events_reaction(e)->scope;
    muir_events_destroy(&e);
    return scope;
}

static void auto_takes_what_keeps_going(void)
{
    CU_ASSERT_EQUAL(scope_of("llama3-16k", KEYS("faults=llama3", "fleet.servers=3072")), MUIR_SCOPE_SYNC);
    CU_ASSERT_EQUAL(scope_of("rainier-1m", KEYS("faults=elastic")), MUIR_SCOPE_ELASTIC);
    CU_ASSERT_EQUAL(scope_of("rainier-1m", KEYS("faults=bring-up")), MUIR_SCOPE_ELASTIC); /* stalls least */
    /* no other replica to go on with */
    CU_ASSERT_EQUAL(scope_of("tiny", KEYS("faults=elastic", "parallel.dp=1", "parallel.pp=1")),
                    MUIR_SCOPE_SYNC);
    CU_ASSERT_EQUAL(scope_of("rainier-1m", KEYS("faults=elastic", "faults.reaction.scope=replica")),
                    MUIR_SCOPE_REPLICA);
}

/* Half of the failures are repaired, in the mean 83,950 s long: 21,280 s and in a tenth 648,000 s. One
 * failure each 11,125 s keeps 3.77 servers in repair: three spares are too few, four are enough. */
static void a_job_lacks_spares_where_repairs_outnumber_them(void)
{
    static const char *const servers[] = {"fleet.servers=2051", "fleet.servers=2052"};
    double stall_s[2];
    for (int i = 0; i < 2; i++) {
        const muir_scenario s = scenario_of("llama3-16k", KEYS("faults=llama3", "faults.in_place=0.5",
                                                               servers[i], "faults.reaction.no_spare_s=900"));
        muir_events *e = NULL;
        CU_ASSERT_EQUAL_FATAL(muir_events_create(muir_test_ctx(), &s, 4e11, 5.0, &e), MUIR_OK);
        stall_s[i] = muir_events_reaction(e)->stall_s[MUIR_SCOPE_SYNC];
        muir_events_destroy(&e);
    }
    CU_ASSERT_DOUBLE_EQUAL(stall_s[0] - stall_s[1], 0.5 * (900.0 - 50.0), 1e-6);
}

/* Young 1974: sqrt(2 d M), here d = 4 s, M = 3.09 h, steps of 5 s: 298 s or 60 steps. */
static void the_storage_interval_is_youngs(void)
{
    static const char *const keys[] = {"faults=llama3", "faults.checkpoint.storage_block_s=4", NULL};
    const muir_scenario s = scenario_of("llama3-16k", keys);
    muir_checkpoints c;
    muir_checkpoints_init(&c, &s, 405e9, 5.0, 3.09 * 3600.0, 1.0);
    CU_ASSERT_EQUAL(c.tier[MUIR_TIER_STORAGE].every, 60);
    CU_ASSERT_DOUBLE_EQUAL(c.bytes, 14.0 * 405e9, 1.0);
}

static muir_tier find(const muir_checkpoints *c, const bool *survives, int64_t now_ns, int64_t before_ns,
                      muir_saved *saved)
{
    const muir_wanted wanted = {{survives[0], survives[1], survives[2]}, now_ns, before_ns, INT64_MAX};
    return muir_checkpoints_find(c, &wanted, saved);
}

static void the_newest_surviving_state_is_restored(void)
{
    static const char *const keys[] = {"faults=elastic", "faults.checkpoint.memory_every=2",
                                       "faults.checkpoint.disk_every=3", "faults.checkpoint.storage_every=5",
                                       NULL};
    const bool all[] = {true, true, true}, no_memory[] = {false, true, true},
               only_storage[] = {false, false, true};
    const muir_scenario s = scenario_of("tiny", keys);
    muir_checkpoints c;
    muir_saved saved;
    muir_checkpoints_init(&c, &s, 1.0, 1.0, 1e4, 1.0);
    for (int64_t step = 1; step <= 8; step++)
        muir_checkpoints_save(&c, step, 100 * step, step * 1000000000000);
    const int64_t now_ns = 9000000000000;
    CU_ASSERT_EQUAL(find(&c, all, now_ns, INT64_MAX, &saved), MUIR_TIER_MEMORY);
    CU_ASSERT_EQUAL(saved.step, 8);
    CU_ASSERT_EQUAL(find(&c, no_memory, now_ns, INT64_MAX, &saved), MUIR_TIER_DISK);
    CU_ASSERT_EQUAL(saved.step, 6);
    CU_ASSERT_EQUAL(find(&c, only_storage, now_ns, INT64_MAX, &saved), MUIR_TIER_STORAGE);
    CU_ASSERT(saved.step == 5 && saved.productive_ns == 500);
    CU_ASSERT_EQUAL(find(&c, all, now_ns, 4500000000000, &saved), MUIR_TIER_DISK); /* from before */
    CU_ASSERT_EQUAL(saved.step, 3);
    muir_checkpoints_rewind(&c, 5, now_ns);
    CU_ASSERT_EQUAL(find(&c, all, now_ns, INT64_MAX, &saved), MUIR_TIER_STORAGE);
    CU_ASSERT_EQUAL(saved.step, 5);
    CU_ASSERT_EQUAL(find(&c, all, 0, INT64_MAX, &saved), MUIR_TIER_NONE);
    CU_ASSERT_EQUAL(saved.step, 0);
}

/* Half a pod of 144 cubes of TPU Ironwood, every failed server drained. */
static const char *const pod[] = {"fleet=google-ironwood-pod",
                                  "model=llama3-405b",
                                  "parallel.tp=4",
                                  "parallel.pp=16",
                                  "parallel.dp=72",
                                  "faults=llama3",
                                  "faults.in_place=0",
                                  "faults.rate=500",
                                  "faults.reaction.scope=sync",
                                  "faults.causes.hang=0",
                                  "faults.causes.sdc=0",
                                  "global_batch_size=2304",
                                  NULL};
enum { POD_ROWS = 300 };

/* Expected stall, and how often cubes were replaced, with what the events of the first rows took. */
static double pod_stall_s(const char *rewire, int *n_replaced, double *shortest_s)
{
    const muir_scenario s = scenario_with("rainier-1f1b", pod, KEYS(rewire));
    muir_events *e = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_events_create(muir_test_ctx(), &s, 4e11, 5.0, &e), MUIR_OK);
    const double stall_s = muir_events_reaction(e)->stall_s[MUIR_SCOPE_SYNC];
    *n_replaced = 0, *shortest_s = INFINITY;
    for (int64_t row = 0; row < POD_ROWS; row++) {
        muir_disturbance d;
        muir_attempt a;
        int n = 0;
        muir_events_begin(e, row, &d);
        muir_events_end(e, 5.0, &a);
        const muir_event *event = muir_events_of_row(e, &n);
        for (int i = 0; i < n; i++) {
            if (event[i].consequence != MUIR_CONSEQUENCE_DRAINED) continue;
            CU_ASSERT_EQUAL(event[i].servers, 1); /* a cube, not the pod */
            CU_ASSERT_EQUAL(muir_servers_n_empty(muir_events_servers(e)), 0);
            *shortest_s = fmin(*shortest_s, 1e-9 * (double)event[i].stall_ns);
            ++*n_replaced;
        }
    }
    muir_events_destroy(&e);
    return stall_s;
}

static void a_spare_cube_takes_the_place_of_a_failed_one(void)
{
    int n_slow = 0, n_quick = 0;
    double slow_s = 0.0, quick_s = 0.0;
    const double with_s = pod_stall_s("fleet.server.rewire_s=1000", &n_slow, &slow_s),
                 without_s = pod_stall_s("fleet.server.rewire_s=0", &n_quick, &quick_s);
    CU_ASSERT_DOUBLE_EQUAL(with_s - without_s, 1000.0, 1e-6);
    CU_ASSERT(n_slow > 3 && n_quick > 3);
    CU_ASSERT(quick_s < 1000.0 && slow_s > 1000.0);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"every key changes something", every_key_changes_something},
        {"auto takes what keeps going", auto_takes_what_keeps_going},
        {"a job lacks spares where repairs outnumber them", a_job_lacks_spares_where_repairs_outnumber_them},
        {"the storage interval is Young's", the_storage_interval_is_youngs},
        {"a spare cube takes the place of a failed one", a_spare_cube_takes_the_place_of_a_failed_one},
        {"the newest surviving state is restored", the_newest_surviving_state_is_restored},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "reaction", tests);
}
