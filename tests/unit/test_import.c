/* SPDX-License-Identifier: BSD-3-Clause */
/* Launch lines written from a scenario are read back to the same keys. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "import/launch.h"
#include "programs.h"

/* Keys that both styles carry; a key with the value "" is not compared. */
static const char *const megatron_keys[] = {"parallel.tp",
                                            "parallel.cp",
                                            "parallel.pp",
                                            "parallel.vpp",
                                            "parallel.dp",
                                            "parallel.ep",
                                            "parallel.zero_stage",
                                            "parallel.recompute",
                                            "parallel.sequence_parallel",
                                            "parallel.overlap_grad_reduce",
                                            "parallel.overlap_param_gather",
                                            "parallel.overlap_tp",
                                            "micro_batch_size",
                                            "global_batch_size",
                                            "seq_len",
                                            "precision",
                                            "model.layers",
                                            "model.hidden",
                                            "model.heads",
                                            "model.kv_heads",
                                            "model.ffn",
                                            "model.mlp",
                                            "model.vocab",
                                            "model.tied_embedding",
                                            "model.experts",
                                            "model.topk",
                                            "model.shared_experts",
                                            "model.first_dense_layers",
                                            "model.dense_ffn",
                                            NULL};
static const char *const titan_keys[] = {"parallel.tp",
                                         "parallel.cp",
                                         "parallel.pp",
                                         "parallel.dp",
                                         "parallel.zero_stage",
                                         "parallel.recompute",
                                         "parallel.schedule",
                                         "parallel.cp_exchange",
                                         "parallel.overlap_tp",
                                         "micro_batch_size",
                                         "global_batch_size",
                                         "seq_len",
                                         NULL};

static void value_of(const muir_scenario *s, const char *key, char *value, size_t size)
{
    const bool is_model = strncmp(key, "model.", 6) == 0;
    const muir_section *section = NULL;
    const muir_option *option = muir_schema_find(is_model ? &muir_model_schema : &muir_scenario_schema,
                                                 is_model ? key + 6 : key, &section);
    CU_ASSERT_PTR_NOT_NULL_FATAL(option);
    muir_option_get(section, option, is_model ? (const void *)&s->job.model : (const void *)s, value, size);
}

/* What a reader takes for a key that a launch line leaves out. */
static const char *absent(const char *key)
{
    static const char *const ones[] = {"parallel.tp", "parallel.cp", "parallel.pp", "parallel.vpp",
                                       "parallel.ep"};
    for (size_t i = 0; i < sizeof ones / sizeof ones[0]; i++)
        if (strcmp(ones[i], key) == 0) return "1";
    return "0";
}

static void compare(const muir_scenario *s, const muir_import *found, const char *const *keys)
{
    for (int i = 0; keys[i]; i++) {
        char ours[128];
        value_of(s, keys[i], ours, sizeof ours);
        const char *theirs = muir_import_value(found, keys[i]);
        if (!theirs) theirs = absent(keys[i]);
        if (strcmp(ours, theirs) != 0) fprintf(stderr, "%s: %s, read back as %s\n", keys[i], ours, theirs);
        CU_ASSERT_STRING_EQUAL(ours, theirs);
    }
}

static void write_and_read(const muir_scenario *s, const char *style, const char *ending,
                           const char *const *keys)
{
    char *text = NULL, path[] = "/tmp/muir-launch-XXXXXX.toml";
    muir_import found = {.notes = NULL};
    muir_import_source source = {.path = path};
    CU_ASSERT_EQUAL_FATAL(muir_launch_write(muir_test_ctx(), muir_launch_find(style), s, &text), MUIR_OK);
    const int file = mkstemps(path, (int)strlen(ending));
    CU_ASSERT_FATAL(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text));
    close(file);
    const muir_importer *importer = muir_importer_find(style);
    muir_status st = muir_import_open(muir_test_ctx(), importer, &source);
    if (st == MUIR_OK) st = importer->read(muir_test_ctx(), &source, &found);
    if (st != MUIR_OK) fprintf(stderr, "%s\n%s\n", muir_test_ctx()->message, text);
    CU_ASSERT_EQUAL(st, MUIR_OK);
    for (int i = 0; i < found.n; i++)
        if (found.notes[i].kind == MUIR_NOTE_UNKNOWN && strncmp(found.notes[i].why, "the ", 4) != 0)
            CU_FAIL("a word that muir writes is not understood");
    compare(s, &found, keys);
    muir_import_free(&found);
    muir_import_close(&source);
    unlink(path);
    free(text);
}

static void megatron_arguments_are_read_back(void)
{
    const muir_scenario scenarios[] = {
        scenario_of("llama3-16k", NULL),
        scenario_of("gpt3-512-h100", NULL),
        scenario_of("rainier-1f1b", KEYS("parallel.recompute=full", "parallel.overlap_tp=true")),
        scenario_of("llama3-16k",
                    KEYS("model=deepseek-v3-671b", "parallel.tp=1", "parallel.pp=16", "parallel.cp=1",
                         "parallel.dp=128", "parallel.ep=64", "precision=fp8", "global_batch_size=15360",
                         "parallel.recompute=none", "seq_len=4096", "parallel.vpp=1",
                         "parallel.schedule=1f1b", "parallel.order=tp-cp-dp-pp")),
        scenario_of("gpt3-512-h100", KEYS("parallel.zero_stage=3", "precision=mxfp8")),
    };
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++)
        write_and_read(&scenarios[i], "megatron", ".toml", megatron_keys);
}

static void torchtitan_files_are_read_back(void)
{
    const muir_scenario scenarios[] = {
        scenario_of("gpt3-512-h100",
                    KEYS("parallel.zero_stage=3", "parallel.pp=1", "parallel.vpp=1", "parallel.schedule=1f1b",
                         "parallel.dp=64", "global_batch_size=1024")),
        scenario_of("gpt3-512-h100", KEYS("parallel.zero_stage=2", "parallel.recompute=full")),
    };
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++)
        write_and_read(&scenarios[i], "torchtitan", ".toml", titan_keys);
}

static void styles_that_are_only_read_are_refused(void)
{
    char *text = NULL;
    const muir_scenario s = scenario_of("tiny", NULL);
    CU_ASSERT_EQUAL(muir_launch_find("maxtext"), 0);
    muir_ctx_clear(muir_test_ctx());
    CU_ASSERT_EQUAL(muir_launch_write(muir_test_ctx(), MUIR_LAUNCH_MAXTEXT, &s, &text), MUIR_ERR_ARG);
    CU_ASSERT_PTR_NULL(text);
    muir_ctx_clear(muir_test_ctx());
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {{"megatron arguments are read back", megatron_arguments_are_read_back},
                           {"torchtitan files are read back", torchtitan_files_are_read_back},
                           {"styles that are only read are refused", styles_that_are_only_read_are_refused},
                           CU_TEST_INFO_NULL};
    return muir_test_main(argc, argv, "import", tests);
}
