/* SPDX-License-Identifier: BSD-3-Clause */
/* Power, traces and cost against closed sums and a plain summation over replicas. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "power/power_smooth.h"
#include "power/power_trace.h"
#include "programs.h"
#include "run/power.h"

#define SMALL_JOB "parallel.dp=70", "parallel.tp=8", "model=gpt3-175b", "parallel.pp=4"
static const char *const traced[] = {SMALL_JOB,           "power.window_s=100",    "evaluation.every=3",
                                     "host.every=0",      "evaluation.time_s=2.5", "power.stagger_s=0.3",
                                     "power.floor=0.2",   "fleet.chip=h100-sxm",   "power.stagger_groups=3",
                                     "chip.tp_power=0.4", "chip.dp_power=0.3",     NULL};

/* The energy of the ideal step from its schedule's times, without profiles. */
static void energy_follows_the_phases(void)
{
    const muir_scenario s = scenario_of("rainier-1f1b", KEYS(SMALL_JOB, "stack.step_s=0"));
    muir_fleet_clock *clock = clock_of(muir_test_ctx(), &s);
    const muir_power *p = muir_fleet_clock_power(clock);
    const muir_slot_times *times = muir_fleet_clock_slot_times(clock);
    const muir_ideal *ideal = muir_fleet_clock_ideal(clock);
    const double tdp_w = s.fleet.chip.tdp_w, n = (double)s.job.microbatches;
    double stage_j = 0.0, norm_s = 0.0;
    for (int i = 0; i < times->n_stages; i++) norm_s = fmax(norm_s, times->sync[i].norm_s);
    for (int i = 0; i < times->n_stages; i++) {
        const muir_slot_time *f = &times->slot[MUIR_FORWARD][i], *b = &times->slot[MUIR_SLOT_JOINED][i];
        const muir_sync_time *y = &times->sync[i];
        const double compute_s =
            n * (f->part_s[MUIR_SLOT_COMPUTE] + b->part_s[MUIR_SLOT_COMPUTE]) + y->optimizer_s;
        const double comm_s =
            n * (f->part_s[MUIR_SLOT_TP] + b->part_s[MUIR_SLOT_TP]) + y->reduce_s + y->gather_s + norm_s;
        stage_j += tdp_w * (0.95 * compute_s + 0.35 * comm_s + 0.12 * (ideal->step_s - compute_s - comm_s));
    }
    const double chips = (double)muir_job_chips(&s.job) / times->n_stages;
    const double base_w = 16000.0 * (double)s.fleet.top.servers + 100.0 * (double)muir_fleet_chips(&s.fleet) +
                          60.0 * (double)s.spare_chips;
    const muir_power_step step = {.replicas = (double)s.job.parallel.dp};
    CU_ASSERT_DOUBLE_EQUAL(p->base_w / base_w, 1.0, 1e-12);
    const double servers = (double)(s.fleet.top.servers - s.spare_servers); /* with chips of the job */
    CU_ASSERT_DOUBLE_EQUAL(p->spread, 1.0, 4.0 * 0.008 / sqrt(servers));
    CU_ASSERT_NOT_EQUAL(p->spread, 1.0);
    CU_ASSERT_DOUBLE_EQUAL(
        muir_power_equipment_j(p, &step) / (p->spread * chips * stage_j + base_w * ideal->step_s), 1.0, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(muir_power_meter_j(p, &step) / muir_power_equipment_j(p, &step), 1.15, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(muir_power_ideal_j(&s, ideal) / muir_power_meter_j(p, &step), 1.0, 1e-3);
    muir_fleet_clock_destroy(&clock);
}

/* Lays some steps and compares the trace's energy with the rows'. */
static void a_trace_has_the_energy_of_its_steps(void)
{
    const muir_scenario s = scenario_of("rainier-1f1b", traced);
    muir_fleet_clock *clock = clock_of(muir_test_ctx(), &s);
    muir_power_trace *trace = NULL;
    muir_fleet_row row;
    muir_rank_row rank;
    double steps_j = 0.0, time_s = 0.0, laid_j = 0.0;
    CU_ASSERT_EQUAL_FATAL(muir_power_trace_create(muir_test_ctx(), muir_fleet_clock_power(clock), &trace),
                          MUIR_OK);
    muir_power_trace_start(trace, 0.0);
    muir_fleet_clock_want_bins(clock, true);
    for (int64_t i = 0; time_s < 120.0; i++) { /* beyond the window: what is left over counts too */
        CU_ASSERT_EQUAL(muir_fleet_clock_step(muir_test_ctx(), clock, i, 0, &row, &rank, NULL), MUIR_OK);
        const muir_power_step step = muir_fleet_row_power(clock, &row);
        muir_power_trace_add(trace, &step, muir_fleet_clock_bins(clock));
        CU_ASSERT_DOUBLE_EQUAL(muir_power_step_s(muir_fleet_clock_power(clock), &step) / row.step_s, 1.0,
                               1e-12);
        CU_ASSERT_EQUAL(row.part_s[MUIR_PART_evaluation], i % 3 == 2 ? 2.5 : 0.0);
        steps_j += row.energy_j;
        time_s += row.step_s;
    }
    for (size_t k = 0; k <= trace->room; k++) laid_j += trace->energy_j[k];
    CU_ASSERT_EQUAL(trace->room, 5000);
    CU_ASSERT_EQUAL(muir_power_trace_samples(trace), 5000);
    CU_ASSERT_DOUBLE_EQUAL(laid_j / steps_j, 1.0, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(muir_power_trace_difference(trace), 0.0, 1e-9);
    muir_power_trace_destroy(&trace);
    muir_fleet_clock_destroy(&clock);
}

/* Energy of one replica until a time in the step, from the definition. */
static double plain_replica_j(const muir_power *p, double offset_s, double delay_s, double t)
{
    const double wait_w = p->chip.wait * p->replica_chips, whole_s = p->pipeline.length_s;
    if (t <= offset_s) return wait_w * t;
    const double end_s = offset_s + whole_s + delay_s, stretch = (whole_s + delay_s) / whole_s;
    const double ran_s = fmin(t, end_s) - offset_s;
    return wait_w * (offset_s + fmax(0.0, t - end_s)) +
           stretch * muir_profile_at(&p->pipeline, ran_s / stretch);
}

/* Bins made by hand: the trace is the sum over replicas, sample by sample. */
static void a_trace_is_the_sum_over_replicas(void)
{
    const muir_scenario s = scenario_of("rainier-1f1b", traced);
    muir_fleet_clock *clock = clock_of(muir_test_ctx(), &s);
    const muir_power *p = muir_fleet_clock_power(clock);
    muir_power_trace *trace = NULL;
    static muir_delay_bins bins;
    const double late_s = 0.031, hz = s.power.sample_hz, step = 1.0 / hz;
    bins.count[0] = 60, bins.sum_ns[0] = 60 * 1000000;
    bins.count[6] = 10, bins.sum_ns[6] = 10 * 31000000;
    const muir_power_step times = {
        .replicas = 70.0, .late_s = late_s, .delay_sum_s = 60 * 0.001 + 10 * 0.031};
    CU_ASSERT_EQUAL_FATAL(muir_power_trace_create(muir_test_ctx(), p, &trace), MUIR_OK);
    muir_power_trace_start(trace, 0.0);
    muir_power_trace_add(trace, &times, &bins);
    const double overhead_w =
        (muir_power_meter_j(p, &times) - muir_power_equipment_j(p, &times)) / muir_power_step_s(p, &times);
    const size_t whole = (size_t)((p->pipeline.length_s + late_s + 0.3) * hz);
    for (size_t k = 0; k < whole; k++) {
        double j = 0.0;
        for (int g = 0; g < 3; g++)
            for (int late = 0; late < 2; late++)
                j += (late ? 10.0 : 60.0) / 3.0 *
                     (plain_replica_j(p, 0.15 * g, late ? 0.031 : 0.001, (double)(k + 1) * step) -
                      plain_replica_j(p, 0.15 * g, late ? 0.031 : 0.001, (double)k * step));
        const double expected_j = p->spread * j + (p->base_w + overhead_w) * step;
        CU_ASSERT_DOUBLE_EQUAL(trace->energy_j[k] / expected_j, 1.0, 1e-9);
    }
    muir_power_trace_destroy(&trace);
    muir_fleet_clock_destroy(&clock);
}

/* Replicas that are down are idle; a step without any is its pauses alone. */
static void what_does_not_train_is_idle(void)
{
    const muir_scenario s = scenario_of("rainier-1f1b", traced);
    muir_fleet_clock *clock = clock_of(muir_test_ctx(), &s);
    const muir_power *p = muir_fleet_clock_power(clock);
    muir_power_trace *trace = NULL;
    static muir_delay_bins some, none;
    const double chips = (double)muir_job_chips(&s.job), idle_w = 700.0 * 0.2; /* the floor */
    some.count[0] = 40;
    const muir_power_step part = {.replicas = 40.0, .late_s = 0.01}, all = {.replicas = 70.0, .late_s = 0.01};
    const muir_power_step broken = {.recovery_s = 30.0};
    const double base_j = p->base_w * muir_power_step_s(p, &all);
    const double trained_j = 40.0 / 70.0 * (muir_power_equipment_j(p, &all) - base_j);
    const double idle_j = p->spread * 30.0 / 70.0 * chips * idle_w * muir_power_step_s(p, &all);
    CU_ASSERT_DOUBLE_EQUAL(muir_power_equipment_j(p, &part) / (base_j + trained_j + idle_j), 1.0, 1e-12);
    CU_ASSERT_EQUAL(muir_power_step_s(p, &broken), 30.0);
    CU_ASSERT_DOUBLE_EQUAL(
        muir_power_equipment_j(p, &broken) / (30.0 * (p->base_w + p->spread * chips * idle_w)), 1.0, 1e-12);
    const muir_power_step tried = {.recovery_s = 30.0, .broken_s = 12.0, .broken_w = 2.0 * p->base_w};
    CU_ASSERT_EQUAL(muir_power_step_s(p, &tried), 42.0);
    CU_ASSERT_DOUBLE_EQUAL((muir_power_equipment_j(p, &tried) - muir_power_equipment_j(p, &broken)) /
                               (12.0 * 2.0 * p->base_w),
                           1.0, 1e-9);
    CU_ASSERT_EQUAL_FATAL(muir_power_trace_create(muir_test_ctx(), p, &trace), MUIR_OK);
    muir_power_trace_start(trace, 0.0);
    muir_power_trace_add(trace, &part, &some);
    muir_power_trace_add(trace, &broken, &none);
    muir_power_trace_add(trace, &tried, &none);
    CU_ASSERT_DOUBLE_EQUAL(muir_power_trace_difference(trace), 0.0, 1e-12);
    muir_power_trace_destroy(&trace);
    muir_fleet_clock_destroy(&clock);
}

static void bins_hold_every_replica_once(void)
{
    const muir_scenario s = scenario_of("rainier-1f1b", traced);
    muir_fleet_clock *clock = clock_of(muir_test_ctx(), &s);
    muir_fleet_row row;
    muir_rank_row rank;
    int64_t count = 0, sum_ns = 0;
    muir_fleet_clock_want_bins(clock, true);
    CU_ASSERT_EQUAL(muir_fleet_clock_step(muir_test_ctx(), clock, 5, 0, &row, &rank, NULL), MUIR_OK);
    for (int b = 0; b < MUIR_DELAY_BINS; b++) {
        count += muir_fleet_clock_bins(clock)->count[b];
        sum_ns += muir_fleet_clock_bins(clock)->sum_ns[b];
    }
    CU_ASSERT_EQUAL(count, 70);
    CU_ASSERT_DOUBLE_EQUAL(1e-9 * (double)sum_ns / 70.0,
                           row.replica_mean_s - muir_fleet_clock_ideal(clock)->step_s, 1e-12);
    muir_fleet_clock_destroy(&clock);
}

enum { N = 4000 };

static void fill_square(double *w, double low_w, double high_w)
{
    for (int k = 0; k < N; k++) w[k] = k / 250 % 2 ? low_w : high_w;
}

static double sum_of(const double *w)
{
    double sum = 0.0;
    for (int k = 0; k < N; k++) sum += w[k];
    return sum;
}

/* After a step, an exponential; the energy is that of the load but for what the lag holds at the end. */
static void lags_follow_exponentially(void)
{
    muir_scenario s = scenario_of("tiny", NULL);
    double w[N];
    s.fleet.server.supply_lag_s = 0.0;
    s.fleet.chip.lag_s = 0.1;
    fill_square(w, 0.0, 1000.0);
    muir_smooth_lag(&s, w, N);
    CU_ASSERT_DOUBLE_EQUAL(w[249], 1000.0, 1e-9);
    for (int k = 250; k < 300; k++) { /* mean of 1000 exp(-t / tau) over the sample */
        const double from = 0.02 * (k - 250), to = from + 0.02;
        CU_ASSERT_DOUBLE_EQUAL(w[k], 1000.0 * 0.1 / 0.02 * (exp(-from / 0.1) - exp(-to / 0.1)), 1e-6);
    }
}

static void ramps_keep_to_their_limits(void)
{
    const char *const keys[] = {"power.window_s=80", "power.ramp_up_w_per_s=50", "power.ramp_down_w_per_s=20",
                                NULL};
    const muir_scenario s = scenario_of("tiny", keys); /* four chips */
    muir_smooth_cost cost = {0.0, 0.0, 0.0, 0.0};
    double w[N], load_w[N];
    fill_square(load_w, 400.0, 1000.0);
    memcpy(w, load_w, sizeof w);
    muir_smooth_ramp(&s, w, N, &cost);
    for (int k = 1; k < N; k++) {
        CU_ASSERT(w[k] - w[k - 1] <= 4 * 50 * 0.02 + 1e-9);
        CU_ASSERT(w[k] - w[k - 1] >= -4 * 20 * 0.02 - 1e-9);
    }
    CU_ASSERT_DOUBLE_EQUAL(0.02 * (sum_of(w) - sum_of(load_w)), cost.burnt_j - cost.deferred_j, 1e-6);
    CU_ASSERT(cost.burnt_j > 0.0 && cost.deferred_j > 0.0);
}

/* The meter's swing shrinks, nothing is made of nothing, content and power keep to their limits. */
static void storage_keeps_its_books(void)
{
    const char *const keys[] = {"power.window_s=80", "power.storage_j_per_chip=900", NULL};
    muir_scenario s = scenario_of("tiny", keys);
    double w[N], load_w[N];
    fill_square(load_w, 4 * 175.0, 4 * 475.0);
    for (int weak = 0; weak < 2; weak++) {
        muir_smooth_cost cost = {0.0, 0.0, 0.0, 0.0};
        s.power.storage_w_per_chip = weak ? 60.0 : 500.0;
        memcpy(w, load_w, sizeof w);
        muir_smooth_storage(&s, sum_of(w) / N, w, N, &cost);
        CU_ASSERT(cost.stored_j <= 4 * 450.0 * (1.0 + 1e-9));
        CU_ASSERT(cost.lost_j > 0.0);
        const double taken_j = 0.02 * (sum_of(w) - sum_of(load_w)) - cost.lost_j; /* still in the store */
        CU_ASSERT(fabs(taken_j) <= 4 * 450.0 * (1.0 + 1e-9));
        for (int k = 0; k < N; k++) {
            const double most_w = 4.0 * s.power.storage_w_per_chip * (2.0 - sqrt(0.9));
            CU_ASSERT(fabs(w[k] - load_w[k]) <= most_w * (1.0 + 1e-9));
        }
        if (!weak) CU_ASSERT(fabs(w[255] - load_w[255]) > 4 * 200.0); /* just after a fall */
    }
}

/* A trace made by hand: one sine on a mean. */
static void a_sine_gives_its_own_figures(void)
{
    const char *const keys[] = {"power.window_s=80", NULL};
    const muir_scenario s = scenario_of("tiny", keys);
    muir_power_report r = {.step_hz = 0.5};
    double w[N];
    for (int k = 0; k < N; k++) w[k] = 1000.0 + 30.0 * sin(2.0 * acos(-1.0) * 0.5 * (k + 0.5) / 50.0);
    CU_ASSERT_EQUAL(muir_power_analyse(muir_test_ctx(), &s.power, w, N, &r), MUIR_OK);
    CU_ASSERT_DOUBLE_EQUAL(r.mean_w, 1000.0, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(r.rms_w, 30.0 / sqrt(2.0), 1e-3);
    CU_ASSERT_DOUBLE_EQUAL(r.line_share[0], 1.0, 1e-3);
    CU_ASSERT_DOUBLE_EQUAL(r.line_w[0], 60.0, 0.1);
    CU_ASSERT_DOUBLE_EQUAL(r.line_share[1], 0.0, 1e-3);
    CU_ASSERT_DOUBLE_EQUAL(r.band_share[MUIR_POWER_band_0_1_hz], 1.0, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(r.ramp_w_per_s[0], 4.0 * 30.0 / acos(-1.0), 0.05); /* half waves, up and down */
    CU_ASSERT_DOUBLE_EQUAL(r.ramp_w_per_s[1], 0.0, 1e-6);
    CU_ASSERT(isnan(r.ramp_w_per_s[2])); /* two minutes do not fit */
    CU_ASSERT_DOUBLE_EQUAL(r.range, 60.0 / 1030.0, 1e-3);
    CU_ASSERT_EQUAL(r.share, MUIR_VERDICT_MISSED);
    CU_ASSERT_EQUAL(r.ramp, MUIR_VERDICT_NOT_MEASURED);
    CU_ASSERT_EQUAL(r.range_verdict, MUIR_VERDICT_MET);
    CU_ASSERT_EQUAL(r.swing, MUIR_VERDICT_NO_LIMIT);
    CU_ASSERT_DOUBLE_EQUAL(r.grid_w, 60.0, 0.1);
}

static void remedies_do_what_they_cost(void)
{
    const char *const none[] = {"power.window_s=60", NULL};
    const char *const floor[] = {"power.window_s=60", "power.floor=0.9", NULL};
    const char *const storage[] = {"power.window_s=60", "power.storage_j_per_chip=5000", NULL};
    const char *const *const keys[] = {none, floor, storage};
    muir_power_summary p[3];
    for (int i = 0; i < 3; i++) {
        const muir_scenario s = scenario_of("rainier-1f1b", keys[i]);
        CU_ASSERT_EQUAL(muir_power_study(muir_test_ctx(), &s, &p[i]), MUIR_OK);
        CU_ASSERT_EQUAL(p[i].windows, 1);
    }
    if (muir_test_ctx()->rank != 0) return;
    CU_ASSERT_EQUAL(p[0].report.samples, 3000);
    CU_ASSERT(p[1].report.line_w[0] < 0.2 * p[0].report.line_w[0]);
    CU_ASSERT(p[1].report.energy_j > 1.1 * p[0].report.energy_j);
    CU_ASSERT(p[2].report.line_w[0] < 0.6 * p[0].report.line_w[0]);
    CU_ASSERT_DOUBLE_EQUAL(p[2].report.energy_j / p[0].report.energy_j, 1.0, 0.03);
}

/* Half of what compute draws beyond idle leaves the cube root of a half of the clock. */
static void a_cap_slows_compute_and_nothing_else(void)
{
    const char *const cap[] = {"power.cap=0.535", NULL};
    const muir_scenario plain = scenario_of("rainier-1f1b", NULL), capped = scenario_of("rainier-1f1b", cap);
    muir_fleet_clock *a = clock_of(muir_test_ctx(), &plain), *b = clock_of(muir_test_ctx(), &capped);
    const muir_slot_time *x = &muir_fleet_clock_slot_times(a)->slot[MUIR_FORWARD][1],
                         *y = &muir_fleet_clock_slot_times(b)->slot[MUIR_FORWARD][1];
    CU_ASSERT_DOUBLE_EQUAL(y->part_s[MUIR_SLOT_COMPUTE] / x->part_s[MUIR_SLOT_COMPUTE], cbrt(2.0), 1e-12);
    CU_ASSERT_EQUAL(x->part_s[MUIR_SLOT_TP], y->part_s[MUIR_SLOT_TP]);
    CU_ASSERT_DOUBLE_EQUAL(muir_fleet_clock_power(b)->chip.part[MUIR_SLOT_COMPUTE], 0.535 * 500.0, 1e-9);
    CU_ASSERT_EQUAL(muir_fleet_clock_power(b)->chip.wait, muir_fleet_clock_power(a)->chip.wait);
    muir_fleet_clock_destroy(&a);
    muir_fleet_clock_destroy(&b);
}

static void cost_adds_up(void)
{
    muir_scenario s = scenario_of("rainier-1m", NULL);
    s.fleet.site.site_lifetime_years = s.fleet.site.lifetime_years;
    const muir_cost c = muir_cost_of(&s);
    const double capital = 1e6 * 33900.0, year_s = 365.25 * 86400.0;
    CU_ASSERT_DOUBLE_EQUAL((c.servers_usd + c.network_usd + c.site_usd) / capital, 1.0, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(c.site_usd / (11.7 * 850e6), 1.0, 1e-12); /* 500 + 250 + 100 W a chip */
    CU_ASSERT_DOUBLE_EQUAL(muir_cost_usd(&c, 10.0, 3.6e9) /
                               (10.0 * (capital / (5 * year_s) + 75e6 / year_s) + 80.0),
                           1.0, 1e-12);
    s.fleet.site.utilisation = 0.5;
    CU_ASSERT_DOUBLE_EQUAL(muir_cost_of(&s).capital_usd_per_s / c.capital_usd_per_s, 2.0, 1e-12);
}

static void check_refused(const char *key, const char *more, const char *words)
{
    const char *const keys[] = {key, more};
    muir_scenario s;
    CU_ASSERT_EQUAL(muir_scenario_load(muir_test_ctx(), "tiny", keys, more ? 2 : 1, &s), MUIR_ERR_ARG);
    if (muir_test_ctx()->rank == 0) CU_ASSERT_PTR_NOT_NULL(strstr(muir_test_ctx()->message, words));
    muir_ctx_clear(muir_test_ctx());
}

static void keys_that_change_nothing_are_refused(void)
{
    check_refused("evaluation.every=3", NULL, "both are above 0");
    check_refused("evaluation.time_s=3", NULL, "both are above 0");
    check_refused("evaluation.every=3", "evaluation.time_s=0.1", "longer than evaluation.time_s");
    check_refused("power.cap=0.99", NULL, "must lie between");
    check_refused("power.cap=0.1", NULL, "must lie between");
    check_refused("power.storage_j_per_chip=3", NULL, "asks for no trace");
    check_refused("power.window_s=86400", "power.sample_hz=5000", "more samples");
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"energy follows the phases", energy_follows_the_phases},
        {"a trace has the energy of its steps", a_trace_has_the_energy_of_its_steps},
        {"a trace is the sum over replicas", a_trace_is_the_sum_over_replicas},
        {"what does not train is idle", what_does_not_train_is_idle},
        {"bins hold every replica once", bins_hold_every_replica_once},
        {"lags follow exponentially", lags_follow_exponentially},
        {"ramps keep to their limits", ramps_keep_to_their_limits},
        {"storage keeps its books", storage_keeps_its_books},
        {"a sine gives its own figures", a_sine_gives_its_own_figures},
        {"remedies do what they cost", remedies_do_what_they_cost},
        {"a cap slows compute and nothing else", a_cap_slows_compute_and_nothing_else},
        {"cost adds up", cost_adds_up},
        {"keys that change nothing are refused", keys_that_change_nothing_are_refused},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "power", tests);
}
