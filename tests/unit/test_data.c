/* SPDX-License-Identifier: BSD-3-Clause */
/* Every chip, fleet, model and fault file in data/: it loads, says what it is and where its figures come
 * from. */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "models/program.h"
#include "programs.h"
#include "scenario/catalogue.h"
#include "scenario/scenario.h"

enum { SOURCE_MIN = 10, MODELS_MIN = 60 };

/* Loads the scenario `tiny` as a job of one chip with `key`=`name` put in; false if that fails. */
static bool load_on_one_chip(const char *key, const char *name, muir_scenario *scenario)
{
    char chosen[2 * MUIR_NAME_SIZE];
    snprintf(chosen, sizeof chosen, "%s=%s", key, name);
    const muir_status st = try_scenario("tiny",
                                        KEYS("parallel.tp=1", "parallel.pp=1", "parallel.dp=1",
                                             "global_batch_size=1", "micro_batch_size=1", "seq_len=auto"),
                                        KEYS(chosen), scenario);
    if (st != MUIR_OK) fprintf(stderr, "%s: %s\n", chosen, muir_test_ctx()->message);
    CU_ASSERT_EQUAL(st, MUIR_OK);
    return st == MUIR_OK;
}

static void check_texts(const char *name, const char *description, const char *source)
{
    const bool is_described = strlen(description) > 0 && strchr(description, '\n') == NULL;
    if (!is_described) fprintf(stderr, "%s: description '%s' is not one line\n", name, description);
    CU_ASSERT(is_described);
    if (strlen(source) < SOURCE_MIN) fprintf(stderr, "%s: source '%s' is too short\n", name, source);
    CU_ASSERT(strlen(source) >= SOURCE_MIN);
}

static void check_chip(const char *name)
{
    muir_scenario s;
    if (!load_on_one_chip("fleet.chip", name, &s)) return;
    CU_ASSERT_STRING_EQUAL(s.fleet.top.chip, name);
    check_texts(name, s.fleet.chip.description, s.fleet.chip.source);
}

static void check_fleet(const char *name)
{
    muir_scenario s;
    if (!load_on_one_chip("fleet", name, &s)) return;
    check_texts(name, s.fleet.top.description, s.fleet.top.source);
    check_texts(name, s.fleet.top.description, s.fleet.server.source);
    check_texts(name, s.fleet.top.description, s.fleet.fabric.source);
    check_texts(name, s.fleet.top.description, s.fleet.site.source);
}

static void check_model(const char *name)
{
    muir_scenario s;
    if (!load_on_one_chip("model", name, &s)) return;
    if (s.job.model.hypothetical) CU_ASSERT(strncmp(s.job.model.source, "made up", strlen("made up")) == 0);
    check_texts(name, s.job.model.description, s.job.model.source);
}

static void check_faults(const char *name)
{
    muir_scenario s;
    if (!load_on_one_chip("faults", name, &s)) return;
    check_texts(name, s.faults.top.description, s.faults.top.source);
}

static int check_all(const char *folder, void (*check)(const char *name))
{
    char **names = NULL;
    int n = 0;
    CU_ASSERT_EQUAL_FATAL(muir_catalogue_names(muir_test_ctx(), folder, &names, &n), MUIR_OK);
    for (int i = 0; i < n; i++) check(names[i]);
    muir_catalogue_free(&names, n);
    return n;
}

static void every_chip_loads(void)
{
    CU_ASSERT(check_all("chips", check_chip) > 0);
}

static void every_fleet_loads(void)
{
    CU_ASSERT(check_all("fleets", check_fleet) > 0);
}

static void every_fault_preset_loads(void)
{
    CU_ASSERT(check_all("faults", check_faults) >= 4);
}

static void every_model_loads(void)
{
    CU_ASSERT(check_all("models", check_model) >= MODELS_MIN);
}

