/* SPDX-License-Identifier: BSD-3-Clause */
/* What a framework says in its own way, or leaves to a rule: numbers that follow from several words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/launch.h"
#include "scenario/catalogue.h"

#define MODEL(theirs, ours) {theirs, ours},
static const struct {
    const char *theirs, *ours;
} models[] = {
#include "import/launch_models.def"
};

const char *muir_launch_model(const char *name)
{
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++)
        if (strcmp(models[i].theirs, name) == 0) return models[i].ours;
    return NULL;
}

static long long number(const muir_import *found, const char *key, long long otherwise)
{
    const char *value = muir_import_value(found, key);
    char *end = NULL;
    const long long n = value ? strtoll(value, &end, 10) : 0;
    return value && end != value && n > 0 && n < 1000000000000 ? n : otherwise;
}

/* Dense layers in front: [0]*3+[1]*58, as Megatron-LM writes which layers have experts. */
static long long leading_dense(const char *frequency)
{
    long long n = 0;
    const char *zeros = frequency ? strstr(frequency, "[0]*") : NULL;
    if (zeros && (n = strtoll(zeros + 4, NULL, 10)) > 0 && n < 100000) return n;
    return 0;
}

static muir_status complete_experts(muir_ctx *ctx, muir_pairs *pairs, muir_import *found)
{
    muir_status st = MUIR_OK;
    const long long ffn = number(found, "model.ffn", 0);
    const long long wide = muir_pairs_int(pairs, "ffn-hidden-size", 0),
                    shared = muir_pairs_int(pairs, "moe-shared-expert-intermediate-size", 0),
                    first = leading_dense(muir_pairs_get(pairs, "moe-layer-freq"));
    if (!muir_import_value(found, "model.topk"))
        MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_DERIVED, "model.topk", "2", "Megatron-LM's default"));
    if (shared > 0 && ffn > 0 && shared % ffn == 0)
        MUIR_TRY(muir_import_note_int(ctx, found, MUIR_NOTE_DERIVED, "model.shared_experts", shared / ffn,
                                      "moe-shared-expert-intermediate-size / moe-ffn-hidden-size"));
    else if (shared > 0)
        MUIR_TRY(muir_import_note(
            ctx, found, MUIR_NOTE_UNKNOWN, "", "",
            "moe-shared-expert-intermediate-size %lld is not a multiple of an expert's %lld", shared, ffn));
    if (first > 0 && wide > 0) {
        MUIR_TRY(muir_import_note_int(ctx, found, MUIR_NOTE_TAKEN, "model.first_dense_layers", first,
                                      "moe-layer-freq"));
        MUIR_TRY(
            muir_import_note_int(ctx, found, MUIR_NOTE_TAKEN, "model.dense_ffn", wide, "ffn-hidden-size"));
    }
done:
    return st;
}

/* What a model file needs and the words leave to rules. */
static muir_status complete_model(muir_ctx *ctx, int style, muir_pairs *pairs, muir_import *found)
{
    muir_status st = MUIR_OK;
    const bool is_mixture = number(found, "model.experts", 0) > 0;
    const long long hidden = number(found, "model.hidden", 0);
    const char *mlp = muir_import_value(found, "model.mlp");
    if (!muir_import_value(found, "model.layers") || hidden == 0) return MUIR_OK;
    MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_DERIVED, "model.family",
                              is_mixture ? "moe_transformer" : "dense_transformer", "%s experts",
                              is_mixture ? "it has" : "it has no"));
    if (!mlp) {
        MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_ASSUMED, "model.mlp", "swiglu", "not said"));
        mlp = "swiglu";
    }
    if (!muir_import_value(found, "model.ffn")) {
        const bool is_gated = strcmp(mlp, "swiglu") == 0 && style == MUIR_LAUNCH_MEGATRON;
        MUIR_TRY(muir_import_note_int(ctx, found, MUIR_NOTE_DERIVED, "model.ffn",
                                      is_gated ? 4 * hidden * 2 / 3 / 64 * 64 : 4 * hidden,
                                      is_gated ? "two thirds of 4 times the hidden size, in multiples of 64"
                                               : "4 times the hidden size"));
    }
    if (!muir_import_value(found, "model.vocab"))
        MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_ASSUMED, "model.vocab", "51200",
                                  "not said: GPT-2's 50,257, padded for 8 chips; vocab-size says better"));
    if (is_mixture) MUIR_TRY(complete_experts(ctx, pairs, found));
done:
    return st;
}

