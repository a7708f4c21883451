/* SPDX-License-Identifier: BSD-3-Clause */
/* The fleet clock against a plain simulation of every replica, and against itself on one rank. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "check.h"
#include "programs.h"

/* The slowdown of one group, chip by chip, from the definition. */
static double group_slowdown(const muir_scenario *s, int64_t stage, int64_t replica, int64_t step)
{
    const muir_variation *v = &s->fleet.variation;
    const uint64_t seed = (uint64_t)s->run.seed;
    const int64_t group = s->job.parallel.tp * s->job.parallel.cp, pp = s->job.parallel.pp;
    double slowest = 0.0;
    for (int64_t place = 0; place < group; place++) {
        const int64_t chip = muir_layout_chip(&s->job, stage, replica, place);
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

/* Where a replica's slots stand: ends of stages, and end and maker of each result. */
typedef struct replica {
    const muir_order *order;
    const muir_slot_times *times;
    double *end;  /* [stages], borrowed */
    double *done; /* [2, chunks, microbatches] */
    int *maker;   /* [2, chunks, microbatches] */
} replica;

static size_t result_of(const replica *r, int phase, int chunk, int microbatch)
{
    const muir_shape s = r->order->shape;
    return ((size_t)phase * (size_t)(s.stages * s.chunks) + (size_t)chunk) * (size_t)s.microbatches +
           (size_t)microbatch;
}

/* When the input of a slot is there; 0 where it needs none. */
static double arrival_of(const replica *r, const muir_step *slot)
{
    const int chunks = r->order->shape.stages * r->order->shape.chunks;
    const int input = slot->phase == MUIR_FORWARD ? slot->chunk - 1 : slot->chunk + 1;
    if (slot->phase == MUIR_WEIGHT || input < 0 || input >= chunks) return 0.0;
    const size_t i = result_of(r, slot->phase, input, slot->microbatch);
    const int hops = abs(r->maker[i] - slot->stage);
    return r->done[i] + (hops == 0 ? 0.0 : hops == 1 ? r->times->p2p_s : r->times->wrap_p2p_s);
}

static double time_of(const muir_slot_time *p, double slow)
{
    return p->part_s[MUIR_SLOT_COMPUTE] * slow + p->part_s[MUIR_SLOT_TP] + p->part_s[MUIR_SLOT_CP] +
           p->part_s[MUIR_SLOT_EP] + p->part_s[MUIR_SLOT_DP];
}

/* Duration of a slot; a pair hides the exchanges of each under the compute of the other. */
static double duration_of(const replica *r, const muir_step *slot, double slow)
{
    const muir_slot_time
        *f = &r->times->slot[MUIR_FORWARD][slot->work == MUIR_WORK_PAIR ? slot->partner : slot->chunk],
        *b = &r->times->slot[MUIR_BACKWARD][slot->chunk], *w = &r->times->slot[MUIR_WEIGHT][slot->chunk];
    const double backward = time_of(b, slow) + time_of(w, slow);
    switch ((muir_work)slot->work) {
    case MUIR_WORK_NONE: return 0.0;
    case MUIR_WORK_PHASE:
        return time_of(slot->phase == MUIR_FORWARD ? f : slot->phase == MUIR_BACKWARD ? b : w, slow);
    case MUIR_WORK_JOINED: return backward;
    case MUIR_WORK_PAIR:
        return time_of(f, slow) + backward -
               fmin(f->part_s[MUIR_SLOT_EP], b->part_s[MUIR_SLOT_COMPUTE] + w->part_s[MUIR_SLOT_COMPUTE]) -
               fmin(b->part_s[MUIR_SLOT_EP] + w->part_s[MUIR_SLOT_EP], f->part_s[MUIR_SLOT_COMPUTE]);
    }
    return NAN;
}

/* Ends of all stages of one replica, in double, sharing nothing with the engine but the order of slots. */
static void simulate_replica(const muir_scenario *s, const muir_fleet_clock *clock, int64_t number,
                             int64_t step, double *end)
{
    const muir_order *order = muir_fleet_clock_order(clock);
    const int stages = order->shape.stages;
    const size_t results = 2 * (size_t)(stages * order->shape.chunks) * (size_t)order->shape.microbatches;
    replica r = {order, muir_fleet_clock_slot_times(clock), end, calloc(results, sizeof(double)),
                 calloc(results, sizeof(int))};
    double *slow = calloc((size_t)stages, sizeof *slow);
    for (int stage = 0; stage < stages; stage++) {
        slow[stage] = group_slowdown(s, stage, number, step);
        end[stage] = 0.0;
    }
    for (int i = 0; i < order->n_steps; i++) {
        const muir_step *slot = &order->steps[i];
        const bool is_handing_on = slot->work == MUIR_WORK_NONE && slot->from < 0;
        const double start = is_handing_on ? 0.0 : arrival_of(&r, slot);
        end[slot->stage] = fmax(end[slot->stage], start) + duration_of(&r, slot, slow[slot->stage]);
        if (slot->phase == MUIR_WEIGHT) continue;
        r.done[result_of(&r, slot->phase, slot->chunk, slot->microbatch)] = end[slot->stage];
        r.maker[result_of(&r, slot->phase, slot->chunk, slot->microbatch)] = slot->stage;
    }
    free(r.done);
    free(r.maker);
    free(slow);
}

static void check_against_simulation(const char *name, const char *const *keys)
{
    const muir_scenario s = scenario_of(name, keys);
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
    check_against_simulation("rainier-1f1b",
                             KEYS("parallel.dp=70", "parallel.tp=8", "model=gpt3-175b", "parallel.pp=4"));
    /* a group of 64 over eight servers, each of them a leaf */
    check_against_simulation("rainier-1f1b",
                             KEYS("parallel.dp=3", "fleet.server.chips=8", "fleet.server.torus=2x2x2",
                                  "fleet.server.chips_per_host=8", "fleet.fabric.leaf_servers=1"));
    check_against_simulation("llama3-16k", NULL);
    check_against_simulation("tiny", KEYS("parallel.dp=2", "global_batch_size=auto"));
    check_against_simulation("rainier-1f1b", KEYS("parallel.dp=5", "parallel.schedule=zb-h1"));
    check_against_simulation("rainier-1f1b",
                             KEYS("parallel.dp=5", "parallel.schedule=zb-v", "parallel.vpp=2"));
    check_against_simulation("rainier-1f1b", KEYS("parallel.dp=5", "parallel.schedule=dualpipe"));
    /* equal chips: expert groups wait for nobody */
    check_against_simulation("rainier-1f1b",
                             KEYS("model=moe-5t", "parallel.tp=8", "parallel.ep=8", "parallel.dp=16",
                                  "parallel.schedule=dualpipe", "fleet.variation.chip_sigma=0",
                                  "fleet.variation.drift_sigma=0", "fleet.variation.step_sigma=0"));
}

static void parts_add_up_in_every_step(void)
{
    const muir_scenario s = scenario_of("rainier-1f1b", NULL);
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

/* Where a schedule does the same work with less idle time, the step is shorter by that. */
static void schedules_differ_by_their_bubbles(void)
{
    static const char *const schedules[][2] = {{"parallel.schedule=1f1b", "parallel.vpp=1"},
                                               {"parallel.schedule=zb-h1", "parallel.vpp=1"},
                                               {"parallel.schedule=zb-v", "parallel.vpp=2"},
                                               {"parallel.schedule=dualpipe", "parallel.vpp=1"}};
    double bubble[4], compute[4], weight_s = 0.0;
    for (int i = 0; i < 4; i++) {
        const char *const overrides[] = {schedules[i][0], schedules[i][1], "parallel.dp=4",
                                         "model.layers=128", NULL};
        const muir_scenario s = scenario_of("rainier-1f1b", overrides);
        muir_fleet_clock *clock = clock_of(muir_test_ctx(), &s);
        bubble[i] = muir_fleet_clock_ideal(clock)->part_s[MUIR_PART_bubble];
        compute[i] = muir_fleet_clock_ideal(clock)->part_s[MUIR_PART_compute];
        if (i == 0) weight_s = muir_slot_total_s(&muir_fleet_clock_slot_times(clock)->slot[MUIR_WEIGHT][1]);
        muir_fleet_clock_destroy(&clock);
    }
    /* (p - 1) (F + B + W) against (p - 1) (F + B - W); stages with embedding and head differ a little */
    CU_ASSERT_DOUBLE_EQUAL((bubble[0] - bubble[1]) / (2.0 * 15.0 * weight_s), 1.0, 0.05);
    CU_ASSERT(bubble[2] < bubble[1]);
    CU_ASSERT(bubble[3] < bubble[1]);
    CU_ASSERT_DOUBLE_EQUAL(compute[1] / compute[0], 1.0, 1e-9);
}

/* A busy expert stretches the experts' products and exchanges, and nothing else. */
static void busy_experts_cost_time(void)
{
    static const char *const imbalance[] = {"model.expert_imbalance=0", "model.expert_imbalance=0.5"};
    double ep_s[2], compute_s[2], hfu[2];
    for (int i = 0; i < 2; i++) {
        const char *const overrides[] = {"model=moe-5t",    "parallel.tp=8", "parallel.dp=256",
                                         "parallel.ep=256", imbalance[i],    NULL};
        const muir_scenario s = scenario_of("rainier-1f1b", overrides);
        muir_fleet_clock *clock = clock_of(muir_test_ctx(), &s);
        ep_s[i] = muir_fleet_clock_ideal(clock)->part_s[MUIR_PART_ep];
        compute_s[i] = muir_fleet_clock_ideal(clock)->part_s[MUIR_PART_compute];
        hfu[i] = muir_fleet_clock_slot_times(clock)->executed_flop;
        muir_fleet_clock_destroy(&clock);
    }
    CU_ASSERT(ep_s[1] > 1.3 * ep_s[0] && ep_s[1] < 1.5 * ep_s[0]); /* latency does not grow */
    CU_ASSERT(compute_s[1] > 1.02 * compute_s[0] && compute_s[1] < 1.5 * compute_s[0]);
    CU_ASSERT_EQUAL(hfu[1], hfu[0]);
}

static void equal_chips_never_wait(void)
{
    static const char *const overrides[] = {"fleet.variation.chip_sigma=0", "fleet.variation.drift_sigma=0",
                                            "fleet.variation.step_sigma=0", NULL};
    const muir_scenario s = scenario_of("rainier-1f1b", overrides);
    muir_fleet_clock *clock = clock_of(muir_test_ctx(), &s);
    muir_fleet_row row;
    muir_rank_row rank;
    CU_ASSERT_EQUAL(muir_fleet_clock_step(muir_test_ctx(), clock, 5, 0, &row, &rank, NULL), MUIR_OK);
    CU_ASSERT_EQUAL(row.part_s[MUIR_PART_straggler], 0.0);
    CU_ASSERT_EQUAL(row.part_s[MUIR_PART_variation], 0.0);
    CU_ASSERT_EQUAL(row.step_s, muir_fleet_clock_ideal(clock)->step_s);
    CU_ASSERT_EQUAL(row.slowest_replica, 0);
    muir_fleet_clock_destroy(&clock);
}

/* What the mean replica takes longer is variation, what it waits for others is not; one alone waits for
 * nobody. */
static void waiting_is_told_from_variation(void)
{
    static const char *const overrides[][3] = {{"seed=1", NULL},
                                               {"parallel.dp=1", "global_batch_size=32", NULL}};
    for (int is_alone = 0; is_alone < 2; is_alone++) {
        const muir_scenario s = scenario_of("tiny", overrides[is_alone]);
        muir_fleet_clock *clock = clock_of(muir_test_ctx(), &s);
        const muir_ideal *ideal = muir_fleet_clock_ideal(clock);
        for (int64_t step = 0; step < 20; step++) {
            muir_fleet_row row;
            muir_rank_row rank;
            CU_ASSERT_EQUAL(muir_fleet_clock_step(muir_test_ctx(), clock, step, 0, &row, &rank, NULL),
                            MUIR_OK);
            CU_ASSERT_DOUBLE_EQUAL(row.part_s[MUIR_PART_variation], row.replica_mean_s - ideal->step_s, 1e-9);
            CU_ASSERT_DOUBLE_EQUAL(row.part_s[MUIR_PART_straggler], row.step_s - row.replica_mean_s, 1e-9);
            CU_ASSERT(row.part_s[MUIR_PART_variation] != 0.0);
            CU_ASSERT(is_alone
                          ? fabs(row.part_s[MUIR_PART_straggler]) < 1e-9 /* delays are whole nanoseconds */
                          : row.part_s[MUIR_PART_straggler] > 0.0);
        }
        muir_fleet_clock_destroy(&clock);
    }
}

/* Every rank computes the whole fleet alone, then all together: the same bytes, servers' rows too. */
static void any_number_of_ranks_gives_the_same_bytes(void)
{
    enum { MOST = 8 };
    static const char *const names[] = {"rainier-1f1b", "llama3-16k", "tiny",        "tiny",
                                        "tiny",         "tiny",       "rainier-1f1b"};
    static const char *const overrides[][MOST] = {
        {"seed=1"},
        {"seed=1"},
        {"seed=1"},
        {"parallel.schedule=zb-h1"},
        {"parallel.schedule=zb-v", "parallel.vpp=2"},
        {"parallel.schedule=dualpipe"},
        {"model=deepseek-v3-671b", "parallel.tp=2", "parallel.pp=4", "parallel.ep=64", "parallel.dp=32",
         "seq_len=4096",
         "global_batch_size=256"}, /* experts shared out over all replicas, two chips of each */
    };
    muir_ctx *alone = NULL, *all = muir_test_ctx();
    CU_ASSERT_EQUAL_FATAL(muir_ctx_create(MPI_COMM_SELF, &alone), MUIR_OK);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const muir_scenario s = scenario_of(names[i], overrides[i]);
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
            CU_ASSERT(ra.step_s >= muir_fleet_clock_ideal(one)->step_s && ra.energy_j > 0.0);
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
                                            "fleet.variation.slow_speed=0.5", NULL};
    const muir_scenario s = scenario_of("rainier-1f1b", overrides);
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
    const muir_scenario s = scenario_of("tiny", NULL);
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

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"engine equals a plain simulation", engine_equals_a_plain_simulation},
        {"parts add up in every step", parts_add_up_in_every_step},
        {"schedules differ by their bubbles", schedules_differ_by_their_bubbles},
        {"busy experts cost time", busy_experts_cost_time},
        {"equal chips never wait", equal_chips_never_wait},
        {"waiting is told from variation", waiting_is_told_from_variation},
        {"any number of ranks gives the same bytes", any_number_of_ranks_gives_the_same_bytes},
        {"servers show a planted slow server", servers_show_a_planted_slow_server},
        {"one rank that flags is seen by all", one_rank_that_flags_is_seen_by_all},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "fleet_clock", tests);
}
