/* SPDX-License-Identifier: BSD-3-Clause */
/* A scenario's layout in the words of a framework, by the table that reads them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/launch.h"

enum { MOST_WRITTEN = 128, VALUE = 128 };

typedef struct writer {
    int style;
    const muir_scenario *scenario;
    FILE *out;
    const char *done[MOST_WRITTEN]; /* keys that have been written */
    int n_done;
    char section[96]; /* of a TOML file, that is open */
} writer;

int muir_launch_find(const char *name)
{
    if (strcmp(name, "megatron") == 0) return MUIR_LAUNCH_MEGATRON;
    return strcmp(name, "torchtitan") == 0 ? MUIR_LAUNCH_TITAN : 0;
}

/* The scenario's value of a key, as a user would write it; false where the key is none.
 * value  out  [VALUE] */
static bool value_of(const writer *w, const char *key, char *value)
{
    const bool is_model = strncmp(key, "model.", 6) == 0;
    const muir_schema *schema = is_model ? &muir_model_schema : &muir_scenario_schema;
    const void *file = is_model ? (const void *)&w->scenario->job.model : (const void *)w->scenario;
    const muir_section *section = NULL;
    const muir_option *option = muir_schema_find(schema, is_model ? key + 6 : key, &section);
    if (!option) return false;
    muir_option_get(section, option, file, value, VALUE);
    return true;
}

/* Theirs for ours, or NULL: they have no word for it.
 * theirs  out  [VALUE] */
static const char *untranslate(const char *values, const char *ours, char *theirs)
{
    if (values[0] == '\0') return ours;
    for (const char *at = values; at && *at; at = strchr(at, '|')) {
        if (*at == '|') at++;
        const char *equals = strchr(at, '=');
        const size_t length = strcspn(equals + 1, "|");
        if (*at == '*' || strlen(ours) != length || strncmp(equals + 1, ours, length) != 0) continue;
        snprintf(theirs, VALUE, "%.*s", (int)(equals - at), at);
        return theirs;
    }
    return NULL;
}

static bool is_done(const writer *w, const char *key)
{
    for (int i = 0; i < w->n_done; i++)
        if (strcmp(w->done[i], key) == 0) return true;
    return false;
}

static void put_word(writer *w, const char *word, const char *value)
{
    char name[96];
    if (w->style == MUIR_LAUNCH_MEGATRON) {
        fprintf(w->out, " \\\n    --%s%s%s", word, value[0] ? " " : "", value);
        return;
    }
    const char *dot = strchr(word, '.');
    const size_t length = (size_t)(dot - word);
    snprintf(name, sizeof name, "%.*s", (int)length, word);
    for (char *c = name; *c; c++)
        if (*c == '-') *c = '_';
    if (strcmp(name, w->section) != 0) fprintf(w->out, "%s[%s]\n", w->section[0] ? "\n" : "", name);
    snprintf(w->section, sizeof w->section, "%s", name);
    snprintf(name, sizeof name, "%s", dot + 1);
    for (char *c = name; *c; c++)
        if (*c == '-') *c = '_';
    const bool is_plain = strspn(value, "0123456789-") == strlen(value) || strcmp(value, "true") == 0 ||
                          strcmp(value, "false") == 0;
    fprintf(w->out, is_plain ? "%s = %s\n" : "%s = \"%s\"\n", name, value);
}

/* Whether a key is at muir's default, so that a framework that lacks the word loses nothing. */
static bool is_auto(const char *key, const char *ours)
{
    return strcmp(ours, "auto") == 0 || (strcmp(key, "parallel.etp") == 0 && strcmp(ours, "0") == 0);
}

static void put_row(writer *w, const muir_launch_row *row)
{
    char ours[VALUE], theirs[VALUE];
    if (!(row->styles & w->style) || row->key[0] == '\0' || is_done(w, row->key)) return;
    if (!value_of(w, row->key, ours) || is_auto(row->key, ours)) return;
    if (w->scenario->job.model.experts == 0 &&
        (strstr(row->key, "expert") || strcmp(row->key, "model.topk") == 0 ||
         strcmp(row->key, "parallel.ep") == 0))
        return;
    if (strcmp(ours, "0") == 0 && strncmp(row->key, "model.", 6) == 0) return;
    const bool is_absent = strcmp(ours, row->absent) == 0;
    const char *word = untranslate(row->values, ours, theirs);
    if (!word && !is_absent) return;
    if (w->n_done < MOST_WRITTEN) w->done[w->n_done++] = row->key;
    if (!is_absent) put_word(w, row->word, word);
}

/* Mixtures: experts have their own width, and dense layers in front are a list. */
static void put_experts(writer *w)
{
    const muir_model *m = &w->scenario->job.model;
    char text[VALUE];
    if (m->experts == 0) return;
    snprintf(text, sizeof text, "%lld", (long long)m->ffn);
    put_word(w, "moe-ffn-hidden-size", text);
    if (m->shared_experts > 0) {
        snprintf(text, sizeof text, "%lld", (long long)(m->shared_experts * m->ffn));
        put_word(w, "moe-shared-expert-intermediate-size", text);
    }
    if (m->first_dense_layers > 0) {
        snprintf(text, sizeof text, "%lld", (long long)m->dense_ffn);
        put_word(w, "ffn-hidden-size", text);
        snprintf(text, sizeof text, "\"([0]*%lld+[1]*%lld)\"", (long long)m->first_dense_layers,
                 (long long)(m->layers - m->first_dense_layers));
        put_word(w, "moe-layer-freq", text);
        w->done[w->n_done++] = "model.ffn";
    }
}

