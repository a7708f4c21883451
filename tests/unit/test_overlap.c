/* SPDX-License-Identifier: BSD-3-Clause */
/* What hidden collectives leave to see where others are on their port: the closed form against flows that
 * share a port step by step, and jobs in which two axes meet on one. */
#include <math.h>

#include "base/rng.h"
#include "check.h"
#include "step_time/overlap.h"
#include "step_time/slot_times.h"

/* A layer of a stretch of layers: compute with another hidden flow under it, an exposed collective on the
 * same port, one on another port. [s] */
typedef struct layer {
    double compute_s, hidden_s, same_s, other_s;
} layer;

/* Two flows on one port, half of it each while both last: when the one with load a is through, and what that
 * leaves of the other. */
static double share(double a, double *background)
{
    const double together = fmin(a, *background);
    *background -= together;
    return a + together;
}

/* By how much a flow that is ready at the start makes n layers longer. */
static double played_s(const layer *l, int n, double own_s)
{
    double left = own_s, time_s = 0.0;
    for (int i = 0; i < n; i++) {
        const double hidden_s = share(l->hidden_s, &left);
        left -= fmin(left, fmax(0.0, l->compute_s - hidden_s));
        time_s += fmax(l->compute_s, hidden_s) + share(l->same_s, &left) + l->other_s;
        left -= fmin(left, l->other_s);
    }
    return time_s + left - n * (l->compute_s + l->same_s + l->other_s);
}

/* Both kinds of port, so that a mistaken port would show. */
static double closed_s(const layer *l, int n, double own_s, bool is_fabric)
{
    muir_overlap overlap = {.compute_s = 0.0}, one = {.compute_s = l->compute_s};
    const muir_port_times same = {l->same_s, is_fabric ? 0.0 : l->same_s, is_fabric ? l->same_s : 0.0},
                          other = {l->other_s, is_fabric ? l->other_s : 0.0, is_fabric ? 0.0 : l->other_s},
                          hidden = {l->hidden_s, is_fabric ? 0.0 : l->hidden_s,
                                    is_fabric ? l->hidden_s : 0.0},
                          own = {own_s, is_fabric ? 0.0 : own_s, is_fabric ? own_s : 0.0};
    muir_overlap_add(&one, same, l->same_s);
    muir_overlap_add(&one, other, l->other_s);
    muir_overlap_add(&one, hidden, 0.0);
    muir_overlap_sum(&overlap, &one, n);
    return muir_overlap_exposed_s(&overlap, own, 1.0, 0.0);
}

static void shares_equal_flows_played_out(void)
{
    enum { CASES = 300, LAYERS = 4000 };
    for (int i = 0; i < CASES; i++) {
        double u[5];
        for (int k = 0; k < 5; k++)
            u[k] = muir_rng_uniform_at(7, MUIR_STREAM_JITTER, (uint32_t)i, (uint64_t)k);
        const layer l = {u[0] / LAYERS, 0.5 * u[0] * u[1] / LAYERS, u[2] / LAYERS, u[3] / LAYERS};
        const double own_s = 3.0 * u[4], played = played_s(&l, LAYERS, own_s);
        CU_ASSERT_DOUBLE_EQUAL(closed_s(&l, LAYERS, own_s, true), played, 1e-2);
        CU_ASSERT_DOUBLE_EQUAL(closed_s(&l, LAYERS, own_s, false), played, 1e-2);
    }
}

/* The port is busy for the sum of its loads: whatever the order, no step is shorter than that. */
static void no_step_is_shorter_than_its_busiest_port(void)
{
    for (int i = 0; i < 1000; i++) {
        double u[5];
        for (int k = 0; k < 5; k++)
            u[k] = muir_rng_uniform_at(8, MUIR_STREAM_JITTER, (uint32_t)i, (uint64_t)k);
        const layer l = {u[0], 0.5 * u[0] * u[1], u[2], u[3]};
        const double own_s = 3.0 * u[4],
                     step_s = l.compute_s + l.same_s + l.other_s + closed_s(&l, 1, own_s, true);
        CU_ASSERT(step_s >= (l.hidden_s + l.same_s + own_s) * (1.0 - 1e-12));
    }
}