/* Numbers of weights as the sources of published runs state them, most rounded to two digits. */
static const struct {
    const char *model;
    double params;
    const char *run;
} weights[] = {
    {"dlrm-criteo-1tb", 22.78e9, "91.10 GB of tables in fp32, TorchRec README"},
    {"dlrm-dcnv2", 26.15e9, "MLPerf DLRM-dcnv2, rows of its 26 tables"},
    {"gemma-3-12b", 12.0e9, "trillium-gemma3-12b-2x-v6e-256"},
    {"gpt-1.16b", 1.16e9, "mlm-sep20-v100-1.16B"},
    {"gpt-1008b", 1008.0e9, "sc21-t1-1008B"},
    {"gpt-145.6b", 145.6e9, "sc21-t1-145.6B"},
    {"gpt-18.4b", 18.4e9, "sc21-t1-18.4B"},
    {"gpt-22b", 22.0e9, "korth-t5-22B-full"},
    {"gpt-3.6b", 3.6e9, "sc21-t1-3.6B"},
    {"gpt-4.24b", 4.24e9, "mlm-sep20-a100-4.24B"},
    {"gpt-529.6b", 529.6e9, "sc21-t1-529.6B"},
    {"gpt-7.5b", 7.5e9, "sc21-t1-7.5B"},
    {"gpt-76.1b", 76.1e9, "sc21-t1-76.1B"},
    {"gpt-8.67b", 8.67e9, "mlm-sep20-v100-8.67B"},
    {"gpt-oss-120b", 116.8e9, "mbridge-26.08-pre-training-gb300-gpt-oss-120b-mxfp8-64-gbs1280"},
    {"gpt3-175b", 175.0e9, "korth-t5-175B-sel"},
    {"gpt3-23b", 23.0e9, "trn1-gpt3-23b-32n-sdk2.13.0"},
    {"gpt3-46b", 46.0e9, "trn1-gpt3-46b-32n-sdk2.13.0"},
    {"gpt3-5b", 5.0e9, "dgxc-v24.11.1-h100-gpt3-5b-fp8-32-paxml"},
    {"gpt3-6.7b", 6.7e9, "trn1-gpt3-6.7b-1n-sdk2.5.0a"},
    {"grok-1-314b", 314.0e9, "dgxc-v24.11.1-h100-grok-1-314b-bf16-1024"},
    {"kimi-k2", 1026.0e9, "mbridge-26.04.01-pre-training-gb300-kimi-k2-mxfp8-256-gbs4096"},
    {"llama-2-13b", 13.02e9, "trn1-llama2-13b-32n-nxd-sdk2.20.0"},
    {"llama-2-70b", 68.98e9, "trn1-llama2-70b-32n-nxd-sdk2.18.0"},
    {"llama-2-70b-axlearn", 68.98e9, "axlearn-trn2-70b-axlearn"},
    {"llama-2-7b", 6.74e9, "trn1-llama2-7b-16n-nxd-sdk2.15.0"},
    {"llama-3.1-8b", 8.03e9, "trn1-llama3.1-8b-32n-sdk2.20.0"},
    {"llama-4-maverick-400b", 400.0e9, "dgxc-v25.05.05-gb200-llama-4-maverick-400b-bf16-128"},
    {"llama3-405b", 405.85e9, "dgxc-v24.11.1-h100-llama-3.1-405b-bf16-2304"},
    {"llama3-70b", 70.55e9, "trn1-llama3.1-70b-32n-sdk2.20.0"},
    {"mistral-7b", 7.24e9, "trillium-mistral-7b"},
    {"mpt-125m", 0.1253e9, "foundry-a100-80gb-125m-s2048-8-gbs640-bf16"},
    {"mpt-13b", 12.854e9, "foundry-h100-80gb-13b-s2048-32-gbs64-bf16"},
    {"mpt-1b", 1.316e9, "foundry-h100-80gb-1b-s2048-512-gbs6144-bf16"},
    {"mpt-30b", 29.9752e9, "foundry-h100-80gb-30b-s2048-512-gbs4096-bf16"},
    {"mpt-350m", 0.3549e9, "foundry-a100-40gb-350m-s1024-8-gbs1024-bf16"},
    {"mpt-3b", 2.6518e9, "foundry-h100-80gb-3b-s2048-512-gbs4096-bf16"},
    {"mpt-70b", 64.8624e9, "foundry-h100-80gb-70b-s2048-256-gbs2048-bf16"},
    {"mpt-760m", 0.7605e9, "foundry-h100-80gb-760m-s2048-32-gbs768-bf16"},
    {"mpt-7b", 6.6589e9, "foundry-h100-80gb-7b-s2048-256-gbs1536-bf16"},
    {"nemotron-4-15b", 15.6e9, "dgxc-v24.11.1-h100-nemotron-4-15b-bf16-16"},
    {"nemotron-4-340b", 341.0e9, "dgxc-v24.11.1-h100-nemotron-4-340b-bf16-128"},
    {"qwen3-235b-a22b", 235.0e9, "mbridge-26.08-pre-training-gb300-qwen3-235b-a22b-mxfp8-256-gbs8192"},
    {"qwen3-30b-a3b", 30.5e9, "mbridge-26.08-pre-training-gb200-qwen3-30b-a3b-mxfp8-8-gbs512"},
    {"vit-22b", 21.743e9, "arXiv 2302.05442, table 1"},
    {"vit-b-16", 86.6e6, "torchvision, vit_b_16"},
    {"vit-g-14", 1843e6, "arXiv 2106.04560, table 2"},
    {"vit-h-14", 633.5e6, "torchvision, vit_h_14"},
    {"vit-l-16", 304.3e6, "torchvision, vit_l_16"},
};

static void weights_are_as_published(void)
{
    for (size_t i = 0; i < sizeof weights / sizeof weights[0]; i++) {
        muir_scenario s;
        muir_program *program = NULL;
        if (!load_on_one_chip("model", weights[i].model, &s)) continue;
        CU_ASSERT_EQUAL_FATAL(muir_program_create(muir_test_ctx(), &s.job, &program), MUIR_OK);
        const double ratio = program->params / weights[i].params;
        if (ratio < 0.97 || ratio > 1.03)
            fprintf(stderr, "%s: weights are %.3f of those of run %s\n", weights[i].model, ratio,
                    weights[i].run);
        CU_ASSERT_DOUBLE_EQUAL(ratio, 1.0, 0.03);
        muir_program_destroy(&program);
    }
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"every chip loads and has a source", every_chip_loads},
        {"every fleet loads and has sources", every_fleet_loads},
        {"every fault preset loads and has a source", every_fault_preset_loads},
        {"every model loads and has a source", every_model_loads},
        {"weights are as published", weights_are_as_published},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "data", tests);
}
