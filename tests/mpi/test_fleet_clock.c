/* SPDX-License-Identifier: BSD-3-Clause */
/* The fleet clock against a plain simulation of every replica, and against itself on one rank. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "check.h"
#include "fleet_clock/energy.h"
#include "fleet_clock/fleet_clock.h"

static muir_scenario load(const char *name, const char *const *overrides, int n)
{
    muir_scenario scenario;
    const muir_status st = muir_scenario_load(muir_test_ctx(), name, overrides, n, &scenario);
    if (st != MUIR_OK) fprintf(stderr, "%s\n", muir_test_ctx()->message);
    CU_ASSERT_EQUAL_FATAL(st, MUIR_OK);
    return scenario;
}

static muir_fleet_clock *clock_of(muir_ctx *ctx, const muir_scenario *scenario)
{
    muir_fleet_clock *clock = NULL;
    const muir_status st = muir_fleet_clock_create(ctx, scenario, &clock);
    if (st != MUIR_OK) fprintf(stderr, "%s\n", ctx->message);
    CU_ASSERT_EQUAL_FATAL(st, MUIR_OK);
    return clock;
}

/* The slowdown of one group, chip by chip, from the definition. */
static double group_slowdown(const muir_scenario *s, int64_t stage, int64_t replica, int64_t step)
{
    const muir_variation *v = &s->fleet.variation;
    const uint64_t seed = (uint64_t)s->run.seed;
    const int64_t group = s->job.parallel.tp * s->job.parallel.cp, pp = s->job.parallel.pp;
    double slowest = 0.0;
    for (int64_t place = 0; place < group; place++) {
        const int64_t chip = muir_chip_number(&s->job, stage, replica, place);
        const uint64_t server = (uint64_t)(chip / s->fleet.server.chips);
        const int64_t knot = step / v->drift_steps;
        const double at = (double)(step % v->drift_steps) / (double)v->drift_steps;
        const double before =
            v->drift_sigma * (double)muir_rng_normal_at(seed, MUIR_STREAM_DRIFT, (uint32_t)knot, server);
        const double after =
            v->drift_sigma * (double)muir_rng_normal_at(seed, MUIR_STREAM_DRIFT, (uint32_t)knot + 1, server);
        const uint64_t block = (uint64_t)((replica / 64 * pp + stage) * group + place);
        const double z = (double)muir_rng_normal_at(seed, MUIR_STREAM_JITTER, (uint32_t)step,
                                                    64 * block + (uint64_t)(replica % 64));
        const double x =
            (1.0 + v->step_sigma * z) / muir_chip_speed(s, chip) * (1.0 + before + at * (after - before));
        slowest = fmax(slowest, x);
    }
    return slowest;
}

/* Ends of all stages of one replica, in double, sharing nothing with the engine but the order of slots. */
static void simulate_replica(const muir_scenario *s, const muir_fleet_clock *clock, int64_t replica,
                             int64_t step, double *end)
{
    const muir_order *order = muir_fleet_clock_order(clock);
    const muir_prices *prices = muir_fleet_clock_prices(clock);
    const int stages = order->shape.stages, chunks = stages * order->shape.chunks,
              n = order->shape.microbatches;
    double *done = calloc(2 * (size_t)chunks * (size_t)n, sizeof *done),
           *slow = calloc((size_t)stages, sizeof *slow);
    for (int stage = 0; stage < stages; stage++) {
        slow[stage] = group_slowdown(s, stage, replica, step);
        end[stage] = 0.0;
    }
    for (int i = 0; i < order->n_steps; i++) {
        const muir_step *slot = &order->steps[i];
        const bool is_forward = slot->phase == MUIR_FORWARD;
        const int input = is_forward ? slot->chunk - 1 : slot->chunk + 1;
        double start = end[slot->stage];
        if (input >= 0 && input < chunks) {
            const bool is_wrap = abs(input % stages - slot->stage) > 1;
            const double edge = input % stages == slot->stage ? 0.0
                                : is_wrap                     ? prices->wrap_p2p_s
                                                              : prices->p2p_s;
            start = fmax(start, done[((size_t)slot->phase * (size_t)chunks + (size_t)input) * (size_t)n +
                                     (size_t)slot->microbatch] +
                                    edge);
        }
        const muir_slot_price *p =
            is_forward ? &prices->forward[slot->chunk] : &prices->backward[slot->chunk];
        end[slot->stage] = start + p->compute_s * slow[slot->stage] + p->tp_s + p->cp_s + p->ep_s + p->dp_s;
        done[((size_t)slot->phase * (size_t)chunks + (size_t)slot->chunk) * (size_t)n +
             (size_t)slot->microbatch] = end[slot->stage];
    }
    free(done);
    free(slow);
}

