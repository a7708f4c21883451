/* SPDX-License-Identifier: BSD-3-Clause */
/* Every numeric key of chips, fleets, models, stacks and jobs: changing it moves what it should, the way it
 * should. A key that moves nothing fails, and so does one that is not in the table below. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "memory/fit.h"
#include "programs.h"
#include "scenario/inputs.h"
#include "unit/sensitivity_exempt.h"

enum { STEPS = 2 };
typedef enum measure { STEP, MEMORY, ENERGY, COST, MEASURES } measure;

/* Small jobs between which every mechanism is at work. */
static const char *const dense[] = {"fleet=dgx-h100",
                                    "model=gpt-22b",
                                    "seq_len=2048",
                                    "fleet.servers=16",
                                    "global_batch_size=64",
                                    "parallel.tp=4",
                                    "parallel.pp=4",
                                    "parallel.dp=4",
                                    "parallel.cp=2",
                                    "parallel.vpp=2",
                                    "parallel.recompute=none",
                                    "stack=standard",
                                    "parallel.schedule=interleaved",
                                    "fleet.fabric.leaf_servers=4",
                                    "fleet.fabric.oversubscription=2",
                                    NULL};
static const char *const dense8[] = {"fleet=dgx-h100",
                                     "model=gpt-22b",
                                     "seq_len=2048",
                                     "fleet.servers=8",
                                     "global_batch_size=64",
                                     "parallel.tp=4",
                                     "parallel.pp=4",
                                     "parallel.dp=4",
                                     "precision=fp8",
                                     "parallel.recompute=none",
                                     NULL};
static const char *const mixture[] = {"fleet=dgx-h100",
                                      "model=deepseek-v3-671b",
                                      "seq_len=4096",
                                      "fleet.servers=16",
                                      "global_batch_size=32",
                                      "model.layers=4",
                                      "parallel.tp=2",
                                      "parallel.ep=16",
                                      "parallel.dp=16",
                                      "parallel.recompute=none",
                                      NULL};
static const char *const mixture8[] = {"fleet=dgx-h100",   "model=deepseek-v3-671b",  "seq_len=4096",
                                       "fleet.servers=16", "global_batch_size=32",    "model.layers=4",
                                       "parallel.tp=2",    "parallel.ep=16",          "parallel.dp=16",
                                       "precision=mxfp8",  "parallel.recompute=none", NULL};
static const char *const once[] = {"fleet=dgx-h100",          "model=deepseek-v3-671b", "seq_len=4096",
                                   "fleet.servers=16",        "global_batch_size=32",   "model.layers=4",
                                   "parallel.tp=2",           "parallel.ep=32",         "parallel.dp=16",
                                   "parallel.recompute=none", "stack.dispatch=once",    NULL};
static const char *const torus[] = {
    "fleet=rainier-500k", "model=gpt3-175b", "seq_len=2048",       "fleet.servers=8", "global_batch_size=64",
    "parallel.tp=64",     "model.heads=128", "model.hidden=16384", "parallel.dp=8",   NULL};
static const char *const fsdp[] = {"fleet=dgx-h100",        "stack=pytorch-fsdp-h100",
                                   "model=mpt-7b",          "seq_len=2048",
                                   "fleet.servers=16",      "global_batch_size=256",
                                   "parallel.dp=128",       "parallel.zero_group=32",
                                   "parallel.zero_stage=3", NULL};
static const char *const int8[] = {"fleet=tpu-v6e", "model=gpt-22b", "seq_len=2048",         "precision=int8",
                                   "parallel.tp=4", "parallel.dp=4", "global_batch_size=16", NULL};
static const char *const fp4[] = {
    "fleet=gb200-nvl72", "model=gpt-22b", "seq_len=2048",         "precision=nvfp4",
    "parallel.tp=4",     "parallel.dp=4", "global_batch_size=16", NULL};

static const char *const vision[] = {"fleet=dgx-h100",
                                     "model=vit-l-16",
                                     "seq_len=auto",
                                     "fleet.servers=1",
                                     "parallel.dp=8",
                                     "global_batch_size=64",
                                     NULL};
