/* SPDX-License-Identifier: BSD-3-Clause */
/* Transformers whose feed-forward layers are mixtures of experts, routed evenly or not, but for a few dense
 * layers in front; experts are shared out over ep and split over tp. */
#include <math.h>

#include "base/statistics.h"
#include "models/emit.h"
#include "models/routing.h"

static muir_status check_dense_layers(muir_ctx *ctx, const muir_job *job)
{
    const muir_model *m = &job->model;
    if (m->first_dense_layers >= m->layers)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "model.first_dense_layers=%lld leaves none of layers=%lld with experts "
                         "(use family dense_transformer)",
                         (long long)m->first_dense_layers, (long long)m->layers);
    if ((m->first_dense_layers > 0) != (m->dense_ffn > 0))
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "model: first_dense_layers=%lld dense_ffn=%lld: one needs the other, the number of "
                         "dense layers and their width",
                         (long long)m->first_dense_layers, (long long)m->dense_ffn);
    if (m->dense_ffn % job->parallel.tp != 0)
        return muir_fail(ctx, MUIR_ERR_ARG, "parallel.tp=%lld does not divide model.dense_ffn=%lld",
                         (long long)job->parallel.tp, (long long)m->dense_ffn);
    return MUIR_OK;
}

static muir_status check_experts(muir_ctx *ctx, const muir_job *job)
{
    const muir_model *model = &job->model;
    if (model->experts < 1 || model->topk < 1 || model->topk > model->experts)
        return muir_fail(
            ctx, MUIR_ERR_ARG,
            "model: experts=%lld topk=%lld, but family moe_transformer needs 1 <= topk <= experts",
            (long long)model->experts, (long long)model->topk);
    if (model->experts % model->expert_groups != 0 || model->topk_groups > model->expert_groups ||
        (model->topk_groups > 0 && model->topk * model->expert_groups > model->topk_groups * model->experts))
        return muir_fail(
            ctx, MUIR_ERR_ARG,
            "model: topk=%lld of experts=%lld do not come from topk_groups=%lld of expert_groups=%lld "
            "equal groups",
            (long long)model->topk, (long long)model->experts, (long long)model->topk_groups,
            (long long)model->expert_groups);
    if (model->experts % job->parallel.ep != 0)
        return muir_fail(ctx, MUIR_ERR_ARG, "parallel.ep=%lld does not divide experts=%lld",
                         (long long)job->parallel.ep, (long long)model->experts);
    return MUIR_OK;
}

static muir_status check_layout(muir_ctx *ctx, const muir_job *job)
{
    const muir_parallel *par = &job->parallel;
    const int64_t etp = muir_job_etp(job);
    if (job->model.ffn % etp != 0)
        return muir_fail(ctx, MUIR_ERR_ARG, "parallel.etp=%lld does not divide model.ffn=%lld",
                         (long long)etp, (long long)job->model.ffn);
    if (job->model.shared_experts * job->model.ffn % par->tp != 0)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "parallel.tp=%lld does not divide model.shared_experts x ffn=%lld",
                         (long long)par->tp, (long long)(job->model.shared_experts * job->model.ffn));
    if (par->tp * par->cp * par->dp % (etp * par->ep) != 0)
        return muir_fail(ctx, MUIR_ERR_ARG, "parallel.etp=%lld x ep=%lld does not divide tp x cp x dp=%lld",
                         (long long)etp, (long long)par->ep, (long long)(par->tp * par->cp * par->dp));
    if (par->order == MUIR_ORDER_DP_OUTERMOST && par->pp > 1 && muir_job_expert_replicas(job) > 1)
        return muir_fail(
            ctx, MUIR_ERR_ARG,
            "parallel.order=tp-cp-pp-dp with pp=%lld places whole replicas next to each other, but etp=%lld "
            "x ep=%lld spreads experts over more than the tp x cp=%lld chips of one",
            (long long)par->pp, (long long)etp, (long long)par->ep, (long long)(par->tp * par->cp));
    if (etp != par->tp && par->tp > 1 && !par->sequence_parallel)
        return muir_fail(ctx, MUIR_ERR_ARG, "parallel.etp=%lld with tp=%lld needs sequence_parallel=true",
                         (long long)etp, (long long)par->tp);
    return MUIR_OK;
}

static muir_status check(muir_ctx *ctx, const muir_job *job)
{
    muir_status st = MUIR_OK;
    MUIR_TRY(check_experts(ctx, job));
    MUIR_TRY(check_dense_layers(ctx, job));
    MUIR_TRY(check_layout(ctx, job));
done:
    return st;
}

typedef struct moe_sizes {
    double local_experts; /* on one chip */
    double expert_tokens; /* that one expert gets from its ep group in a microbatch */
    double inner;         /* width of an expert on one chip */
    double exchange;      /* bytes that a chip sends to the experts of its group */
    double gathered;      /* bytes that the chips which split an expert gather; 0: they hold them all */
} moe_sizes;

/* Whether the chips that split an expert have different tokens: parts of a sequence, or sequences. */
static bool is_spread(const muir_emitter *e)
{
    return e->sizes.split == e->sizes.tp && muir_job_etp(e->job) > 1;
}

