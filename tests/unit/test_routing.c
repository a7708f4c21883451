/* SPDX-License-Identifier: BSD-3-Clause */
/* How many places tokens visit, against counting every way to route one; and what sending them once saves. */
#include <math.h>
#include <string.h>

#include "check.h"
#include "network/network.h"
#include "step_time/slot_times.h"
#include "models/routing.h"
#include "scenario/scenario.h"

static muir_model routed(int64_t experts, int64_t topk, int64_t groups, int64_t drawn)
{
    muir_model model;
    memset(&model, 0, sizeof model);
    model.experts = experts, model.topk = topk, model.expert_groups = groups, model.topk_groups = drawn;
    return model;
}

static int bits(unsigned set)
{
    int n = 0;
    for (; set; set &= set - 1) n++;
    return n;
}

/* Of all ways to draw groups and then topk experts out of them, the share with one of the first `held`. */
static double counted(const muir_model *m, int held)
{
    const unsigned sets = 1u << m->experts, group_sets = 1u << m->expert_groups;
    const int size = (int)(m->experts / m->expert_groups);
    double ways = 0.0, visits = 0.0;
    for (unsigned g = 0; g < group_sets; g++) {
        unsigned allowed = 0;
        if (bits(g) != m->topk_groups) continue;
        for (int i = 0; i < m->experts; i++)
            if (g >> (i / size) & 1u) allowed |= 1u << i;
        for (unsigned set = 0; set < sets; set++) {
            if (bits(set) != m->topk || (set & ~allowed)) continue;
            ways += 1.0;
            visits += (set & ((1u << held) - 1u)) ? 1.0 : 0.0;
        }
    }
    return visits / ways;
}

static void visits_equal_counting_every_route(void)
{
    static const int groups[][2] = {{1, 1}, {2, 1}, {4, 2}, {4, 3}, {6, 2}, {3, 3}};
    for (size_t g = 0; g < sizeof groups / sizeof groups[0]; g++)
        for (int topk = 1; topk <= 3; topk++)
            for (int held = 0; held <= 12; held++) {
                const muir_model m = routed(12, topk, groups[g][0], groups[g][1]);
                CU_ASSERT_DOUBLE_EQUAL(muir_model_visit(&m, held), counted(&m, held), 1e-12);
            }
}

static void even_routing_has_its_limits(void)
{
    const muir_model one = routed(64, 1, 1, 0), all = routed(64, 64, 1, 0), limited = routed(256, 8, 8, 4);
    CU_ASSERT_DOUBLE_EQUAL(8.0 * muir_model_visit(&one, 8), 1.0, 1e-12); /* one expert is in one place */
    CU_ASSERT_DOUBLE_EQUAL(8.0 * muir_model_visit(&all, 8), 8.0, 1e-12);
    CU_ASSERT_EQUAL(muir_model_visit(&limited, 0), 0.0);
    CU_ASSERT_DOUBLE_EQUAL(muir_model_visit(&limited, 256), 1.0, 1e-12);
    const double nodes = 8.0 * muir_model_visit(&limited, 32); /* DeepSeek-V3 on 8 servers: at most 4 */
    CU_ASSERT(nodes > 3.5 && nodes < 4.0);
}

/* What DeepEP measured (deepseek-ai/DeepEP @0297fc8, README and docs/legacy.md): DeepSeek-V3's routing on
 * servers of 8 with 400 Gb/s a chip, as rates of tokens' bytes counted once for each server visited, the
 * sender's own included. Its kernels move 44 GB/s through a port of 50. The 43 GB/s of its first version on
 * two servers of H800 are left out: there it forwards slower than its own links. */
static void rates_agree_with_deepep(void)
{
    static const struct {
        int64_t servers;
        double link_byte_per_s, rate_byte_per_s;
    } runs[] = {{2, 450e9, 90e9}, {4, 450e9, 61e9}, {4, 160e9, 58e9}, {8, 160e9, 51e9}};
    const muir_model model = routed(256, 8, 8, 4);
    muir_scenario scenario;
    CU_ASSERT_EQUAL_FATAL(muir_scenario_load(muir_test_ctx(), "llama3-16k", NULL, 0, &scenario), MUIR_OK);
    muir_fleet *fleet = &scenario.fleet;
    fleet->server.efficiency = 1.0;
    fleet->fabric.efficiency = 0.88;
    fleet->fabric.exchange = 0.0;
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        const double n = (double)runs[i].servers;
        fleet->server.port_byte_per_s = runs[i].link_byte_per_s;
        const muir_group group = muir_group_place(fleet, 1, 8 * runs[i].servers);
        const double server_share = muir_model_visit(&model, 256.0 / n),
                     chip_share = muir_model_visit(&model, 32.0 / n), bytes = 1e9;
        const double time_s = muir_dispatch_ports(fleet, &group, bytes, server_share, chip_share).time_s;
        CU_ASSERT_DOUBLE_EQUAL(bytes * n * server_share / time_s / runs[i].rate_byte_per_s, 1.0, 0.05);
    }
}

