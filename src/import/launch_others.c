/* SPDX-License-Identifier: BSD-3-Clause */
/* torchtitan, MaxText and DeepSpeed: numbers that follow from several words of theirs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/launch.h"

static long long number(const muir_import *found, const char *key, long long otherwise)
{
    const char *value = muir_import_value(found, key);
    const long long n = value ? strtoll(value, NULL, 10) : 0;
    return n > 0 ? n : otherwise;
}

/* parallel.dp=... of the user, where the source leaves the number of chips open; 0: not given. */
static long long given_replicas(const muir_import_source *source)
{
    const char *value = muir_import_given(source, "parallel.dp");
    const long long n = value ? strtoll(value, NULL, 10) : 0;
    return n > 0 && n < 100000000 ? n : 0;
}

static muir_status take_model(muir_ctx *ctx, const char *name, muir_import *found)
{
    const char *ours = muir_launch_model(name);
    if (ours) return muir_import_note(ctx, found, MUIR_NOTE_DERIVED, "model", ours, "its name, %s", name);
    return muir_import_note(ctx, found, MUIR_NOTE_UNKNOWN, "", "",
                            "the model '%s': model=NAME says which it is", name);
}

static muir_status set_int(muir_ctx *ctx, muir_import *found, const char *key, long long value,
                           const char *why)
{
    return muir_import_note_int(ctx, found, MUIR_NOTE_DERIVED, key, value, why);
}

/* FSDP gathers weights for each use; torchtitan keeps them gathered under a pipeline by default. */
static muir_status titan_zero(muir_ctx *ctx, muir_pairs *pairs, muir_import *found, long long shard)
{
    const char *reshard = muir_pairs_get(pairs, "fsdp-reshard-after-forward");
    const bool is_default = !reshard || strcmp(reshard, "default") == 0;
    const bool is_kept = is_default ? number(found, "parallel.pp", 1) > 1 : strcmp(reshard, "never") == 0;
    if (shard == 1)
        return muir_import_note(ctx, found, MUIR_NOTE_DERIVED, "parallel.zero_stage", "0",
                                "nothing is sharded");
    return muir_import_note(ctx, found, MUIR_NOTE_DERIVED, "parallel.zero_stage", is_kept ? "2" : "3",
                            "FSDP, reshard_after_forward %s", is_default ? "by default" : reshard);
}

static muir_status titan_batch(muir_ctx *ctx, muir_pairs *pairs, muir_import *found, long long dp)
{
    muir_status st = MUIR_OK;
    const long long pp = number(found, "parallel.pp", 1);
    long long local = muir_pairs_int(pairs, "local-batch-size", 0);
    if (local == 0) local = muir_pairs_int(pairs, "training.batch-size", 0);
    long long micro = muir_pairs_int(pairs, "pipeline-parallel-microbatch-size", 1);
    if (local == 0) local = muir_pairs_int(pairs, "training.local-batch-size", 8);
    if (pp == 1) micro = local;
    MUIR_TRY(
        set_int(ctx, found, "micro_batch_size", micro,
                pp == 1 ? "training.local_batch_size" : "parallelism.pipeline_parallel_microbatch_size"));
    const long long global = number(found, "global_batch_size", 0);
    if (global == 0 && muir_import_value(found, "global_batch_size"))
        MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_DERIVED, "global_batch_size", "auto", "-1"));
    if (global == 0 && dp > 0)
        MUIR_TRY(
            set_int(ctx, found, "global_batch_size", dp * local, "replicas x training.local_batch_size"));
    else if (global == 0)
        MUIR_TRY(muir_import_note(
            ctx, found, MUIR_NOTE_UNKNOWN, "", "",
            "the global batch: %lld sequences for each of as many replicas as there are", local));
done:
    return st;
}

muir_status muir_launch_complete_titan(muir_ctx *ctx, const muir_import_source *source, muir_pairs *pairs,
                                       muir_import *found)
{
    muir_status st = MUIR_OK;
    char model[200];
    const char *name = muir_pairs_get(pairs, "model.name"), *flavor = muir_pairs_get(pairs, "model.flavor");
    const char *converters = muir_pairs_get(pairs, "model.converters");
    const long long shard = muir_pairs_int(pairs, "data-parallel-shard-degree", -1),
                    copies = muir_pairs_int(pairs, "data-parallel-replicate-degree", 1);
    const long long dp = shard > 0 ? shard * copies : given_replicas(source);
    if (name && flavor) {
        snprintf(model, sizeof model, "%.80s %.80s", name, flavor);
        MUIR_TRY(take_model(ctx, model, found));
    }
    if (converters)
        MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_TAKEN, "precision",
                                  strstr(converters, "mx") ? "mxfp8" : "fp8", "model.converters %s",
                                  converters));
    if (dp > 0)
        MUIR_TRY(set_int(ctx, found, "parallel.dp", dp,
                         "data_parallel_shard_degree x data_parallel_replicate_degree"));
    if (copies > 1 && shard > 0)
        MUIR_TRY(set_int(ctx, found, "parallel.zero_group", shard, "data_parallel_shard_degree"));
    MUIR_TRY(titan_zero(ctx, pairs, found, shard));
    MUIR_TRY(titan_batch(ctx, pairs, found, dp));
    const char *schedule = muir_import_value(found, "parallel.schedule");
    const bool has_chunks =
        schedule && (strcmp(schedule, "interleaved") == 0 || strcmp(schedule, "zb-v") == 0);
    if (has_chunks && number(found, "parallel.vpp", 1) == 1)
        MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_DERIVED, "parallel.vpp", "2",
                                  "two chunks of layers a stage, torchtitan's default"));
    muir_pairs_get(pairs, "compile.enable");
