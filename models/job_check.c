/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether a job's sizes divide what they must. */
#include <string.h>

#include "models/program.h"

static muir_status check_divides(muir_ctx *ctx, const char *small_name, int64_t small, const char *large_name,
                                 int64_t large)
{
    if (large % small == 0) return MUIR_OK;
    return muir_fail(ctx, MUIR_ERR_ARG, "%s=%lld does not divide %s=%lld", small_name, (long long)small,
                     large_name, (long long)large);
}

static muir_status check_batch(muir_ctx *ctx, const muir_job *job)
{
    const int64_t per_round = job->parallel.dp * job->batch.micro_batch_size;
    if (job->batch.global_batch_size % per_round == 0) return MUIR_OK;
    return muir_fail(ctx, MUIR_ERR_ARG,
                     "global_batch_size=%lld is not a multiple of dp=%lld x micro_batch_size=%lld",
                     (long long)job->batch.global_batch_size, (long long)job->parallel.dp,
                     (long long)job->batch.micro_batch_size);
}

/* A key that only one family reads would change nothing in another. */
static muir_status check_owner(muir_ctx *ctx, const muir_model *model, const char *key, int64_t value,
                               const char *family)
{
    if (value == 0 || strcmp(model->family, family) == 0) return MUIR_OK;
    return muir_fail(ctx, MUIR_ERR_ARG, "model.%s is for family %s, but the family is %s", key, family,
                     model->family);
}

muir_status muir_job_check(muir_ctx *ctx, const muir_job *job)
{
    const muir_parallel *parallel = &job->parallel;
    const muir_model *model = &job->model;
    const muir_family *family = muir_family_find(model->family);
    muir_status st = MUIR_OK;
    if (!family)
        return muir_fail(ctx, MUIR_ERR_ARG, "model.family '%s' is unknown (see muir list families)",
                         model->family);
    if (!family->is_headless)
        MUIR_TRY(check_divides(ctx, "parallel.tp", parallel->tp, "model.heads", model->heads));
    MUIR_TRY(check_divides(ctx, "model.kv_heads", model->kv_heads, "model.heads", model->heads));
    MUIR_TRY(check_divides(ctx, "parallel.tp", parallel->tp, "model.ffn", model->ffn));
    MUIR_TRY(check_divides(ctx, "parallel.tp", parallel->tp, "model.hidden", model->hidden));
    MUIR_TRY(check_divides(ctx, "parallel.cp", parallel->cp, "seq_len", job->batch.seq_len));
    if (parallel->sequence_parallel)
        MUIR_TRY(check_divides(ctx, "parallel.tp (sequence_parallel)", parallel->tp, "seq_len / cp",
                               job->batch.seq_len / parallel->cp));
    if (model->layers + 2 < parallel->pp * parallel->vpp)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "model.layers=%lld are too few for pp=%lld x vpp=%lld chunks "
                         "(embedding and head may fill a chunk each)",
                         (long long)model->layers, (long long)parallel->pp, (long long)parallel->vpp);
    MUIR_TRY(check_batch(ctx, job));
    MUIR_TRY(check_owner(ctx, model, "expert_imbalance", model->expert_imbalance > 0.0, "moe_transformer"));
    MUIR_TRY(check_owner(ctx, model, "first_dense_layers", model->first_dense_layers, "moe_transformer"));
    MUIR_TRY(check_owner(ctx, model, "dense_ffn", model->dense_ffn, "moe_transformer"));
    MUIR_TRY(check_owner(ctx, model, "image", model->image, "vision_transformer"));
    MUIR_TRY(check_owner(ctx, model, "patch", model->patch, "vision_transformer"));
    MUIR_TRY(check_owner(ctx, model, "tables", model->tables, "dlrm"));
    MUIR_TRY(check_owner(ctx, model, "lookups", model->lookups, "dlrm"));
    if (strcmp(model->family, "fourier_neural_operator") != 0)
        MUIR_TRY(check_owner(ctx, model, "dense_features", model->dense_features, "dlrm"));
    MUIR_TRY(check_owner(ctx, model, "bottom_mlp", model->bottom_mlp[0], "dlrm"));
    MUIR_TRY(check_owner(ctx, model, "top_mlp", model->top_mlp[0], "dlrm"));
    MUIR_TRY(check_owner(ctx, model, "interaction", model->interaction, "dlrm"));
    MUIR_TRY(check_owner(ctx, model, "grid", model->grid[0], "fourier_neural_operator"));
    MUIR_TRY(check_owner(ctx, model, "modes", model->modes[0], "fourier_neural_operator"));
    st = family->check(ctx, job);
done:
    return st;
}