static void check_against_simulation(const char *name, const char *const *overrides, int n)
{
    const muir_scenario s = load(name, overrides, n);
    muir_fleet_clock *clock = clock_of(muir_test_ctx(), &s);
    const muir_ideal *ideal = muir_fleet_clock_ideal(clock);
    const int stages = (int)s.job.parallel.pp;
    double *end = calloc((size_t)stages, sizeof *end);
    for (int64_t step = 0; step < 3; step++) {
        muir_fleet_row row;
        muir_rank_row rank;
        double reduced = 0.0, sum = 0.0;
        for (int64_t r = 0; r < s.job.parallel.dp; r++) {
            double own = 0.0;
            simulate_replica(&s, clock, r, step * 150, end);
            for (int stage = 0; stage < stages; stage++) own = fmax(own, end[stage] + ideal->reduce_s[stage]);
            reduced = fmax(reduced, own);
            sum += own + ideal->tail_s;
        }
        CU_ASSERT_EQUAL(muir_fleet_clock_step(muir_test_ctx(), clock, step * 150, 0, &row, &rank, NULL),
                        MUIR_OK);
        CU_ASSERT_DOUBLE_EQUAL(row.step_s / (reduced + ideal->tail_s), 1.0, 2e-6);
        CU_ASSERT_DOUBLE_EQUAL(row.replica_mean_s / (sum / (double)s.job.parallel.dp), 1.0, 2e-6);
    }
    free(end);
    muir_fleet_clock_destroy(&clock);
}

static void engine_equals_a_plain_simulation(void)
{
    static const char *const many[] = {"parallel.dp=70", "parallel.tp=8", "model=gpt3-175b", "parallel.pp=4"};
    static const char *const wide[] = {"parallel.dp=3", "fleet.server.chips=8", "fleet.server.torus=2x2x2",
                                       "fleet.leaf=1"};
    static const char *const two[] = {"parallel.dp=2"};
    check_against_simulation("rainier", many, 4);
    check_against_simulation("rainier", wide, 3); /* a group of 64 over eight servers */
    check_against_simulation("llama3-16k", two, 0);
    check_against_simulation("tiny", two, 1);
}

static void parts_add_up_in_every_step(void)
{
    const muir_scenario s = load("rainier", NULL, 0);
    muir_fleet_clock *clock = clock_of(muir_test_ctx(), &s);
    for (int64_t step = 0; step < 20; step++) {
        muir_fleet_row row;
        muir_rank_row rank;
        double sum = 0.0;
        CU_ASSERT_EQUAL(muir_fleet_clock_step(muir_test_ctx(), clock, step, 0, &row, &rank, NULL), MUIR_OK);
        for (int i = 0; i < MUIR_PART_COUNT; i++) {
            CU_ASSERT(row.part_s[i] >= 0.0);
            sum += row.part_s[i];
        }
        CU_ASSERT_DOUBLE_EQUAL(sum, row.step_s, 1e-12 * row.step_s);
    }
    muir_fleet_clock_destroy(&clock);
}

static void equal_chips_never_wait(void)
{
    static const char *const overrides[] = {"fleet.variation.chip_sigma=0", "fleet.variation.drift_sigma=0",
                                            "fleet.variation.step_sigma=0"};
    const muir_scenario s = load("rainier", overrides, 3);
    muir_fleet_clock *clock = clock_of(muir_test_ctx(), &s);
    muir_fleet_row row;
    muir_rank_row rank;
    CU_ASSERT_EQUAL(muir_fleet_clock_step(muir_test_ctx(), clock, 5, 0, &row, &rank, NULL), MUIR_OK);
    CU_ASSERT_EQUAL(row.part_s[MUIR_PART_straggler], 0.0);
    CU_ASSERT_EQUAL(row.step_s, muir_fleet_clock_ideal(clock)->step_s);
    CU_ASSERT_EQUAL(row.slowest_replica, 0);
    muir_fleet_clock_destroy(&clock);
}

