/* SPDX-License-Identifier: BSD-3-Clause */
/* Ways of doing collectives: closed formulas, what a library takes, bytes on links, keys of libraries. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "network/network.h"
#include "scenario/scenario.h"

static const double SIZE = 1e9;

static muir_fleet fleet_of(const char *const *overrides, int n)
{
    muir_scenario scenario;
    muir_ctx_clear(muir_test_ctx());
    const muir_status st = muir_scenario_load(muir_test_ctx(), "llama3-16k", overrides, n, &scenario);
    if (st != MUIR_OK) fprintf(stderr, "%s\n", muir_test_ctx()->message);
    CU_ASSERT_EQUAL_FATAL(st, MUIR_OK);
    return scenario.fleet;
}

/* A fleet without latencies, ramps and losses. */
static muir_fleet bare(const char *name)
{
    char fleet_is[64];
    const char *const overrides[] = {fleet_is, "parallel.tp=1", "parallel.pp=1", "parallel.dp=1",
                                     "global_batch_size=1"};
    snprintf(fleet_is, sizeof fleet_is, "fleet=%s", name);
    muir_fleet fleet = fleet_of(overrides, 5);
    muir_library *library = &fleet.library;
    fleet.server.alpha_s = fleet.server.base_s = fleet.fabric.alpha_s = fleet.fabric.base_s = 0.0;
    fleet.server.efficiency = fleet.fabric.efficiency = 1.0;
    fleet.fabric.exchange = fleet.fabric.crowding = fleet.fabric.collisions = 0.0;
    library->ring_step_s = library->ring_ramp_most_s = library->ring_fill_most = 0.0;
    library->tree_fill_most = library->reduction_base_s = library->reduction_step_s = 0.0;
    library->reduction_ramp_chip_s = library->fabric_reduction_s = library->pat_member_s = 0.0;
    library->exchange_base_s = library->exchange_peer_s = library->exchange_ramp_most_s = 0.0;
    return fleet;
}

static double by_way(const muir_fleet *fleet, const char *name, int64_t stride, int64_t p,
                     muir_coll_kind kind)
{
    const muir_group group = muir_group_place(fleet, stride, p);
    muir_flow flow;
    const muir_way *way = muir_way_choose(fleet, &group, kind, SIZE, muir_way_find(name), &flow);
    CU_ASSERT_PTR_NOT_NULL_FATAL(way);
    CU_ASSERT_STRING_EQUAL(way->name, name);
    return flow.time_s;
}

