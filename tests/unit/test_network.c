/* SPDX-License-Identifier: BSD-3-Clause */
/* Times of collectives and messages against closed formulas. */
#include <math.h>
#include <string.h>

#include "check.h"
#include "network/network.h"
#include "scenario/scenario.h"

/* A named fleet whose latencies are zero and whose efficiencies are one, and whose library goes tier by tier;
 * rings and trees have tests of their own. */
static muir_fleet bare(const char *scenario_name)
{
    muir_scenario scenario;
    CU_ASSERT_EQUAL_FATAL(muir_scenario_load(muir_test_ctx(), scenario_name, NULL, 0, &scenario), MUIR_OK);
    muir_fleet fleet = scenario.fleet;
    fleet.server.alpha_s = fleet.server.base_s = fleet.fabric.alpha_s = fleet.fabric.base_s = 0.0;
    fleet.server.efficiency = fleet.fabric.efficiency = 1.0;
    fleet.fabric.exchange = 0.0;
    fleet.library.style = MUIR_TIERS;
    return fleet;
}

static double coll(const muir_fleet *fleet, int64_t stride, int64_t p, muir_coll_kind kind, double bytes)
{
    const muir_group group = muir_group_place(fleet, stride, p);
    return muir_coll_time_s(fleet, &group, kind, bytes);
}

/* Without latency, bus bandwidth is the port's rate. */
static void busbw_in_a_switch_is_the_port_rate(void)
{
    const muir_fleet fleet = bare("llama3-16k");
    for (int64_t p = 2; p <= 8; p++) {
        const double time_s = coll(&fleet, 1, p, MUIR_ALL_REDUCE, 1e9);
        CU_ASSERT_DOUBLE_EQUAL(1e9 / time_s * muir_busbw_factor(MUIR_ALL_REDUCE, (int)p) / 450e9, 1.0, 1e-12);
    }
    CU_ASSERT_EQUAL(coll(&fleet, 1, 1, MUIR_ALL_REDUCE, 1e9), 0.0);
}

static void busbw_between_servers_is_the_nic_rate(void)
{
    const muir_fleet fleet = bare("llama3-16k");
    const double time_s = coll(&fleet, 8, 16, MUIR_REDUCE_SCATTER, 1e9);
    CU_ASSERT_DOUBLE_EQUAL(1e9 / time_s * 15.0 / 16.0 / 50e9, 1.0, 1e-12);
}

/* A ring of four inside a torus: two links, both ways. */
static void a_torus_ring_uses_both_directions(void)
{
    const muir_fleet fleet = bare("rainier-1f1b");
    const double time_s = coll(&fleet, 1, 4, MUIR_ALL_GATHER, 1e9);
    CU_ASSERT_DOUBLE_EQUAL(time_s, 1e9 * 0.75 / 256e9, 1e-15);
}

/* All links at once can do no better than
 *     V (p - 1) / p / (sum of rates)
 * and the bucket algorithm comes close. */
static void the_whole_torus_is_near_its_bound(void)
{
    const muir_fleet fleet = bare("rainier-1f1b");
    const double bound_s = 1e9 * 63.0 / 64.0 / 640e9, time_s = coll(&fleet, 1, 64, MUIR_ALL_GATHER, 1e9);
    CU_ASSERT(time_s >= bound_s * (1.0 - 1e-12));
    CU_ASSERT(time_s <= 1.5 * bound_s);
}

/* stride 16 in a 4x4x4 torus is z: rings of four over 64 GB/s links. */
static void strided_groups_use_the_dimension_they_lie_in(void)
{
    const muir_fleet fleet = bare("rainier-1f1b");
    CU_ASSERT_DOUBLE_EQUAL(coll(&fleet, 16, 4, MUIR_ALL_GATHER, 1e9), 1e9 * 0.75 / 128e9, 1e-15);
    const muir_group plane = muir_group_place(&fleet, 1, 16), line = muir_group_place(&fleet, 1, 8);
    CU_ASSERT(plane.extent[0] == 4 && plane.extent[1] == 4 && plane.extent[2] == 1);
    CU_ASSERT(line.extent[0] == 4 && line.extent[1] == 2 && line.extent[2] == 1);
    CU_ASSERT_EQUAL(line.rate[1], 128e9); /* two of four: a line, one link */
}