/* The closed formula, without latency: the fabric binds with 400 Gb/s, forwarding with a slow switch. */
static void the_slower_of_fabric_and_forwarding_counts(void)
{
    muir_scenario scenario;
    CU_ASSERT_EQUAL_FATAL(muir_scenario_load(muir_test_ctx(), "llama3-16k", NULL, 0, &scenario), MUIR_OK);
    muir_fleet *fleet = &scenario.fleet;
    fleet->server.alpha_s = fleet->server.base_s = fleet->fabric.alpha_s = fleet->fabric.base_s = 0.0;
    fleet->server.efficiency = fleet->fabric.efficiency = 1.0;
    fleet->fabric.exchange = 0.0;
    const muir_group group = muir_group_place(fleet, 1, 32), inside = muir_group_place(fleet, 1, 8);
    CU_ASSERT_DOUBLE_EQUAL(muir_dispatch_ports(fleet, &group, 1e9, 0.5, 0.1).time_s, 3.0 * 0.5e9 / 50e9,
                           1e-12);
    CU_ASSERT_DOUBLE_EQUAL(muir_dispatch_ports(fleet, &inside, 1e9, 1.0, 0.5).time_s, 7.0 * 0.5e9 / 450e9,
                           1e-12);
    fleet->server.port_byte_per_s = 10e9;
    CU_ASSERT_DOUBLE_EQUAL(muir_dispatch_ports(fleet, &group, 1e9, 0.5, 0.1).time_s, 4.0 * 7.0 * 0.1e9 / 10e9,
                           1e-12);
}

static double dispatch_op_s(const char *dispatch, const char *groups, double *bytes)
{
    const char *overrides[] = {
        "fleet=dgx-h100",        "model=deepseek-v3-671b",  "seq_len=4096",  "fleet.servers=16",
        "global_batch_size=128", "model.layers=4",          "parallel.tp=1", "parallel.ep=64",
        "parallel.dp=128",       "parallel.recompute=none", dispatch,        groups};
    muir_scenario s;
    muir_program *program = NULL;
    double time_s = 0.0;
    CU_ASSERT_EQUAL_FATAL(muir_scenario_load(muir_test_ctx(), NULL, overrides, 12, &s), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_program_create(muir_test_ctx(), &s.job, &program), MUIR_OK);
    for (int i = 0; i < program->n_ops; i++)
        if (strcmp(program->ops[i].name, "dispatch") == 0) {
            time_s = muir_op_time_s(&s, &program->ops[i]);
            *bytes = program->ops[i].coll.bytes;
        }
    muir_program_destroy(&program);
    return time_s;
}

/* DeepSeek-V3 on 8 servers: 8 copies, of which 7 in 8 leave, against 3.6 servers visited, likewise. */
static void sending_once_takes_servers_over_experts(void)
{
    double copies_bytes = 0.0, once_bytes = 0.0, free_bytes = 0.0;
    const double copies_s = dispatch_op_s("stack.dispatch=copies", "model.topk_groups=4", &copies_bytes);
    const double once_s = dispatch_op_s("stack.dispatch=once", "model.topk_groups=4", &once_bytes);
    const double free_s = dispatch_op_s("stack.dispatch=once", "model.topk_groups=0", &free_bytes);
    const muir_model limited = routed(256, 8, 8, 4);
    CU_ASSERT_DOUBLE_EQUAL(once_bytes / copies_bytes, 64.0 * muir_model_visit(&limited, 4) / 8.0, 1e-12);
    CU_ASSERT(once_s < free_s && free_s < copies_s); /* at most 4 servers against 5.3 on average */
    CU_ASSERT_DOUBLE_EQUAL(once_s / copies_s, 8.0 * muir_model_visit(&limited, 32) / 8.0, 0.06);
}

static void groups_that_hold_no_topk_are_refused(void)
{
    static const char *const bad[] = {"model.expert_groups=3", "model.topk_groups=9", "model.topk=200"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *overrides[] = {"fleet=dgx-h100", "model=deepseek-v3-671b", "parallel.ep=8",
                                   "parallel.pp=61", bad[i]};
        muir_scenario s;
        muir_ctx_clear(muir_test_ctx());
        CU_ASSERT_EQUAL(muir_scenario_load(muir_test_ctx(), NULL, overrides, 5, &s), MUIR_ERR_ARG);
        CU_ASSERT_PTR_NOT_NULL(strstr(muir_test_ctx()->message, "groups"));
    }
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"visits equal counting every route", visits_equal_counting_every_route},
        {"even routing has its limits", even_routing_has_its_limits},
        {"rates agree with DeepEP", rates_agree_with_deepep},
        {"the slower of fabric and forwarding counts", the_slower_of_fabric_and_forwarding_counts},
        {"sending once takes servers over experts", sending_once_takes_servers_over_experts},
        {"groups that hold no topk are refused", groups_that_hold_no_topk_are_refused},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "routing", tests);
}