/* A ring over servers is as fast as the slower of a chip's port inside and its server's ports together. */
static void a_ring_pipelines_over_its_tiers(void)
{
    muir_fleet fleet = bare("dgx-h100");
    const double passing = 2.0 * 31.0 / 32.0 * SIZE;
    CU_ASSERT_DOUBLE_EQUAL(by_way(&fleet, "ring", 1, 32, MUIR_ALL_REDUCE), passing / 400e9, 1e-12);
    fleet.fabric.port_byte_per_s = 100e9;
    CU_ASSERT_DOUBLE_EQUAL(by_way(&fleet, "ring", 1, 32, MUIR_ALL_REDUCE), passing / 450e9, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(by_way(&fleet, "ring", 1, 8, MUIR_ALL_GATHER), 7.0 / 8.0 * SIZE / 450e9, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(by_way(&fleet, "ring", 8, 16, MUIR_REDUCE_SCATTER), 15.0 / 16.0 * SIZE / 100e9,
                           1e-12);
    CU_ASSERT_DOUBLE_EQUAL(by_way(&fleet, "ring", 1, 8, MUIR_BROADCAST), SIZE / 450e9, 1e-12);
}

/* Two servers have one child each in one of the trees, more have up to two: half the rate. */
static void two_servers_are_special_to_trees(void)
{
    muir_fleet fleet = bare("dgx-h100");
    fleet.library.tree_share = 1.0;
    fleet.server.reduction = 0.0;
    const double two_s = by_way(&fleet, "tree", 1, 16, MUIR_ALL_REDUCE),
                 four_s = by_way(&fleet, "tree", 1, 32, MUIR_ALL_REDUCE);
    CU_ASSERT_DOUBLE_EQUAL(two_s, SIZE / 400e9, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(four_s, 2.0 * two_s, 1e-12);
    fleet.fabric.chips_per_adapter = 2.0;
    fleet.library.tree_shared = 0.6;
    CU_ASSERT_DOUBLE_EQUAL(by_way(&fleet, "tree", 1, 16, MUIR_ALL_REDUCE), SIZE / 240e9, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(by_way(&fleet, "tree", 1, 32, MUIR_ALL_REDUCE), four_s, 1e-12);
    fleet.fabric.chips_per_adapter = 1.0;
    fleet.library.tree_share = 0.5; /* 225 GB/s inside */
    CU_ASSERT_DOUBLE_EQUAL(by_way(&fleet, "tree", 1, 16, MUIR_ALL_REDUCE), SIZE / 225e9, 1e-12);
}

static void switches_add_up_from_a_number_of_chips_on(void)
{
    muir_fleet fleet = bare("dgx-h100");
    muir_flow flow;
    fleet.server.efficiency = 0.82; /* long rings reach less than their links */
    for (int64_t p = 2; p <= 8; p++) {
        const muir_group group = muir_group_place(&fleet, 1, p);
        const muir_way *way = muir_way_choose(&fleet, &group, MUIR_ALL_REDUCE, SIZE, NULL, &flow);
        CU_ASSERT_STRING_EQUAL(way->name, p < fleet.server.reduction_chips ? "ring" : "reduction");
        if (p >= 5) CU_ASSERT_DOUBLE_EQUAL(flow.time_s, SIZE / (450e9 * fleet.server.reduction), 1e-12);
    }
    const muir_group group = muir_group_place(&fleet, 1, 8);
    CU_ASSERT_STRING_EQUAL(muir_way_choose(&fleet, &group, MUIR_ALL_GATHER, SIZE, NULL, &flow)->name, "ring");
}

/* 2, 4 and 8 MI300X: one, three and seven links of 64 GB/s. */
static void a_mesh_has_a_link_to_each(void)
{
    const muir_fleet fleet = bare("mi300x-400");
    for (int64_t p = 2; p <= 8; p *= 2) {
        const double time_s = by_way(&fleet, "ring", 1, p, MUIR_ALL_REDUCE);
        const double busbw = SIZE / time_s * muir_busbw_factor(MUIR_ALL_REDUCE, (int)p);
        CU_ASSERT_DOUBLE_EQUAL(busbw / (64e9 * (double)(p - 1)), 1.0, 1e-12);
    }
    CU_ASSERT_DOUBLE_EQUAL(muir_p2p_time_s(&fleet, 1, SIZE), SIZE / 64e9, 1e-12);
}

static void exchanges_pass_each_chips_own_port(void)
{
    muir_fleet fleet = bare("dgx-h100");
    CU_ASSERT_DOUBLE_EQUAL(by_way(&fleet, "exchange", 1, 32, MUIR_ALL_TO_ALL), SIZE * 24.0 / 32.0 / 50e9,
                           1e-12);
    CU_ASSERT_DOUBLE_EQUAL(by_way(&fleet, "exchange", 1, 8, MUIR_ALL_TO_ALL), SIZE * 7.0 / 8.0 / 450e9,
                           1e-12);
    fleet.fabric.exchange = 0.5;
    CU_ASSERT_DOUBLE_EQUAL(by_way(&fleet, "exchange", 1, 32, MUIR_ALL_TO_ALL), SIZE * 24.0 / 32.0 / 25e9,
                           1e-12);
}

/* Falling behind: sqrt(A x) at first, the most later. */
static void a_way_falls_behind_up_to_its_most(void)
{
    muir_flow flow = {.latency_s = 1.0};
    flow.load_s[MUIR_LINK_PORT] = 4.0;
    muir_flow_end(&flow, 9.0, 10.0);
    CU_ASSERT_DOUBLE_EQUAL(flow.ramp_s, 6.0, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(flow.time_s, 11.0, 1e-12);
    muir_flow_end(&flow, 9.0, 5.0);
    CU_ASSERT_DOUBLE_EQUAL(flow.time_s, 10.0, 1e-12);
}

/* What members send adds up to what the algorithm moves: f S on a ring, 2 S (n - 1) in trees, S (n - 1) / n
 * from each to the others. */
static void bytes_on_links_add_up(void)
{
    static const struct {
        const char *way;
        muir_coll_kind kind;
    } rows[] = {{"ring", MUIR_ALL_REDUCE},
                {"ring", MUIR_ALL_GATHER},
                {"tree", MUIR_ALL_REDUCE},
                {"exchange", MUIR_ALL_TO_ALL}};
    const muir_fleet fleet = bare("dgx-h100");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int64_t p = 4; p <= 256; p *= 4) {
            const muir_group group = muir_group_place(&fleet, 1, p);
            if (!muir_way_find(rows[i].way)->fits(&fleet, &group, rows[i].kind)) continue;
            const double n = (double)p;
            muir_flow flow;
            muir_way_choose(&fleet, &group, rows[i].kind, SIZE, muir_way_find(rows[i].way), &flow);
            const double sent = n * (flow.bytes[MUIR_LINK_LOCAL] + flow.bytes[MUIR_LINK_PORT]);
            const double moved = rows[i].kind == MUIR_ALL_REDUCE ? 2.0 * SIZE * (n - 1.0) : SIZE * (n - 1.0);
            CU_ASSERT_DOUBLE_EQUAL(sent / moved, 1.0, 1e-12);
        }
}

/* One member of each server and small sizes: a logarithm of rounds beats a ring; long ones go round. */
static void gathers_of_single_chips_aggregate(void)
{
    const muir_fleet fleet = fleet_of(NULL, 0);
    const muir_group group = muir_group_place(&fleet, 8, 512);
    muir_flow flow;
    CU_ASSERT_STRING_EQUAL(muir_way_choose(&fleet, &group, MUIR_ALL_GATHER, 1e6, NULL, &flow)->name,
                           "aggregated_trees");
    CU_ASSERT_STRING_EQUAL(muir_way_choose(&fleet, &group, MUIR_ALL_GATHER, 1e11, NULL, &flow)->name, "ring");
}

static void the_least_way_is_taken_and_others_can_be_forced(void)
{
    const muir_fleet fleet = fleet_of(NULL, 0);
    for (int64_t p = 1; p <= 4096; p *= 2)
        for (int kind = 0; kind < MUIR_COLL_KIND_COUNT; kind++)
            for (double bytes = 8.0; bytes < 1e11; bytes *= 100.0) {
                const muir_group group = muir_group_place(&fleet, 1, p);
                muir_flow least, other;
                const muir_way *way =
                    muir_way_choose(&fleet, &group, (muir_coll_kind)kind, bytes, NULL, &least);
                CU_ASSERT((way == NULL) == (p == 1));
                CU_ASSERT(isfinite(least.time_s) && (least.time_s > 0.0) == (p > 1));
                for (int i = 0; way && i < muir_way_count(); i++) {
                    if (!muir_way_at(i)->fits(&fleet, &group, (muir_coll_kind)kind)) continue;
                    const muir_way *taken =
                        muir_way_choose(&fleet, &group, (muir_coll_kind)kind, bytes, muir_way_at(i), &other);
                    CU_ASSERT_PTR_EQUAL(taken, muir_way_at(i));
                    CU_ASSERT(other.time_s >= least.time_s);
                }
            }
    CU_ASSERT_PTR_NULL(muir_way_find("nonsense"));
}

/* Key, value, fleet, way, members, stride, operation, whether the time grows or falls. */
static const struct {
    const char *change, *fleet, *way;
    int64_t stride, p;
    muir_coll_kind kind;
    int sign;
} keys[] = {
    {"library.ring_step_s=1e-3", "dgx-h100", "ring", 1, 32, MUIR_ALL_GATHER, +1},
    {"library.ring_ramp_s=1e-8", "dgx-h100", "ring", 1, 8, MUIR_ALL_GATHER, -1},
    {"library.ring_ramp_most_s=1e-6", "dgx-h100", "ring", 1, 8, MUIR_ALL_GATHER, -1},
    {"library.ring_fill=0.01", "dgx-h100", "ring", 1, 32, MUIR_ALL_GATHER, -1},
    {"library.ring_fill_most=0.01", "dgx-h100", "ring", 1, 32, MUIR_ALL_GATHER, -1},
    {"library.tree_share=0.01", "dgx-h100", "tree", 1, 32, MUIR_ALL_REDUCE, +1},
    {"library.tree_fill=0.01", "dgx-h100", "tree", 1, 32, MUIR_ALL_REDUCE, -1},
    {"library.tree_fill_most=0.01", "dgx-h100", "tree", 1, 32, MUIR_ALL_REDUCE, -1},
    {"library.reduction_base_s=1e-3", "dgx-h100", "reduction", 1, 8, MUIR_ALL_REDUCE, +1},
    {"library.reduction_step_s=1e-3", "dgx-h100", "reduction_tree", 1, 32, MUIR_ALL_REDUCE, +1},
    {"library.reduction_ramp_s=1e-9", "dgx-h100", "reduction", 1, 8, MUIR_ALL_REDUCE, -1},
    {"library.reduction_ramp_chip_s=1e-9", "dgx-h100", "reduction", 1, 8, MUIR_ALL_REDUCE, -1},
    {"library.exchange_base_s=1e-3", "dgx-h100", "exchange", 1, 32, MUIR_ALL_TO_ALL, +1},
    {"library.exchange_peer_s=1e-3", "dgx-h100", "exchange", 1, 32, MUIR_ALL_TO_ALL, +1},
    {"library.exchange_growth=1", "dgx-h100", "exchange", 1, 32, MUIR_ALL_TO_ALL, +1},
    {"library.exchange_ramp_s=1e-9", "dgx-h100", "exchange", 1, 32, MUIR_ALL_TO_ALL, -1},
    {"library.exchange_ramp_most_s=1e-9", "dgx-h100", "exchange", 1, 32, MUIR_ALL_TO_ALL, -1},
    {"library.pat_member_s=1e-3", "dgx-h100", "aggregated_trees", 8, 32, MUIR_ALL_GATHER, +1},
    {"library.pat_share=0.1", "dgx-h100", "aggregated_trees", 8, 32, MUIR_ALL_GATHER, +1},
    {"fleet.server.reduction=0.1", "dgx-h100", "reduction", 1, 8, MUIR_ALL_REDUCE, +1},
    {"fleet.fabric.exchange=0.1", "dgx-h100", "exchange", 1, 32, MUIR_ALL_TO_ALL, +1},
    {"fleet.fabric.crowding=1", "dgx-h100", "tree", 1, 32, MUIR_ALL_REDUCE, +1},
    {"fleet.fabric.collisions=1", "dgx-h100", "ring", 1, 8192, MUIR_ALL_GATHER, +1},
};

static void every_key_moves_its_way(void)
{
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const char *const overrides[] = {keys[i].change};
        const muir_fleet before = fleet_of(NULL, 0), after = fleet_of(overrides, 1);
        const double ratio = by_way(&after, keys[i].way, keys[i].stride, keys[i].p, keys[i].kind) /
                                 by_way(&before, keys[i].way, keys[i].stride, keys[i].p, keys[i].kind) -
                             1.0;
        if (ratio * keys[i].sign <= 0.0) fprintf(stderr, "%s: %g\n", keys[i].change, ratio);
        CU_ASSERT(ratio * keys[i].sign > 0.0);
    }
}

/* Reductions in the fabric need a fabric and a library that can. */
static void fabrics_add_up_where_both_can(void)
{
    static const char *const on[] = {"library.fabric_reduction=true", "fleet.fabric.reduction=0.62"};
    const muir_fleet neither = fleet_of(NULL, 0), one = fleet_of(on, 1), both = fleet_of(on, 2);
    const muir_way *way = muir_way_find("fabric_reduction");
    const muir_group group = muir_group_place(&both, 1, 64);
    CU_ASSERT_FALSE(way->fits(&neither, &group, MUIR_ALL_REDUCE));
    CU_ASSERT_FALSE(way->fits(&one, &group, MUIR_ALL_REDUCE));
    CU_ASSERT_TRUE(way->fits(&both, &group, MUIR_ALL_REDUCE));
    const muir_flow flow = way->flow(&both, &group, MUIR_ALL_REDUCE, SIZE);
    CU_ASSERT_DOUBLE_EQUAL(flow.time_s, 12e-6 + 30e-6 + SIZE / (400e9 * 0.62), 1e-9);
}

static void tori_need_tiers(void)
{
    static const char *const bad[] = {"fleet.library=nccl"};
    muir_scenario scenario;
    muir_ctx_clear(muir_test_ctx());
    CU_ASSERT_EQUAL(muir_scenario_load(muir_test_ctx(), "rainier-1f1b", bad, 1, &scenario), MUIR_ERR_ARG);
    CU_ASSERT_PTR_NOT_NULL(strstr(muir_test_ctx()->message, "tiers"));
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"a ring pipelines over its tiers", a_ring_pipelines_over_its_tiers},
        {"two servers are special to trees", two_servers_are_special_to_trees},
        {"switches add up from a number of chips on", switches_add_up_from_a_number_of_chips_on},
        {"a mesh has a link to each", a_mesh_has_a_link_to_each},
        {"exchanges pass each chip's own port", exchanges_pass_each_chips_own_port},
        {"a way falls behind up to its most", a_way_falls_behind_up_to_its_most},
        {"bytes on links add up", bytes_on_links_add_up},
        {"gathers of single chips aggregate", gathers_of_single_chips_aggregate},
        {"the least way is taken, and others can be forced", the_least_way_is_taken_and_others_can_be_forced},
        {"every key moves its way", every_key_moves_its_way},
        {"fabrics add up where both can", fabrics_add_up_where_both_can},
        {"tori need tiers", tori_need_tiers},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "ways", tests);
}