/* Also where the distance of members divides no ring: through all links of a chip at once, both ways, or
 * slower. */
static void every_group_of_a_torus_takes_time(void)
{
    static const char *const fleets[] = {"fleet=rainier-1m", "fleet=tpu-v4", "fleet=tpu-v5e",
                                         "fleet=tpu-ironwood", "fleet=trn1"};
    for (size_t i = 0; i < sizeof fleets / sizeof fleets[0]; i++) {
        muir_scenario s;
        CU_ASSERT_EQUAL_FATAL(muir_scenario_load(muir_test_ctx(), "rainier-1f1b", &fleets[i], 1, &s),
                              MUIR_OK);
        const muir_server *server = &s.fleet.server;
        const double links =
            2.0 * server->efficiency *
            (server->link_x_byte_per_s + server->link_y_byte_per_s + server->link_z_byte_per_s);
        for (int64_t stride = 1; stride < server->chips && stride < 80; stride++)
            for (int64_t p = 2; p * stride <= server->chips; p++) {
                const double time_s = coll(&s.fleet, stride, p, MUIR_ALL_GATHER, 1e9);
                CU_ASSERT(isfinite(time_s) && time_s >= 1e9 * (double)(p - 1) / (double)p / links);
                CU_ASSERT(isfinite(coll(&s.fleet, stride, p, MUIR_ALL_TO_ALL, 1e9)));
            }
        for (int64_t stride = 1; stride < 2 * server->chips; stride++)
            CU_ASSERT(isfinite(muir_p2p_time_s(&s.fleet, stride, 1e9)));
    }
}

/* q members inside each of n servers: inside V / q first, so the network moves V / q a chip. */
static void groups_over_servers_are_hierarchical(void)
{
    const muir_fleet fleet = bare("llama3-16k");
    const muir_group group = muir_group_place(&fleet, 1, 32);
    CU_ASSERT_EQUAL(group.local, 8);
    CU_ASSERT_EQUAL(group.servers, 4);
    const double inside_s = 1e9 * 7.0 / 8.0 / 450e9, between_s = 1e9 / 8.0 * 3.0 / 4.0 / 50e9;
    CU_ASSERT_DOUBLE_EQUAL(coll(&fleet, 1, 32, MUIR_ALL_REDUCE, 1e9), 2.0 * (inside_s + between_s), 1e-15);
}

/* Llama 3's cluster: 384 servers a pod, 7:1 above. Neighbours of a stride of 16 servers: 24 under a pod share
 * an uplink of 24 / 7 ports, so a ring is not slowed; messages between any two chips are. */