static const char *const recommender[] = {"fleet=dgx-h100",        "model=dlrm-dcnv2",       "seq_len=auto",
                                          "fleet.servers=1",       "parallel.dp=8",          "parallel.ep=8",
                                          "micro_batch_size=1024", "global_batch_size=8192", NULL};

static const char *const operator[] = {"fleet=dgx-h100", "model=fno-3d",  "seq_len=auto",  "fleet.servers=1",
                                       "parallel.cp=2",  "parallel.ep=2", "parallel.dp=4", NULL};

static const char *const sites[] = {"fleet=dgx-h100",
                                    "model=gpt-22b",
                                    "seq_len=2048",
                                    "fleet.servers=16",
                                    "global_batch_size=64",
                                    "parallel.tp=8",
                                    "parallel.dp=16",
                                    "fleet.fabric.site_servers=8",
                                    "fleet.fabric.site_byte_per_s=50e9",
                                    "fleet.fabric.site_alpha_s=0.005",
                                    NULL};
static const char *const cubes[] = {
    "fleet=tpu-ironwood", "model=gpt3-175b", "seq_len=2048",       "fleet.servers=8", "global_batch_size=64",
    "parallel.tp=64",     "model.heads=128", "model.hidden=16384", "parallel.dp=8",   NULL};
static const char *const spared[] = {
    "fleet=dgx-h100", "model=gpt-22b", "seq_len=2048",         "fleet.servers=4",
    "parallel.tp=8",  "parallel.dp=2", "global_batch_size=16", NULL};

/* So warm that some chips throttle. */
static const char *const warm[] = {"fleet=dgx-h100",
                                   "model=gpt-22b",
                                   "seq_len=2048",
                                   "fleet.servers=16",
                                   "parallel.tp=8",
                                   "parallel.dp=16",
                                   "global_batch_size=64",
                                   "fleet.site.inlet_c=48.5",
                                   "fleet.site.inlet_swing_c=1",
                                   NULL};

