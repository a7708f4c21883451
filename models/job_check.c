/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether a job's sizes divide what they must. */
#include <stdio.h>
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

static bool is_in(const char *const *keys, const char *key)
{
    for (; *keys; keys++)
        if (strcmp(*keys, key) == 0) return true;
    return false;
}

/* "dlrm, fourier_neural_operator": the families that read a key. */
static void readers_of(const char *key, char *text, size_t size)
{
    size_t length = 0;
    text[0] = '\0';
    for (int i = 0; i < muir_family_count(); i++) {
        const muir_family *family = muir_family_at(i);
        if (!is_in(family->keys, key) || length >= size) continue;
        length += (size_t)snprintf(text + length, size - length, "%s%s", length ? ", " : "", family->name);
    }
}

/* What a model has that leaves everything to its family: texts, sizes without a default, and defaults. */
static muir_status make_plain(muir_ctx *ctx, const muir_model *model, muir_model *plain)
{
    muir_status st = MUIR_OK;
    MUIR_TRY(muir_schema_defaults(ctx, &muir_model_schema, plain));
    plain->kv_heads = model->heads;
    plain->head_dim = model->hidden < model->heads ? 1 : model->hidden / model->heads;
done:
    return st;
}

muir_status muir_model_check(muir_ctx *ctx, const muir_model *model)
{
    static const char *const all[] = {"description", "family", "hypothetical", NULL};
    const muir_section *section = &muir_model_schema.sections[0];
    const muir_family *family = muir_family_find(model->family);
    muir_model plain;
    muir_status st = MUIR_OK;
    if (!family)
        return muir_fail(ctx, MUIR_ERR_ARG, "model.family '%s' is unknown (see muir list families)",
                         model->family);
    MUIR_TRY(make_plain(ctx, model, &plain));
    for (int i = 0; i < section->n_options; i++) {
        const muir_option *option = &section->options[i];
        char given[MUIR_TEXT_SIZE], usual[MUIR_TEXT_SIZE], readers[MUIR_TEXT_SIZE];
        if (!option->initial || is_in(all, option->name) || is_in(family->keys, option->name)) continue;
        muir_option_get(section, option, model, given, sizeof given);
        muir_option_get(section, option, &plain, usual, sizeof usual);
        if (strcmp(given, usual) == 0) continue;
        readers_of(option->name, readers, sizeof readers);
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "model.%s=%s, but family %s does not use it (%s would); leave it at %s",
                         option->name, given, family->name, readers, *usual ? usual : "nothing");
    }
done:
    return st;
}

static muir_status check_latent(muir_ctx *ctx, const muir_model *m)
{
    if (m->kv_rank > 0 || (m->q_rank == 0 && m->rope_dim == 0)) return MUIR_OK;
    return muir_fail(ctx, MUIR_ERR_ARG,
                     "model: q_rank=%lld rope_dim=%lld are for latent attention, which needs kv_rank",
                     (long long)m->q_rank, (long long)m->rope_dim);
}

/* Chips hold whole heads of keys and values, each of some, or some share one. As Megatron-LM does. */
static muir_status check_heads(muir_ctx *ctx, const muir_job *job)
{
    const int64_t tp = job->parallel.tp, heads = job->model.heads, kv_heads = job->model.kv_heads;
    muir_status st = MUIR_OK;
    MUIR_TRY(check_divides(ctx, "parallel.tp", tp, "model.heads", heads));
    MUIR_TRY(check_divides(ctx, "model.kv_heads", kv_heads, "model.heads", heads));
    if (kv_heads % tp != 0 && tp % kv_heads != 0)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "parallel.tp=%lld is neither a divisor nor a multiple of model.kv_heads=%lld",
                         (long long)tp, (long long)kv_heads);
done:
    return st;
}

/* The parts of a causal sequence go to context parts in pairs, an early and a late one, so that all have as
 * much to do. Source: Llama 3, arXiv 2407.21783, section 3.3.2; Megatron-LM and torchtitan ask for it. */
static muir_status check_sequence(muir_ctx *ctx, const muir_job *job, const muir_family *family)
{
    const muir_parallel *p = &job->parallel;
    const int64_t seq_len = job->batch.seq_len;
    muir_status st = MUIR_OK;
    MUIR_TRY(check_divides(ctx, "parallel.cp", p->cp, "seq_len", seq_len));
    if (family->is_causal && p->cp > 1)
        MUIR_TRY(check_divides(ctx, "2 x parallel.cp", 2 * p->cp, "seq_len", seq_len));
    if (p->sequence_parallel)
        MUIR_TRY(
            check_divides(ctx, "parallel.tp (sequence_parallel)", p->tp, "seq_len / cp", seq_len / p->cp));
done:
    return st;
}

/* Keys of the layout that some families do not read, and groups that must come out even. */
static muir_status check_groups(muir_ctx *ctx, const muir_job *job, const muir_family *family)
{
    const muir_parallel *p = &job->parallel;
    if (!family->has_experts && p->etp > 1)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "parallel.etp=%lld, but family %s has no experts to split; leave it at auto",
                         (long long)p->etp, family->name);
    if (family->is_headless && p->cp_exchange != MUIR_CP_RING)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "parallel.cp_exchange=all_gather, but family %s has no keys and values to exchange; "
                         "leave it at ring",
                         family->name);
    if (p->zero_group > 0 && p->cp * p->dp % p->zero_group != 0)
        return muir_fail(ctx, MUIR_ERR_ARG, "parallel.zero_group=%lld does not divide cp x dp=%lld",
                         (long long)p->zero_group, (long long)(p->cp * p->dp));
    return MUIR_OK;
}

/* As many groups of zero_group replicas hold the same experts as hold the same of the other weights. */
static muir_status check_expert_groups(muir_ctx *ctx, const muir_job *job)
{
    const muir_parallel *p = &job->parallel;
    if (p->zero_group > 0 && muir_job_size(job, MUIR_AXIS_EDP) % (p->cp * p->dp / p->zero_group) != 0)
        return muir_fail(
            ctx, MUIR_ERR_ARG,
            "parallel.zero_group=%lld makes %lld groups, which do not divide the %lld chips that "
            "hold the same experts",
            (long long)p->zero_group, (long long)(p->cp * p->dp / p->zero_group),
            (long long)muir_job_size(job, MUIR_AXIS_EDP));
    return MUIR_OK;
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
    MUIR_TRY(check_groups(ctx, job, family));
    MUIR_TRY(check_latent(ctx, model));
    if (!family->is_headless) MUIR_TRY(check_heads(ctx, job));
    if (!family->has_experts)
        MUIR_TRY(check_divides(ctx, "parallel.tp", parallel->tp, "model.ffn", model->ffn));
    MUIR_TRY(check_divides(ctx, "parallel.tp", parallel->tp, "model.hidden", model->hidden));
    MUIR_TRY(check_sequence(ctx, job, family));
    if (model->layers + 2 < parallel->pp * parallel->vpp)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "model.layers=%lld are too few for pp=%lld x vpp=%lld chunks "
                         "(embedding and head may fill a chunk each)",
                         (long long)model->layers, (long long)parallel->pp, (long long)parallel->vpp);
    MUIR_TRY(check_batch(ctx, job));
    MUIR_TRY(muir_modules_check(ctx, job));
    if (family->has_one_recompute && parallel->recompute_every > 1)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "parallel.recompute_every=%lld, but family %s computes all layers again or none",
                         (long long)parallel->recompute_every, model->family);
    MUIR_TRY(family->check(ctx, job));
    st = check_expert_groups(ctx, job);
done:
    return st;
}