static void oversubscription_hits_far_traffic(void)
{
    muir_fleet fleet = bare("llama3-16k");
    const double ring_s = coll(&fleet, 128, 128, MUIR_REDUCE_SCATTER, 1e9),
                 exchange_s = coll(&fleet, 128, 128, MUIR_ALL_TO_ALL, 1e9);
    const double near_s = muir_p2p_time_s(&fleet, 8, 1e9), far_s = muir_p2p_time_s(&fleet, 8 * 384, 1e9);
    fleet.fabric.oversubscription = 1.0;
    CU_ASSERT_EQUAL(ring_s, coll(&fleet, 128, 128, MUIR_REDUCE_SCATTER, 1e9));
    CU_ASSERT_DOUBLE_EQUAL(exchange_s / coll(&fleet, 128, 128, MUIR_ALL_TO_ALL, 1e9), 7.0, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(near_s, 1e9 / 50e9, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(far_s / near_s, 7.0, 1e-9);
}

static void latency_counts_hops_and_rounds(void)
{
    muir_fleet fleet = bare("rainier-1f1b");
    fleet.server.alpha_s = 1e-6;
    fleet.fabric.alpha_s = 15e-6;
    CU_ASSERT_DOUBLE_EQUAL(coll(&fleet, 1, 64, MUIR_ALL_GATHER, 0.0), 6e-6,
                           1e-18); /* two hops a ring of four */
    CU_ASSERT_DOUBLE_EQUAL(coll(&fleet, 64, 488, MUIR_ALL_GATHER, 0.0), 135e-6, 1e-18); /* nine rounds */
    CU_ASSERT_DOUBLE_EQUAL(muir_p2p_time_s(&fleet, 64, 25e9), 15e-6 + 1.0, 1e-12);
}

/* Two sites of four servers of 8: inside each first, then every chip's part of V / 32 over what its 32 chips
 * have of the links, twice for an all_reduce. */
static void sites_exchange_what_is_left_over_shared_links(void)
{
    muir_fleet fleet = bare("llama3-16k");
    const double one_s = coll(&fleet, 1, 32, MUIR_ALL_REDUCE, 1e9);
    fleet.fabric.site_servers = 4;
    fleet.fabric.site_byte_per_s = 320e9; /* 10 GB/s a chip */
    const muir_group group = muir_group_place(&fleet, 1, 64);
    CU_ASSERT(group.servers == 8 && group.site_servers == 4 && group.sites == 2);
    const double cross_s = 2.0 * 1e9 / 32.0 * 0.5 / 10e9;
    CU_ASSERT_DOUBLE_EQUAL(coll(&fleet, 1, 64, MUIR_ALL_REDUCE, 1e9), one_s + cross_s, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(coll(&fleet, 1, 32, MUIR_ALL_REDUCE, 1e9), one_s, 1e-15); /* fits a site */
    fleet.fabric.site_byte_per_s = 1e15; /* no link carries more than the ports behind it */
    CU_ASSERT_DOUBLE_EQUAL(coll(&fleet, 1, 64, MUIR_ALL_REDUCE, 1e9), one_s + 1e9 / 32.0 / 50e9, 1e-12);
    fleet.fabric.site_alpha_s = 5e-3;
    CU_ASSERT_DOUBLE_EQUAL(coll(&fleet, 8, 64, MUIR_ALL_GATHER, 0.0), 4.0 * 5e-3, 1e-12); /* 16 sites */
}

/* With site links as fast as the ports and no latency, one site or two are the same all_to_all and nearly the
 * same message; with links of half the rate, what crosses takes as long again. */
static void exchanges_share_the_links_of_their_site(void)
{
    muir_fleet fleet = bare("llama3-16k");
    const double one_s = coll(&fleet, 8, 8, MUIR_ALL_TO_ALL, 1e9);
    fleet.fabric.site_servers = 4;
    fleet.fabric.site_byte_per_s = 32 * 50e9;
    CU_ASSERT_DOUBLE_EQUAL(coll(&fleet, 8, 8, MUIR_ALL_TO_ALL, 1e9), one_s, 1e-12);
    fleet.fabric.site_byte_per_s = 32 * 10e9; /* 4 of the 7 other servers are on the other site */
    CU_ASSERT_DOUBLE_EQUAL(coll(&fleet, 8, 8, MUIR_ALL_TO_ALL, 1e9), 1e9 * 0.5 / 10e9, 1e-12);
}

/* Stages of 16 chips, sites of 32: of the 3 borders of 4 stages one is a site's. */
static void pipelines_cross_sites_at_their_borders(void)
{
    muir_fleet fleet = bare("llama3-16k");
    fleet.fabric.site_servers = 4;
    fleet.fabric.site_byte_per_s = 160e9; /* 10 GB/s for each chip of a stage */
    const double near_s = 1e9 / 50e9, cross_s = 1e9 / 10e9;
    CU_ASSERT_DOUBLE_EQUAL(muir_hop_ports(&fleet, 16, 4, 1, 1e9).time_s, (2.0 * near_s + cross_s) / 3.0,
                           1e-12);
    CU_ASSERT_DOUBLE_EQUAL(muir_hop_ports(&fleet, 16, 4, 3, 1e9).time_s, cross_s, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(muir_hop_ports(&fleet, 16, 2, 1, 1e9).time_s, near_s, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(muir_hop_ports(&fleet, 32, 2, 1, 1e9).time_s, 1e9 / 5e9,
                           1e-12); /* a site a stage */
}

static void sites_without_links_are_refused(void)
{
    static const char *const bad[] = {"fleet.fabric.site_servers=4", "fleet.fabric.site_byte_per_s=1e9",
                                      "fleet.fabric.site_alpha_s=1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        muir_scenario scenario;
        muir_ctx_clear(muir_test_ctx());
        CU_ASSERT_EQUAL(muir_scenario_load(muir_test_ctx(), "llama3-16k", &bad[i], 1, &scenario),
                        MUIR_ERR_ARG);
        CU_ASSERT_PTR_NOT_NULL(strstr(muir_test_ctx()->message, "site_servers"));
    }
}

/* A pod of cubes laid out for a job is one torus: the same times as a server of that shape. */
static void cubes_joined_by_light_are_one_torus(void)
{
    muir_fleet pod = bare("cost-ironwood"), whole = pod;
    pod.server.pod_servers = 64;
    pod.top.servers = 64;
    muir_fleet_slice(&pod, 4096);
    whole.server.chips = 4096;
    for (int d = 0; d < MUIR_DIMS; d++) {
        CU_ASSERT_EQUAL(muir_fleet_side(&pod, d), 16);
        whole.server.torus[d] = 16;
        whole.tori[d] = 1;
    }
    static const int64_t groups[][2] = {{1, 4}, {1, 4096}, {4, 1024}, {64, 64}, {1, 48}, {256, 16}};
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        for (int kind = 0; kind <= MUIR_ALL_TO_ALL; kind++)
            CU_ASSERT_EQUAL(coll(&pod, groups[i][0], groups[i][1], (muir_coll_kind)kind, 1e9),
                            coll(&whole, groups[i][0], groups[i][1], (muir_coll_kind)kind, 1e9));
    CU_ASSERT_EQUAL(muir_p2p_time_s(&pod, 1024, 1e9), muir_p2p_time_s(&whole, 1024, 1e9));
    pod.server.pod_servers = 1; /* without the switches all but a cube is left to the fabric */
    muir_fleet_slice(&pod, 4096);
    CU_ASSERT(coll(&pod, 1, 4096, MUIR_ALL_REDUCE, 1e9) > coll(&whole, 1, 4096, MUIR_ALL_REDUCE, 1e9));
}

/* 9,000 chips are 71 cubes on each of two pods, and 71 is prime: who asks for that gets a line of cubes. */
static void slices_are_compact(void)
{
    static const struct {
        int64_t chips;
        int side[MUIR_DIMS];
    } slices[] = {{64, {4, 4, 4}},      {1, {4, 4, 4}},      {1024, {8, 8, 16}}, {8960, {16, 20, 28}},
                  {6144, {16, 16, 24}}, {9000, {4, 4, 284}}, {448, {4, 4, 28}}};
    muir_fleet fleet = bare("cost-ironwood");
    fleet.server.pod_servers = 140; /* TPU v5p: 16x20x28 is the whole pod */
    for (size_t i = 0; i < sizeof slices / sizeof slices[0]; i++) {
        muir_fleet_slice(&fleet, slices[i].chips);
        for (int d = 0; d < MUIR_DIMS; d++) CU_ASSERT_EQUAL(muir_fleet_side(&fleet, d), slices[i].side[d]);
    }
}

/* A ring runs both ways round a side that is closed, a line only one way: half the rate. */
static void parts_of_a_side_are_lines(void)
{
    muir_fleet fleet = bare("cost-ironwood");
    fleet.server.pod_servers = 144;
    muir_fleet_slice(&fleet, 1024);
    const double ring_s = coll(&fleet, 1, 8, MUIR_ALL_GATHER, 1e9),
                 line_s = coll(&fleet, 1, 4, MUIR_ALL_GATHER, 1e9);
    CU_ASSERT_DOUBLE_EQUAL(line_s / (3.0 / 4.0) / (ring_s / (7.0 / 8.0)), 2.0, 1e-12);
}

static void pods_need_tori(void)
{
    static const char *const bad[] = {"fleet.server.pod_servers=4", "fleet.server.rewire_s=10"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        muir_scenario scenario;
        muir_ctx_clear(muir_test_ctx());
        CU_ASSERT_EQUAL(muir_scenario_load(muir_test_ctx(), "llama3-16k", &bad[i], 1, &scenario),
                        MUIR_ERR_ARG);
        CU_ASSERT_PTR_NOT_NULL(strstr(muir_test_ctx()->message, "pod_servers"));
    }
}

/* What ASTRA-sim (astra-sim/astra-sim @518bd51, analytical backend) said when run: an all_reduce of 1 MiB a
 * chip, cut into 4 chunks, 10 ns at each endpoint. */
typedef struct astra_run {
    int64_t chips;
    double ring_s; /* a ring of links of 50 GB/s and 500 ns; 0: not run */
    double
        switch_s; /* servers of 8, 400 GB/s and 936.25 ns a hop; fabric 50 GB/s and 2 us a hop; 0: not run */
} astra_run;
static const astra_run astra_runs[] = {{64, 296896e-9, 128480e-9},
                                       {256, 1079200e-9, 193108e-9},
                                       {1024, 4206616e-9, 257372e-9},
                                       {4096, 16740400e-9, 321556e-9},
                                       {16384, 0.0, 385716e-9}};
enum { ASTRA_CHUNKS = 4 };

/* There the chunks follow each other around the ring, each with all its latencies. */
static void rings_agree_with_astra_sim(void)
{
    muir_fleet fleet = bare("llama3-16k");
    fleet.server.port_byte_per_s = 50e9;
    fleet.server.alpha_s = 510e-9;
    for (size_t i = 0; i < sizeof astra_runs / sizeof astra_runs[0]; i++) {
        const astra_run *run = &astra_runs[i];
        if (run->ring_s <= 0.0) continue;
        fleet.server.chips = run->chips;
        const double chunk_s = coll(&fleet, 1, run->chips, MUIR_ALL_REDUCE, 1048576.0 / ASTRA_CHUNKS);
        CU_ASSERT_DOUBLE_EQUAL(ASTRA_CHUNKS * chunk_s / run->ring_s, 1.0, 0.01);
    }
}

/* There a switch is two hops, and the chunks overlap: while one is between servers, the next is inside them.
 * So the fabric is paid for every chunk and the servers for one, where muir pays both for the whole. */
static void hierarchies_agree_with_astra_sim(void)
{
    muir_fleet fleet = bare("llama3-16k");
    const double chunk = 1048576.0 / ASTRA_CHUNKS;
    fleet.server.port_byte_per_s = 400e9;
    fleet.server.alpha_s = 2.0 * 936.25e-9 + 10e-9;
    fleet.fabric.alpha_s = 2.0 * 2000e-9 + 10e-9;
    for (size_t i = 0; i < sizeof astra_runs / sizeof astra_runs[0]; i++) {
        const astra_run *run = &astra_runs[i];
        fleet.top.servers = run->chips / 8;
        fleet.fabric.leaf_servers = fleet.top.servers;
        const double inside_s = coll(&fleet, 1, 8, MUIR_ALL_REDUCE, chunk);
        const double between_s = coll(&fleet, 8, run->chips / 8, MUIR_ALL_REDUCE, chunk / 8.0);
        CU_ASSERT_DOUBLE_EQUAL((ASTRA_CHUNKS * between_s + inside_s) / run->switch_s, 1.0, 0.01);
        CU_ASSERT_DOUBLE_EQUAL(coll(&fleet, 1, run->chips, MUIR_ALL_REDUCE, chunk), inside_s + between_s,
                               1e-12);
    }
}

/* What astra-sim/astra-network-analytical @1f4d8e6 expects of itself (test/), with GB of 2^30: a message of
 * 1 MiB between neighbours of a full mesh, and in one switch, where its latency counts twice; and 16 chips
 * of a ring sending 1 MiB to each other at once. What has half of the ring to go all takes the same way round
 * there, so that the busiest link carries 36 MiB. muir deals it out both ways: 32 MiB. */
static void messages_and_exchanges_agree_with_astra_sim(void)
{
    const double mib = 1048576.0, rate = 50.0 * 1073741824.0;
    muir_fleet fleet = bare("llama3-16k");
    fleet.server.alpha_s = 500e-9;
    fleet.server.topology = MUIR_MESH;
    fleet.server.chips = 16;
    fleet.server.port_byte_per_s = 15.0 * rate;
    CU_ASSERT_DOUBLE_EQUAL(muir_p2p_time_s(&fleet, 1, mib), 20031e-9, 1e-9);
    fleet.server.topology = MUIR_SWITCH;
    fleet.server.port_byte_per_s = rate;
    fleet.server.alpha_s = 2.0 * 500e-9;
    CU_ASSERT_DOUBLE_EQUAL(muir_p2p_time_s(&fleet, 1, mib), 20531e-9, 1e-9);
    fleet.server.topology = MUIR_TORUS;
    fleet.server.alpha_s = 500e-9;
    fleet.server.torus[0] = 16;
    fleet.server.torus[1] = fleet.server.torus[2] = 1;
    fleet.server.link_x_byte_per_s = rate;
    const double latency_s = 8.0 * 500e-9, time_s = coll(&fleet, 1, 16, MUIR_ALL_TO_ALL, 16.0 * mib);
    CU_ASSERT_DOUBLE_EQUAL(((time_s - latency_s) * 36.0 / 32.0 + latency_s) / 704116e-9, 1.0, 0.01);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"busbw in a switch is the port rate", busbw_in_a_switch_is_the_port_rate},
        {"busbw between servers is the NIC rate", busbw_between_servers_is_the_nic_rate},
        {"a torus ring uses both directions", a_torus_ring_uses_both_directions},
        {"the whole torus is near its bound", the_whole_torus_is_near_its_bound},
        {"strided groups use the dimension they lie in", strided_groups_use_the_dimension_they_lie_in},
        {"every group of a torus takes time", every_group_of_a_torus_takes_time},
        {"groups over servers are hierarchical", groups_over_servers_are_hierarchical},
        {"oversubscription hits far traffic", oversubscription_hits_far_traffic},
        {"latency counts hops and rounds", latency_counts_hops_and_rounds},
        {"sites exchange what is left over shared links", sites_exchange_what_is_left_over_shared_links},
        {"exchanges share the links of their site", exchanges_share_the_links_of_their_site},
        {"pipelines cross sites at their borders", pipelines_cross_sites_at_their_borders},
        {"sites without links are refused", sites_without_links_are_refused},
        {"cubes joined by light are one torus", cubes_joined_by_light_are_one_torus},
        {"slices are compact", slices_are_compact},
        {"parts of a side are lines", parts_of_a_side_are_lines},
        {"pods need tori", pods_need_tori},
        {"rings agree with ASTRA-sim", rings_agree_with_astra_sim},
        {"hierarchies agree with ASTRA-sim", hierarchies_agree_with_astra_sim},
        {"messages and exchanges agree with ASTRA-sim", messages_and_exchanges_agree_with_astra_sim},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "network", tests);
}