/* Alone on its port, the last of p buckets is seen, or what the compute before it had no room for. */
static void alone_the_last_bucket_is_seen(void)
{
    const muir_overlap overlap = {.compute_s = 8.0};
    const muir_port_times small = {4.0, 1.0, 3.0}, large = {20.0, 0.0, 20.0};
    CU_ASSERT_DOUBLE_EQUAL(muir_overlap_exposed_s(&overlap, small, 1.0, 8.0), 0.5, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(muir_overlap_exposed_s(&overlap, large, 1.0, 8.0), 20.0 - 7.0, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(muir_overlap_exposed_s(&overlap, large, 0.5, 8.0), 20.0 - 3.5, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(muir_overlap_exposed_s(&overlap, small, 1.0, 1.0), 4.0, 1e-12);
}

/* Exposed gradient sync and gather of a job's ideal step, with another rate of some link. */
static double replicas_s(const char *const *job, int n, const char *change)
{
    const char *overrides[24];
    muir_scenario s;
    muir_program *program = NULL;
    muir_slot_times *times = NULL;
    for (int i = 0; i < n; i++) overrides[i] = job[i];
    overrides[n] = change;
    CU_ASSERT_EQUAL_FATAL(muir_scenario_load(muir_test_ctx(), NULL, overrides, n + 1, &s), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_program_create(muir_test_ctx(), &s.job, &program), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_slot_times_create(muir_test_ctx(), &s, program, &times), MUIR_OK);
    double seen_s = times->sync[0].reduce_s + times->sync[0].gather_s;
    for (int c = 0; c < times->n_chunks; c++)
        seen_s += times->slot[MUIR_FORWARD][c].part_s[MUIR_SLOT_DP] +
                  times->slot[MUIR_SLOT_JOINED][c].part_s[MUIR_SLOT_DP];
    muir_slot_times_destroy(&times);
    muir_program_destroy(&program);
    return seen_s;
}

static const char *const dense[] = {"fleet=dgx-h100",
                                    "model=gpt3-175b",
                                    "seq_len=8192",
                                    "fleet.servers=128",
                                    "global_batch_size=16",
                                    "parallel.tp=8",
                                    "parallel.dp=16",
                                    "parallel.zero_stage=3",
                                    "parallel.recompute=none",
                                    "fleet.fabric.port_byte_per_s=20e9"};
enum { N_DENSE = sizeof dense / sizeof dense[0] };

/* tp of 8 stays in the server: the slower it is there, the longer the fabric has for the replicas. */
static void other_ports_leave_room(void)
{
    const double fast_s = replicas_s(dense, N_DENSE, "fleet.server.port_byte_per_s=450e9"),
                 slow_s = replicas_s(dense, N_DENSE, "fleet.server.port_byte_per_s=300e9");
    CU_ASSERT(slow_s < fast_s);
}

/* A middle stage with tp in the server and the rest on a slow fabric: in each layer's forward, the gather of
 * weights has the time of products and tp, less what the ring of cp under its attention and the message to
 * the next stage take. */
static void the_fabric_carries_the_sum_of_its_loads(void)
{
    static const char *const job[] = {"fleet=dgx-h100",          "model=llama3-70b",
                                      "seq_len=65536",           "parallel.tp=8",
                                      "parallel.cp=8",           "parallel.pp=4",
                                      "parallel.dp=8",           "parallel.zero_stage=3",
                                      "global_batch_size=32",    "model.kv_heads=64",
                                      "parallel.recompute=none", "stack.overlap=1",
                                      "stack.level=1",           "stack.interference=0",
                                      "fleet.servers=256",       "fleet.fabric.port_byte_per_s=1e9"};
    muir_scenario s;
    muir_program *program = NULL;
    muir_slot_times *times = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_scenario_load(muir_test_ctx(), NULL, job, sizeof job / sizeof job[0], &s),
                          MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_program_create(muir_test_ctx(), &s.job, &program), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_slot_times_create(muir_test_ctx(), &s, program, &times), MUIR_OK);
    const muir_chunk *chunk = &program->chunks[1];
    CU_ASSERT_EQUAL_FATAL(chunk->n_parts, 1);
    const muir_op_range range = program->blocks[chunk->block[0]].phase[MUIR_FORWARD];
    double ring_s = 0.0, weights_s = 0.0;
    for (int i = range.first; i < range.first + range.n; i++) {
        if (program->ops[i].kind != MUIR_OP_COLL) continue;
        const muir_port_times ports = muir_op_ports(&s, &program->ops[i]);
        if (program->ops[i].coll.axis == MUIR_AXIS_CP) ring_s += ports.fabric_s;
        if (program->ops[i].coll.axis == MUIR_AXIS_DP) weights_s += ports.fabric_s;
    }
    const double layers = chunk->repeat[0];
    const muir_slot_time *p = &times->slot[MUIR_FORWARD][1];
    CU_ASSERT(p->part_s[MUIR_SLOT_CP] < layers * ring_s && ring_s > 0.0 && weights_s > 0.0);
    CU_ASSERT_DOUBLE_EQUAL(p->part_s[MUIR_SLOT_DP],
                           layers * (weights_s + ring_s) - p->part_s[MUIR_SLOT_CP] + times->p2p_s -
                               p->part_s[MUIR_SLOT_COMPUTE] - p->part_s[MUIR_SLOT_TP],
                           1e-9 * p->part_s[MUIR_SLOT_DP]);
    muir_slot_times_destroy(&times);
    muir_program_destroy(&program);
}

/* Messages between stages pass the port beside the sync. */
static void messages_take_room_from_the_sync(void)
{
    muir_overlap overlap = {.compute_s = 10.0}, with = overlap;
    const muir_port_times own = {9.0, 0.0, 9.0}, message = {3.0, 0.0, 3.0};
    muir_overlap_add(&with, message, 0.0);
    CU_ASSERT_DOUBLE_EQUAL(muir_overlap_exposed_s(&overlap, own, 1.0, 0.0), 0.0, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(muir_overlap_exposed_s(&with, own, 1.0, 0.0), 2.0, 1e-12);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"shares equal flows played out", shares_equal_flows_played_out},
        {"no step is shorter than its busiest port", no_step_is_shorter_than_its_busiest_port},
        {"alone the last bucket is seen", alone_the_last_bucket_is_seen},
        {"other ports leave room", other_ports_leave_room},
        {"the fabric carries the sum of its loads", the_fabric_carries_the_sum_of_its_loads},
        {"messages take room from the sync", messages_take_room_from_the_sync},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "overlap", tests);
}