/* Tokens of the chips that split an expert together, over those of a microbatch. */
static double shares_of(const muir_emitter *e)
{
    return e->sizes.split == e->sizes.tp ? (double)muir_job_etp(e->job) / e->sizes.tp : 1.0;
}

static moe_sizes sizes_of(const muir_emitter *e)
{
    const muir_sizes s = e->sizes;
    const muir_job *job = e->job;
    const double ep = (double)job->parallel.ep, experts = (double)job->model.experts,
                 topk = (double)job->model.topk;
    moe_sizes m;
    m.local_experts = experts / ep;
    const double etp = (double)muir_job_etp(job);
    m.expert_tokens = s.tokens * topk * ep / experts * shares_of(e);
    m.inner = (double)job->model.ffn / etp;
    m.exchange = s.tokens * muir_job_copies(job) * s.hidden * s.act_bytes / s.split;
    m.gathered = is_spread(e) ? s.tokens * topk * s.hidden * s.act_bytes * shares_of(e) : 0.0;
    return m;
}

static void exchange(muir_emitter *e, const char *name)
{
    muir_op *op = muir_emit_coll(e, name, MUIR_ALL_TO_ALL, MUIR_AXIS_EP, sizes_of(e).exchange);
    if (op) op->coll.copies = muir_job_copies(e->job);
}

/* Chips that split an expert, neighbours whatever tp is, gather each other's tokens, and scatter results. */
static void gather_tokens(muir_emitter *e, muir_coll_kind kind, const char *name)
{
    if (is_spread(e))
        muir_emit_coll_among(e, name, kind, MUIR_AXIS_TP, muir_job_etp(e->job), 1, sizes_of(e).gathered);
}

static void expert_product(muir_emitter *e, const char *name, double m, double n, double k)
{
    const double experts = sizes_of(e).local_experts;
    if (e->phase != MUIR_WEIGHT &&
        muir_job_operand_bytes(e->job) < 2.0) /* rows in multiples of 16: another copy */
        muir_emit_mem(e, "pad tokens", 4.0 * m * k * experts);
    muir_emit_product(e, name, m, n, k, experts)->gemm.is_grouped = true;
}

/* Sorting tokens by expert and back: a pass that reads and one that writes, for each of topk copies. Kernels
 * that look at every expert of every token take longer for those that it does not visit. */
static void permute(muir_emitter *e)
{
    const moe_sizes m = sizes_of(e);
    const muir_sizes s = e->sizes;
    const double unvisited =
        (double)(e->job->model.experts - e->job->model.topk) / (double)e->job->model.topk;
    muir_emit_mem(e, "permute tokens",
                  4.0 * m.expert_tokens * m.local_experts * s.hidden * s.act_bytes *
                      e->job->stack.elementwise * (1.0 + e->job->stack.permute_scan * unvisited));
}

/* Load of the busiest chip of an ep group over the mean. Loads of experts scatter like independent normal
 * draws, so that the busiest of all `experts` is as far above the mean as expert_imbalance says; the mean
 * of the k experts of a chip scatters by 1 / sqrt(k) of that.
 *     1 + expert_imbalance largest(ep) / (largest(experts) sqrt(experts / ep))
 * The figure is MaxVio of Wang et al., arXiv 2408.15664. Rounded, so that no last bit depends on erfc.
 * It applies to all that is done for rows of experts: the busiest chip also has to receive them, bring them
 * into order and send them back. */
static double busiest_load(const muir_job *job)
{
    const double experts = (double)job->model.experts, ep = (double)job->parallel.ep;
    if (job->model.expert_imbalance <= 0.0 || experts < 2.0) return 1.0;
    const double share = muir_normal_largest(ep) / (muir_normal_largest(experts) * sqrt(experts / ep));
    return 1.0 + job->model.expert_imbalance * round(share * 1e6) * 1e-6;
}

static void experts_forward(muir_emitter *e)
{
    const muir_sizes s = e->sizes;
    const moe_sizes m = sizes_of(e);
    const double rows = m.expert_tokens * m.local_experts * busiest_load(e->job);
    muir_emit_keep_experts(e, rows, m.inner);
    e->is_norm_kept = false;
    e->modules = MUIR_MODULE_BIT(norm);
    muir_emit_norm(e, "expert norm");
    e->modules = MUIR_MODULE_BIT(experts);
    muir_emit_gemm_16bit(e, "router", s.tokens / s.split, (double)e->job->model.experts, s.hidden, 1.0);
    e->load = busiest_load(e->job);
    exchange(e, "dispatch");
    gather_tokens(e, MUIR_ALL_GATHER, "dispatch over tp");
    expert_product(e, "expert up", m.expert_tokens, s.gate * m.inner, s.hidden);
    e->modules = MUIR_MODULE_BIT(experts) | MUIR_MODULE_BIT(activation);
    muir_emit_mem(e, "expert activation",
                  e->job->stack.elementwise * (s.gate + 1.0) * m.expert_tokens * m.local_experts * m.inner *
                      s.act_bytes);
    e->modules = MUIR_MODULE_BIT(experts);
    expert_product(e, "expert down", m.expert_tokens, s.hidden, m.inner);
    permute(e);
    gather_tokens(e, MUIR_REDUCE_SCATTER, "combine over tp");
    exchange(e, "combine");
    e->load = 0.0;
    e->modules = 0;
}