static void put_megatron(writer *w)
{
    const muir_scenario *s = w->scenario;
    const long long chips = (long long)muir_job_chips(&s->job);
    const long long each = s->fleet.server.chips < chips ? (long long)s->fleet.server.chips : chips;
    fprintf(w->out, "torchrun --nnodes %lld --nproc-per-node %lld pretrain_gpt.py", chips / each, each);
    put_experts(w);
    if (s->job.model.kv_heads != s->job.model.heads && s->job.model.kv_rank == 0)
        put_word(w, "group-query-attention", "");
    if (s->job.model.kv_rank > 0) put_word(w, "multi-latent-attention", "");
    if (s->job.parallel.zero_stage > 1) put_word(w, "use-megatron-fsdp", "");
    if (s->job.batch.precision != MUIR_PRECISION_FP16 && s->job.batch.precision != MUIR_PRECISION_BF16)
        put_word(w, "bf16", "");
    if (s->job.batch.precision == MUIR_PRECISION_FP8) put_word(w, "fp8-format", "hybrid");
    if (s->job.batch.precision == MUIR_PRECISION_NVFP4) put_word(w, "fp4-format", "e2m1");
    for (int i = 0; i < muir_launch_row_count(); i++) put_row(w, muir_launch_row_at(i));
    fprintf(w->out, "\n");
}

/* Rows by section, each section once. */
static void put_titan(writer *w)
{
    static const char *const sections[] = {"parallelism.", "training.", "activation-checkpoint."};
    const muir_job *job = &w->scenario->job;
    char text[VALUE];
    const int64_t shard = job->parallel.zero_group > 0 ? job->parallel.zero_group : job->parallel.dp;
    const bool is_sharded = job->parallel.zero_stage >= 2;
    fprintf(w->out, "# model %s\n", w->scenario->run.model);
    for (size_t s = 0; s < sizeof sections / sizeof sections[0]; s++) {
        for (int i = 0; i < muir_launch_row_count(); i++)
            if (strncmp(muir_launch_row_at(i)->word, sections[s], strlen(sections[s])) == 0)
                put_row(w, muir_launch_row_at(i));
        if (s == 0) {
            snprintf(text, sizeof text, "%lld", (long long)(is_sharded ? shard : 1));
            put_word(w, "parallelism.data-parallel-shard-degree", text);
            snprintf(text, sizeof text, "%lld", (long long)(job->parallel.dp / (is_sharded ? shard : 1)));
            put_word(w, "parallelism.data-parallel-replicate-degree", text);
            put_word(w, "parallelism.fsdp-reshard-after-forward",
                     job->parallel.zero_stage == 3 ? "always" : "never");
            snprintf(text, sizeof text, "%lld", (long long)job->batch.micro_batch_size);
            if (job->parallel.pp > 1) put_word(w, "parallelism.pipeline-parallel-microbatch-size", text);
        } else if (s == 1) {
            const int64_t local = job->parallel.pp > 1 ? job->batch.global_batch_size / job->parallel.dp
                                                       : job->batch.micro_batch_size;
            snprintf(text, sizeof text, "%lld", (long long)local);
            put_word(w, "training.local-batch-size", text);
            snprintf(text, sizeof text, "%lld", (long long)job->batch.global_batch_size);
            put_word(w, "training.global-batch-size", text);
        }
    }
}

/* What the framework has no word for. */
static void put_comments(writer *w)
{
    static const char *const keys[] = {
        "parallel.schedule",    "parallel.zero_stage", "parallel.zero_group",
        "parallel.cp_exchange", "parallel.recompute",  "parallel.order",
        "parallel.vpp",         "precision",           "parallel.sequence_parallel"};
    static const char *const usual[] = {"1f1b", "", "auto", "ring", "", "tp-cp-dp-pp", "1", "bf16", "true"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        char ours[VALUE];
        if (is_done(w, keys[i]) || !value_of(w, keys[i], ours) || strcmp(ours, usual[i]) == 0) continue;
        const bool is_implied = strcmp(ours, "interleaved") == 0 && w->style == MUIR_LAUNCH_MEGATRON;
        const bool is_titan = w->style == MUIR_LAUNCH_TITAN &&
                              (strncmp(keys[i], "parallel.zero", 13) == 0 || strcmp(ours, "2") == 0);
        const bool is_megatron =
            w->style == MUIR_LAUNCH_MEGATRON &&
            (strcmp(ours, "none") == 0 || strcmp(ours, "fp8") == 0 || strcmp(ours, "nvfp4") == 0);
        if (!is_implied && !is_titan && !is_megatron) fprintf(w->out, "# no word for %s=%s\n", keys[i], ours);
    }
}

muir_status muir_launch_write(muir_ctx *ctx, int style, const muir_scenario *scenario, char **text)
{
    char *buffer = NULL;
    size_t size = 0;
    writer w = {.style = style, .scenario = scenario};
    if (style != MUIR_LAUNCH_MEGATRON && style != MUIR_LAUNCH_TITAN)
        return muir_fail(ctx, MUIR_ERR_ARG, "launch lines are written for megatron and torchtitan only");
    w.out = open_memstream(&buffer, &size);
    if (!w.out) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for a launch line");
    if (style == MUIR_LAUNCH_MEGATRON)
        put_megatron(&w);
    else
        put_titan(&w);
    put_comments(&w);
    if (fclose(w.out) != 0) {
        free(buffer);
        return muir_fail(ctx, MUIR_ERR_MEM, "no memory for a launch line");
    }
    *text = buffer;
    return MUIR_OK;
}