/* Every rank computes the whole fleet alone, then all together: the same bytes, servers' rows too. */
static void any_number_of_ranks_gives_the_same_bytes(void)
{
    static const char *const names[] = {"rainier", "llama3-16k", "tiny"};
    muir_ctx *alone = NULL, *all = muir_test_ctx();
    CU_ASSERT_EQUAL_FATAL(muir_ctx_create(MPI_COMM_SELF, &alone), MUIR_OK);
    for (size_t i = 0; i < 3; i++) {
        const muir_scenario s = load(names[i], NULL, 0);
        const size_t bytes = (size_t)s.fleet.top.servers * sizeof(float);
        muir_fleet_clock *one = clock_of(alone, &s), *many = clock_of(all, &s);
        float *a = malloc(bytes), *b = malloc(bytes);
        for (int64_t step = 0; step < 3; step++) {
            muir_fleet_row ra, rb;
            muir_rank_row rank;
            memset(&ra, 0, sizeof ra);
            memset(&rb, 0, sizeof rb);
            CU_ASSERT_EQUAL(muir_fleet_clock_step(alone, one, step * 201, 0, &ra, &rank, a), MUIR_OK);
            CU_ASSERT_EQUAL(muir_fleet_clock_step(all, many, step * 201, 0, &rb, &rank, b), MUIR_OK);
            CU_ASSERT(memcmp(&ra, &rb, sizeof ra) == 0);
            if (muir_is_root(all)) CU_ASSERT(memcmp(a, b, bytes) == 0);
        }
        free(a);
        free(b);
        muir_fleet_clock_destroy(&one);
        muir_fleet_clock_destroy(&many);
    }
    muir_ctx_destroy(&alone);
}

static void servers_show_a_planted_slow_server(void)
{
    static const char *const overrides[] = {"fleet.variation.slow_share=0.01",
                                            "fleet.variation.slow_speed=0.5"};
    const muir_scenario s = load("rainier", overrides, 2);
    const int64_t n = s.fleet.top.servers;
    muir_fleet_clock *clock = clock_of(muir_test_ctx(), &s);
    float *servers = malloc((size_t)n * sizeof *servers);
    muir_fleet_row row;
    muir_rank_row rank;
    CU_ASSERT_EQUAL(muir_fleet_clock_step(muir_test_ctx(), clock, 0, 0, &row, &rank, servers), MUIR_OK);
    int slow = 0, wrong = 0;
    for (int64_t i = 0; i < n && muir_is_root(muir_test_ctx()); i++) {
        const bool is_slow = (double)muir_rng_uniform_at(1, MUIR_STREAM_SLOW, 0, (uint64_t)i) < 0.01;
        const bool is_spare = i >= n - s.spare_servers;
        if (is_spare)
            wrong += !isnan(servers[i]);
        else
            wrong += (servers[i] > 1.8f) != is_slow;
        slow += is_slow && !is_spare;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(!muir_is_root(muir_test_ctx()) || (slow > 40 && slow < 120));
    CU_ASSERT(row.part_s[MUIR_PART_straggler] > 0.5 * row.part_s[MUIR_PART_compute]);
    free(servers);
    muir_fleet_clock_destroy(&clock);
}

static void one_rank_that_flags_is_seen_by_all(void)
{
    muir_ctx *ctx = muir_test_ctx();
    const muir_scenario s = load("tiny", NULL, 0);
    muir_fleet_clock *clock = clock_of(ctx, &s);
    muir_fleet_row row;
    muir_rank_row rank;
    CU_ASSERT_EQUAL(muir_fleet_clock_step(ctx, clock, 0, 0, &row, &rank, NULL), MUIR_OK);
    CU_ASSERT_EQUAL(row.flag, 0);
    CU_ASSERT_EQUAL(
        muir_fleet_clock_step(ctx, clock, 1, ctx->rank == ctx->size - 1 ? 2 : 0, &row, &rank, NULL), MUIR_OK);
    CU_ASSERT_EQUAL(row.flag, 2);
    muir_fleet_clock_destroy(&clock);
}

/* All chips computing all the time draw tdp compute_power; waiting, idle_power. */
static void energy_follows_the_phases(void)
{
    muir_scenario s = load("tiny", NULL, 0);
    s.fleet.server.host_w = s.fleet.fabric.switch_w_per_chip = 0.0;
    muir_ideal ideal;
    memset(&ideal, 0, sizeof ideal);
    ideal.compute_mean_s = 2.0;
    CU_ASSERT_DOUBLE_EQUAL(muir_step_energy_j(&s, &ideal, 2.0), 4 * 2.0 * 500 * 0.95, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(muir_step_energy_j(&s, &ideal, 3.0), 4 * 500 * (2.0 * 0.95 + 0.12), 1e-9);
    const double capital = 4 * 33900.0 / (5 * 365.25 * 86400.0);
    CU_ASSERT_DOUBLE_EQUAL(muir_step_cost_usd(&s, 10.0, 3.6e9), 10.0 * capital + 300.0, 1e-9);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"engine equals a plain simulation", engine_equals_a_plain_simulation},
        {"parts add up in every step", parts_add_up_in_every_step},
        {"equal chips never wait", equal_chips_never_wait},
        {"any number of ranks gives the same bytes", any_number_of_ranks_gives_the_same_bytes},
        {"servers show a planted slow server", servers_show_a_planted_slow_server},
        {"one rank that flags is seen by all", one_rank_that_flags_is_seen_by_all},
        {"energy follows the phases", energy_follows_the_phases},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "fleet_clock", tests);
}