/* Key, base, change, what moves, which way (+1, -1, or 0: any). */
static const struct row {
    const char *key;
    const char *const *base;
    const char *value;
    measure moves;
    int way;
} table[] = {
    {"chip.bf16_flop_per_s", dense, "2000e12", STEP, -1},
    {"chip.fp8_flop_per_s", dense8, "4000e12", STEP, -1},
    {"chip.fp4_flop_per_s", fp4, "20000e12", STEP, -1},
    {"chip.int8_flop_per_s", int8, "4000e12", STEP, -1},
    {"chip.hbm_byte_per_s", dense, "6e12", STEP, -1},
    {"chip.gemm_fraction", dense, "0.9", STEP, -1},
    {"chip.gemm_fraction_8bit", dense8, "0.9", STEP, -1},
    {"chip.epilogue", dense, "0.9", STEP, +1},
    {"chip.attention_fraction", dense, "0.5", STEP, -1},
    {"chip.hbm_fraction", dense, "0.5", STEP, +1},
    {"chip.cores", dense, "1000", STEP, +1},
    {"chip.tile_m", dense, "4096", STEP, +1},
    {"chip.tile_n", dense, "8192", STEP, +1},
    {"chip.launch_s", dense, "1e-4", STEP, +1},
    {"chip.tdp_w", dense, "1000", ENERGY, +1},
    {"chip.compute_power", dense, "1.2", ENERGY, +1},
    {"chip.communicate_power", dense, "0.8", ENERGY, +1},
    {"chip.idle_power", spared, "0.5", ENERGY, +1},
    {"chip.wait_power", dense, "0.9", ENERGY, +1},
    {"chip.tp_power", dense, "0.9", ENERGY, +1},
    {"chip.cp_power", dense, "0.9", ENERGY, +1},
    {"chip.ep_power", mixture, "0.9", ENERGY, +1},
    {"chip.dp_power", dense, "0.9", ENERGY, +1},
    {"chip.heat_rise_c", warm, "60", STEP, +1},
    {"chip.heat_limit_c", warm, "150", STEP, -1},
    {"chip.heat_throttle", warm, "0.5", STEP, +1},
    {"chip.slow_per_c", warm, "0.01", STEP, 0},
    {"fleet.site.inlet_c", warm, "0", STEP, -1},
    {"fleet.site.inlet_swing_c", warm, "50", STEP, 0},
    {"fleet.site.inlet_peak_h", warm, "0", STEP, +1},
    {"fleet.variation.heat_sigma", warm, "0", STEP, -1},
    {"fleet.variation.inlet_sigma_c", warm, "20", STEP, +1},
    {"fleet.servers", dense, "32", COST, +1},
    {"fleet.server.link_x_byte_per_s", torus, "1e12", STEP, -1},
    {"fleet.server.link_y_byte_per_s", torus, "1e12", STEP, -1},
    {"fleet.server.link_z_byte_per_s", torus, "1e12", STEP, -1},
    {"fleet.server.port_byte_per_s", dense, "50e9", STEP, +1},
    {"fleet.server.efficiency", dense, "0.1", STEP, +1},
    {"fleet.server.alpha_s", dense, "1e-3", STEP, +1},
    {"fleet.server.base_s", dense, "1e-3", STEP, +1},
    {"fleet.server.pod_servers", cubes, "8", STEP, -1},
    {"fleet.server.host_w", dense, "9000", ENERGY, +1},
    {"fleet.fabric.port_byte_per_s", dense, "5e9", STEP, +1},
    {"fleet.fabric.efficiency", dense, "0.1", STEP, +1},
    {"fleet.fabric.alpha_s", dense, "1e-2", STEP, +1},
    {"fleet.fabric.base_s", dense, "1e-2", STEP, +1},
    {"fleet.fabric.leaf_servers", dense, "1", STEP, +1},
    {"fleet.fabric.oversubscription", dense, "50", STEP, +1},
    {"fleet.fabric.site_servers", sites, "16", STEP, -1},
    {"fleet.fabric.site_byte_per_s", sites, "1e12", STEP, -1},
    {"fleet.fabric.site_alpha_s", sites, "1", STEP, +1},
    {"fleet.fabric.switch_w_per_chip", dense, "500", ENERGY, +1},
    {"fleet.site.pue", dense, "2", ENERGY, +1},
    {"fleet.site.usd_per_mwh", dense, "500", COST, +1},
    {"fleet.site.capital_usd_per_chip", dense, "100000", COST, +1},
    {"fleet.site.lifetime_years", dense, "2", COST, +1},
    {"fleet.site.site_usd_per_w", dense, "1", COST, +1}, /* the site lasts longer than the rest */
    {"fleet.site.site_lifetime_years", dense, "2", COST, +1},
    {"fleet.site.utilisation", dense, "0.5", COST, +1},
    {"fleet.site.staff_usd_per_chip_year", dense, "5000", COST, +1},
    {"fleet.variation.power_sigma", dense, "0.05", ENERGY, 0},
    {"fleet.variation.chip_sigma", dense, "0.05", STEP, +1},
    {"fleet.variation.chip_clip", dense, "0", STEP, -1},
    {"fleet.variation.slow_share", dense, "0.5", STEP, +1},
    {"fleet.variation.drift_sigma", dense, "0.1", STEP, +1},
    {"fleet.variation.drift_steps", dense, "1", STEP, 0},
    {"fleet.variation.step_sigma", dense, "0.1", STEP, +1},
    {"fleet.variation.draw_steps", dense, "2", STEP, 0},
    {"model.layers", dense, "64", STEP, +1},
    {"model.hidden", dense, "12288", STEP, +1},
    {"model.heads", mixture, "256", STEP, +1},
    {"model.kv_heads", dense, "8", STEP, -1},
    {"model.head_dim", dense, "256", STEP, +1},
    {"model.ffn", dense, "49152", STEP, +1},
    {"model.vocab", dense, "256000", STEP, +1},
    {"model.kv_rank", mixture, "4096", STEP, +1},
    {"model.q_rank", mixture, "6144", STEP, +1},
    {"model.rope_dim", mixture, "256", STEP, +1},
    {"model.experts", mixture, "512", MEMORY, +1},
    {"model.topk", mixture, "16", STEP, +1},
    {"model.shared_experts", mixture, "4", STEP, +1},
    {"model.first_dense_layers", mixture, "1", STEP, +1},
    {"model.dense_ffn", mixture, "36864", STEP, +1},
    {"model.expert_imbalance", mixture, "4", STEP, +1},
    {"model.expert_groups", once, "16", STEP, -1},
    {"model.topk_groups", once, "1", STEP, -1},
    {"model.image", vision, "448", STEP, +1},
    {"model.patch", vision, "14", STEP, +1},
    {"model.tables", recommender, "52", STEP, +1},
    {"model.lookups", recommender, "1000", STEP, +1},
    {"model.dense_features", recommender, "4096", STEP, +1},
    {"model.dense_features", operator, "130", STEP, +1},
    {"model.grid", operator, "64x64x80", STEP, +1},
    {"model.modes", operator, "16x16x16", STEP, +1},
    {"seq_len", dense, "4096", STEP, +1},
    {"micro_batch_size", dense, "2", MEMORY, +1},
    {"global_batch_size", dense, "128", STEP, +1},
    {"parallel.tp", dense, "2", MEMORY, +1},
    {"parallel.cp", dense, "1", MEMORY, +1},
    {"parallel.ep", mixture, "8", MEMORY, +1},
    {"parallel.etp", mixture, "2", STEP, 0},
    {"parallel.pp", dense, "2", MEMORY, 0},
    {"parallel.vpp", dense, "4", STEP, 0},
    {"parallel.dp", dense, "2", STEP, +1},
    {"parallel.zero_stage", fsdp, "1", MEMORY, +1},
    {"parallel.zero_group", fsdp, "8", MEMORY, +1},
    {"parallel.grad_bytes", dense, "2", STEP, -1},
    {"parallel.buckets", dense8, "1", STEP, +1},
#include "unit/sensitivity_memory.def"
    {"stack.gemm", dense, "0.5", STEP, +1},
    {"stack.gemm_8bit", dense8, "0.5", STEP, +1},
    {"stack.gemm_4bit", fp4, "0.3", STEP, +1},
    {"stack.grouped_gemm", mixture, "0.3", STEP, +1},
    {"stack.grouped_gemm_8bit", mixture8, "0.3", STEP, +1},
    {"stack.attention", dense, "0.5", STEP, +1},
    {"stack.attention_backward", dense, "0.4", STEP, +1},
    {"stack.attention_half_seq", dense, "4000", STEP, +1},
    {"stack.elementwise", dense, "5", STEP, +1},
    {"stack.permute_scan", mixture, "1", STEP, +1},
    {"stack.cast_bytes", dense8, "16", STEP, +1},
    {"stack.cast_kernels", dense8, "20", STEP, +1},
    {"stack.loss_bytes", dense, "200", STEP, +1},
    {"stack.optimizer_bytes", dense, "500", STEP, +1},
    {"stack.launch_s", dense, "1e-4", STEP, +1},
    {"stack.step_s", dense, "1", STEP, +1},
    {"stack.wait_s", dense, "1", STEP, +1},
    {"stack.level", dense, "2", STEP, +1},
    {"stack.overlap", fsdp, "0.1", STEP, +1},
    {"stack.interference", fsdp, "1", STEP, +1},
    {"stack.collective", dense, "0.2", STEP, +1},
};