static void experts_backward(muir_emitter *e)
{
    const muir_sizes s = e->sizes;
    const moe_sizes m = sizes_of(e);
    e->load = busiest_load(e->job);
    exchange(e, "combine");
    gather_tokens(e, MUIR_ALL_GATHER, "combine over tp");
    permute(e);
    expert_product(e, "expert down grad", m.expert_tokens, m.inner, s.hidden);
    muir_emit_mem(e, "expert activation",
                  e->job->stack.elementwise * (2.0 * s.gate + 1.0) * m.expert_tokens * m.local_experts *
                      m.inner * s.act_bytes);
    expert_product(e, "expert up grad", m.expert_tokens, s.hidden, s.gate * m.inner);
    gather_tokens(e, MUIR_REDUCE_SCATTER, "dispatch over tp");
    exchange(e, "dispatch");
    e->load = 0.0;
    muir_emit_gemm_16bit(e, "router grad", s.tokens / s.split, s.hidden, (double)e->job->model.experts, 1.0);
    muir_emit_norm(e, "expert norm");
}

static void experts_weight(muir_emitter *e)
{
    const muir_sizes s = e->sizes;
    const moe_sizes m = sizes_of(e);
    e->load = busiest_load(e->job);
    expert_product(e, "expert down weight", m.inner, s.hidden, m.expert_tokens);
    expert_product(e, "expert up weight", s.hidden, s.gate * m.inner, m.expert_tokens);
    e->load = 0.0;
    muir_emit_gemm_16bit(e, "router weight", s.hidden, (double)e->job->model.experts, s.tokens / s.split,
                         1.0);
}

/* Reads the same norm as the experts that come after it. */
static void shared_half(muir_emitter *e)
{
    if (e->job->model.shared_experts == 0) return;
    muir_emit_mlp(e, (double)(e->job->model.shared_experts * e->job->model.ffn));
    e->is_norm_kept = e->phase == MUIR_FORWARD;
}

static void dense_half(muir_emitter *e)
{
    muir_emit_mlp(e, (double)e->job->model.dense_ffn);
}

static void experts_half(muir_emitter *e)
{
    if (e->phase == MUIR_FORWARD)
        experts_forward(e);
    else if (e->phase == MUIR_BACKWARD)
        experts_backward(e);
    else
        experts_weight(e);
}

static void emit_dense_layer(muir_emitter *e)
{
    static const muir_emit_half halves[] = {muir_emit_attention_half, dense_half};
    const muir_model *m = &e->job->model;
    const double width = (double)m->dense_ffn;
    muir_emit_block(e, (muir_block){.name = "dense layer",
                                    .role = MUIR_BLOCK_LAYER,
                                    .layers = {0, m->first_dense_layers, 1},
                                    .dense_params = (muir_attention_params(m) + muir_mlp_params(m, width)) /
                                                    e->sizes.tp});
    muir_emit_layer(e, halves, 2);
}

static void emit_layer(muir_emitter *e)
{
    static const muir_emit_half halves[] = {muir_emit_attention_half, shared_half, experts_half};
    const muir_model *m = &e->job->model;
    const double tp = e->sizes.tp, ffn = (double)m->ffn, experts = (double)m->experts;
    double dense = (muir_attention_params(m) + (double)(m->hidden * m->experts)) / tp;
    if (m->shared_experts > 0) dense += muir_mlp_params(m, (double)m->shared_experts * ffn) / tp;
    muir_emit_block(e, (muir_block){.name = "layer",
                                    .role = MUIR_BLOCK_LAYER,
                                    .layers = {m->first_dense_layers, m->layers, 1},
                                    .dense_params = dense,
                                    .expert_params = muir_mlp_params(m, ffn) * experts /
                                                     (double)(e->job->parallel.ep * muir_job_etp(e->job))});
    muir_emit_layer(e, halves, 3);
}

static void emit(muir_emitter *e)
{
    muir_emit_embedding(e);
    if (e->job->model.first_dense_layers > 0) emit_dense_layer(e);
    emit_layer(e);
    muir_emit_head(e);
}

static const char *const keys[] = {MUIR_KEYS_ATTENTION,
                                   MUIR_KEYS_MLP,
                                   MUIR_KEYS_LANGUAGE,
                                   "experts",
                                   "topk",
                                   "shared_experts",
                                   "expert_groups",
                                   "topk_groups",
                                   "first_dense_layers",
                                   "dense_ffn",
                                   "expert_imbalance",
                                   NULL};

const muir_family muir_family_moe_transformer = {
    .name = "moe_transformer",
    .keys = keys,
    .is_causal = true,
    .has_experts = true,
    .check = check,
    .emit = emit,
    .source = "Fedus et al., Switch Transformers, 2021; DeepSeek-V3, arXiv 2412.19437",
};