done:
    return st;
}

/* The product of an axis within a slice and across slices; -1 where it takes what is left. */
static long long maxtext_axis(muir_pairs *pairs, const char *name)
{
    char word[96];
    snprintf(word, sizeof word, "ici-%s-parallelism", name);
    const long long within = muir_pairs_int(pairs, word, 1);
    snprintf(word, sizeof word, "dcn-%s-parallelism", name);
    const long long across = muir_pairs_int(pairs, word, 1);
    return within < 0 || across < 0 ? -1 : within * across;
}

static muir_status maxtext_batch(muir_ctx *ctx, muir_pairs *pairs, muir_import *found, long long dp)
{
    const char *text = muir_pairs_get(pairs, "per-device-batch-size");
    const double each = text ? strtod(text, NULL) : 0.0;
    const double chips = (double)(number(found, "parallel.tp", 1) * number(found, "parallel.cp", 1) *
                                  number(found, "parallel.pp", 1));
    const double replica = each * chips;
    const long long pieces = muir_pairs_int(pairs, "gradient-accumulation-steps", 1);
    muir_status st = MUIR_OK;
    if (!(each > 0.0) || replica > 1e6) return MUIR_OK;
    if (replica < 1.0 || replica != floor(replica))
        return muir_import_note(ctx, found, MUIR_NOTE_UNKNOWN, "", "",
                                "per_device_batch_size %s gives a replica of %.0f chips no whole sequences",
                                text, chips);
    MUIR_TRY(set_int(ctx, found, "micro_batch_size", (long long)replica,
                     "per_device_batch_size x chips of a replica"));
    if (dp > 0)
        MUIR_TRY(set_int(ctx, found, "global_batch_size", (long long)replica * dp * (pieces > 0 ? pieces : 1),
                         "per_device_batch_size x chips x gradient_accumulation_steps"));
    else
        MUIR_TRY(muir_import_note(
            ctx, found, MUIR_NOTE_UNKNOWN, "", "",
            "the global batch: %s sequences for each of as many chips as there are (parallel.dp=N says it)",
            text));
done:
    return st;
}

muir_status muir_launch_complete_maxtext(muir_ctx *ctx, const muir_import_source *source, muir_pairs *pairs,
                                         muir_import *found)
{
    muir_status st = MUIR_OK;
    const struct {
        const char *name, *key;
    } axes[] = {{"tensor", "parallel.tp"},
                {"context", "parallel.cp"},
                {"expert", "parallel.ep"},
                {"pipeline", "parallel.pp"}};
    long long ep = 1;
    const char *name = muir_pairs_get(pairs, "model-name");
    for (size_t i = 0; i < sizeof axes / sizeof axes[0]; i++) {
        const long long size = maxtext_axis(pairs, axes[i].name);
        if (size > 1)
            MUIR_TRY(set_int(ctx, found, axes[i].key, size, "ici_ and dcn_ parallelism of the axis"));
        if (i == 2 && size > 1) ep = size;
    }
    const long long fsdp = maxtext_axis(pairs, "fsdp"), data = maxtext_axis(pairs, "data");
    const long long dp = fsdp > 0 && data > 0 ? fsdp * data * ep : given_replicas(source);
    if (dp > 0) MUIR_TRY(set_int(ctx, found, "parallel.dp", dp, "fsdp x data x expert parallelism"));
    MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_DERIVED, "parallel.zero_stage", fsdp == 1 ? "0" : "3",
                              fsdp == 1 ? "no fsdp" : "fsdp: weights are gathered for each use"));
    if (fsdp > 1 && data > 1)
        MUIR_TRY(set_int(ctx, found, "parallel.zero_group", fsdp * ep, "fsdp x expert parallelism"));
    if (name && strcmp(name, "default") != 0) MUIR_TRY(take_model(ctx, name, found));
    MUIR_TRY(maxtext_batch(ctx, pairs, found, dp));
    if (!muir_import_value(found, "model") && muir_import_value(found, "model.layers")) {
        const bool is_mixture = number(found, "model.experts", 1) > 1;
        MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_DERIVED, "model.family",
                                  is_mixture ? "moe_transformer" : "dense_transformer", "num_experts"));
    }
done:
    return st;
}

muir_status muir_launch_complete_speed(muir_ctx *ctx, muir_pairs *pairs, muir_import *found)
{
    muir_status st = MUIR_OK;
    const long long micro = number(found, "micro_batch_size", 0),
                    global = number(found, "global_batch_size", 0);
    const long long pieces = muir_pairs_int(pairs, "gradient-accumulation-steps", 1);
    if (micro > 0 && global > 0 && pieces > 0) {
        if (global % (micro * pieces) == 0)
            MUIR_TRY(set_int(ctx, found, "parallel.dp", global / (micro * pieces),
                             "train_batch_size / (micro batch x gradient_accumulation_steps)"));
        else
            MUIR_TRY(
                muir_fail(ctx, MUIR_ERR_ARG,
                          "train_batch_size=%lld is not a multiple of train_micro_batch_size_per_gpu=%lld x "
                          "gradient_accumulation_steps=%lld",
                          global, micro, pieces));
    }
    if (muir_pairs_get(pairs, "offload-optimizer.device") || muir_pairs_get(pairs, "offload-param.device"))
        MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_UNKNOWN, "", "",
                                  "offload to the host, which is not modelled"));
done:
    return st;
}