typedef struct result {
    double value[MEASURES];
} result;

static result run(const char *const *base, const char *change)
{
    muir_scenario s;
    muir_fleet_clock *clock = NULL;
    muir_ctx *ctx = muir_test_ctx();
    result r = {{0.0}};
    const muir_status st = try_scenario(NULL, base, KEYS(change), &s);
    if (st != MUIR_OK) fprintf(stderr, "%s: %s\n", change ? change : "base", ctx->message);
    CU_ASSERT_EQUAL(st, MUIR_OK);
    if (st != MUIR_OK) return r;
    CU_ASSERT_EQUAL_FATAL(muir_fleet_clock_create(ctx, &s, &clock), MUIR_OK);
    for (int step = 0; step < STEPS; step++) {
        muir_fleet_row row;
        muir_rank_row rank;
        CU_ASSERT_EQUAL_FATAL(muir_fleet_clock_step(ctx, clock, 100 + step, 0, &row, &rank, NULL), MUIR_OK);
        r.value[STEP] += row.step_s;
        r.value[ENERGY] += row.energy_j;
        r.value[COST] += row.cost_usd;
    }
    muir_memory memory;
    CU_ASSERT_EQUAL_FATAL(muir_scenario_memory(ctx, &s, muir_fleet_clock_program(clock), &memory), MUIR_OK);
    r.value[MEMORY] = memory.total;
    muir_fleet_clock_destroy(&clock);
    return r;
}