static muir_status complete_pipeline(muir_ctx *ctx, muir_pairs *pairs, muir_import *found)
{
    muir_status st = MUIR_OK;
    const long long pp = number(found, "parallel.pp", 1), layers = number(found, "model.layers", 0);
    const long long per_chunk = muir_pairs_int(pairs, "num-layers-per-virtual-pipeline-stage", 0);
    if (per_chunk > 0 && layers > 0 && layers % (pp * per_chunk) == 0)
        MUIR_TRY(muir_import_note_int(ctx, found, MUIR_NOTE_DERIVED, "parallel.vpp",
                                      layers / (pp * per_chunk),
                                      "layers / pp / num-layers-per-virtual-pipeline-stage"));
    else if (per_chunk > 0)
        MUIR_TRY(
            muir_import_note(ctx, found, MUIR_NOTE_UNKNOWN, "", "",
                             "num-layers-per-virtual-pipeline-stage %lld with %lld layers in %lld stages",
                             per_chunk, layers, pp));
    if (number(found, "parallel.vpp", 1) > 1)
        MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_DERIVED, "parallel.schedule", "interleaved",
                                  "vpp above 1"));
done:
    return st;
}

/* Replicas, where the words say how many chips there are. */
static muir_status complete_replicas(muir_ctx *ctx, muir_pairs *pairs, muir_import *found)
{
    long long nodes = muir_pairs_int(pairs, "nnodes", 0), each = muir_pairs_int(pairs, "nproc-per-node", 0);
    if (nodes == 0) nodes = muir_pairs_int(pairs, "num-nodes", 0);
    if (each == 0) each = muir_pairs_int(pairs, "devices", 0);
    const long long chips = nodes * each;
    const long long replica =
        number(found, "parallel.tp", 1) * number(found, "parallel.cp", 1) * number(found, "parallel.pp", 1);
    if (chips <= 0) return MUIR_OK;
    if (chips % replica != 0)
        return muir_import_note(ctx, found, MUIR_NOTE_UNKNOWN, "", "",
                                "%lld chips of %lld nodes are no multiple of tp x cp x pp = %lld", chips,
                                nodes, replica);
    return muir_import_note_int(ctx, found, MUIR_NOTE_DERIVED, "parallel.dp", chips / replica,
                                "nodes x chips of a node / (tp x cp x pp)");
}

static muir_status complete_megatron(muir_ctx *ctx, int style, muir_pairs *pairs, muir_import *found)
{
    muir_status st = MUIR_OK;
    const char *precision = muir_import_value(found, "precision");
    const bool is_fsdp =
        muir_pairs_get(pairs, "use-megatron-fsdp") || muir_pairs_get(pairs, "use-torch-fsdp2");
    if (is_fsdp && !muir_pairs_get(pairs, "data-parallel-sharding-strategy") &&
        muir_pairs_get(pairs, "use-torch-fsdp2"))
        MUIR_TRY(
            muir_import_note(ctx, found, MUIR_NOTE_DERIVED, "parallel.zero_stage", "3", "use-torch-fsdp2"));
    MUIR_TRY(complete_model(ctx, style, pairs, found));
    MUIR_TRY(complete_pipeline(ctx, pairs, found));
    MUIR_TRY(complete_replicas(ctx, pairs, found));
    if (style != MUIR_LAUNCH_MEGATRON) return MUIR_OK;
    if (!muir_import_value(found, "parallel.recompute"))
        MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_DERIVED, "parallel.recompute", "none",
                                  "no recompute-granularity"));
    if (!muir_import_value(found, "parallel.grad_bytes")) {
        const bool is_fp16 = precision && strcmp(precision, "fp16") == 0;
        MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_DERIVED, "parallel.grad_bytes", is_fp16 ? "2" : "4",
                                  is_fp16 ? "fp16 without accumulate-allreduce-grads-in-fp32"
                                          : "Megatron-LM's default with bf16"));
    }
    if (!precision)
        MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_ASSUMED, "precision", "bf16",
                                  "neither bf16 nor fp16 is said, and fp32 is not modelled"));
done:
    return st;
}

muir_status muir_launch_complete(muir_ctx *ctx, int style, const muir_import_source *source,
                                 muir_pairs *pairs, muir_import *found)
{
    switch (style) {
    case MUIR_LAUNCH_TITAN: return muir_launch_complete_titan(ctx, source, pairs, found);
    case MUIR_LAUNCH_MAXTEXT: return muir_launch_complete_maxtext(ctx, source, pairs, found);
    case MUIR_LAUNCH_SPEED: return muir_launch_complete_speed(ctx, pairs, found);
    default: return complete_megatron(ctx, style, pairs, found);
    }
}