static void every_key_moves_what_it_should(void)
{
    static const char *const names[] = {"step", "memory", "energy", "cost"};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char change[200];
        snprintf(change, sizeof change, "%s=%s", table[i].key, table[i].value);
        const result before = run(table[i].base, NULL), after = run(table[i].base, change);
        const double ratio = after.value[table[i].moves] / before.value[table[i].moves] - 1.0;
        const bool is_right = table[i].way == 0 ? ratio != 0.0 : ratio * table[i].way > 0.0;
        if (!is_right) fprintf(stderr, "%s moves the %s by %g\n", change, names[table[i].moves], ratio);
        CU_ASSERT(is_right);
    }
}

/* Whether an exemption, a key or a prefix that ends in a dot, is about this key. */
static bool exempts(size_t i, const char *key)
{
    const size_t n = strlen(still[i][0]);
    return still[i][0][n - 1] == '.' ? strncmp(still[i][0], key, n) == 0 : strcmp(still[i][0], key) == 0;
}

static bool is_listed(const char *key)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strcmp(table[i].key, key) == 0) return true;
    for (size_t i = 0; i < sizeof still / sizeof still[0]; i++)
        if (exempts(i, key)) return true;
    return false;
}

static bool is_numeric(const muir_option *option)
{
    return option->type == MUIR_OPTION_INT || option->type == MUIR_OPTION_AUTO ||
           option->type == MUIR_OPTION_FLOAT;
}

/* Every numeric key, and every exemption is about some. */
static void every_numeric_key_is_in_the_table(void)
{
    muir_input_key key = {.input = NULL};
    bool is_used[sizeof still / sizeof still[0]] = {false}, is_key[sizeof table / sizeof table[0]] = {false};
    while (muir_input_next(&key)) {
        for (size_t r = 0; r < sizeof table / sizeof table[0]; r++)
            is_key[r] |= strcmp(table[r].key, key.name) == 0;
        if (!is_numeric(key.option)) continue;
        for (size_t e = 0; e < sizeof still / sizeof still[0]; e++) is_used[e] |= exempts(e, key.name);
        if (!is_listed(key.name))
            fprintf(stderr, "%s is in no table of tests/unit/test_sensitivity.c\n", key.name);
        CU_ASSERT(is_listed(key.name));
    }
    for (size_t e = 0; e < sizeof still / sizeof still[0]; e++) {
        if (!is_used[e]) fprintf(stderr, "%s exempts no numeric key\n", still[e][0]);
        CU_ASSERT(is_used[e]);
    }
    for (size_t r = 0; r < sizeof table / sizeof table[0]; r++) {
        if (!is_key[r]) fprintf(stderr, "%s is no key\n", table[r].key);
        CU_ASSERT(is_key[r]);
    }
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"every key moves what it should", every_key_moves_what_it_should},
        {"every numeric key is in the table", every_numeric_key_is_in_the_table},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "sensitivity", tests);
}
