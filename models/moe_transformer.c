/* SPDX-License-Identifier: BSD-3-Clause */
/* Transformers whose feed-forward layers are mixtures of experts, routed evenly or not; experts are shared
 * out over ep and split over tp. */
#include <math.h>
#include <string.h>

#include "base/statistics.h"
#include "models/emit.h"
#include "models/routing.h"

static muir_status check(muir_ctx *ctx, const muir_job *job)
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
    const muir_parallel *par = &job->parallel;
    const int64_t etp = muir_job_etp(job);
    if (etp != 1 && etp != par->tp)
        return muir_fail(ctx, MUIR_ERR_ARG, "parallel.etp=%lld must be 1 or tp=%lld", (long long)etp,
                         (long long)par->tp);
    if (par->tp * par->cp * par->dp % (etp * par->ep) != 0)
        return muir_fail(ctx, MUIR_ERR_ARG, "parallel.etp=%lld x ep=%lld does not divide tp x cp x dp=%lld",
                         (long long)etp, (long long)par->ep, (long long)(par->tp * par->cp * par->dp));
    if (par->order == MUIR_ORDER_DP_OUTERMOST && par->pp > 1 && muir_job_expert_replicas(job) > 1)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "parallel.order=tp-cp-pp-dp with pp=%lld lays whole replicas side by side, but "
                         "etp=%lld x ep=%lld shares experts out over more than tp x cp=%lld chips of one",
                         (long long)par->pp, (long long)etp, (long long)par->ep,
                         (long long)(par->tp * par->cp));
    if (etp == 1 && par->tp > 1 && !par->sequence_parallel)
        return muir_fail(ctx, MUIR_ERR_ARG, "parallel.etp=1 with tp=%lld needs sequence_parallel=true",
                         (long long)par->tp);
    return MUIR_OK;
}

typedef struct moe_sizes {
    double local_experts; /* on one chip */
    double expert_tokens; /* that one expert gets from its ep group in a microbatch */
    double inner;         /* width of an expert on one chip */
    double exchange;      /* bytes that a chip sends to the experts of its group */
    double gathered;      /* bytes that the chips which split an expert gather; 0: they hold them all */
} moe_sizes;

static moe_sizes sizes_of(const muir_job *job)
{
    const muir_sizes s = muir_sizes_of(job);
    const double ep = (double)job->parallel.ep, experts = (double)job->model.experts,
                 topk = (double)job->model.topk;
    moe_sizes m;
    m.local_experts = experts / ep;
    const double etp = (double)muir_job_etp(job);
    m.expert_tokens = s.tokens * topk * ep / experts * (etp > 1.0 ? 1.0 : 1.0 / s.split);
    m.inner = (double)job->model.ffn / etp;
    m.exchange = s.tokens * muir_job_copies(job) * s.hidden * s.act_bytes / s.split;
    m.gathered = etp > 1.0 && s.split > 1.0 ? s.tokens * topk * s.hidden * s.act_bytes : 0.0;
    return m;
}

static void exchange(muir_program *p, const muir_job *job, muir_block *b, muir_phase phase, const char *name)
{
    muir_emit_coll(p, b, phase, name, MUIR_ALL_TO_ALL, MUIR_AXIS_EP, job->parallel.ep,
                   sizes_of(job).exchange);
    if (job->parallel.ep > 1) muir_emit_last(p)->copies = muir_job_copies(job);
}

/* With experts split over tp, their chips gather the tokens of all parts of the sequence, and scatter
 * results. */
static void gather_tokens(muir_program *p, const muir_job *job, muir_block *b, muir_phase phase,
                          muir_coll_kind kind, const char *name)
{
    const moe_sizes m = sizes_of(job);
    if (m.gathered > 0.0) muir_emit_coll(p, b, phase, name, kind, MUIR_AXIS_TP, job->parallel.tp, m.gathered);
}

static void expert_product(muir_program *p, const muir_job *job, muir_block *b, muir_phase phase,
                           const char *name, double m, double n, double k)
{
    const double experts = sizes_of(job).local_experts;
    if (phase != MUIR_WEIGHT && muir_job_operand_bytes(job) < 2.0) /* rows in multiples of 16: another copy */
        muir_emit_mem(p, b, phase, "pad tokens", 4.0 * m * k * experts);
    muir_emit_product(p, job, b, phase, name, m, n, k, experts);
    muir_emit_last(p)->is_grouped = true;
}

/* Sorting tokens by expert and back: a pass that reads and one that writes, for each of topk copies. Kernels
 * that look at every expert of every token take longer for those that it does not visit. */
static void permute(muir_program *p, const muir_job *job, muir_block *b, muir_phase phase)
{
    const moe_sizes m = sizes_of(job);
    const muir_sizes s = muir_sizes_of(job);
    const double unvisited = (double)(job->model.experts - job->model.topk) / (double)job->model.topk;
    muir_emit_mem(p, b, phase, "permute tokens",
                  4.0 * m.expert_tokens * m.local_experts * s.hidden * s.act_bytes * job->stack.elementwise *
                      (1.0 + job->stack.permute_scan * unvisited));
}

static void experts_forward(muir_program *p, const muir_job *job, muir_block *b, muir_phase phase)
{
    const muir_sizes s = muir_sizes_of(job);
    const moe_sizes m = sizes_of(job);
    muir_emit_norm(p, job, b, phase, "expert norm");
    muir_emit_gemm(p, b, phase, "router", s.tokens / s.split, (double)job->model.experts, s.hidden, 1.0);
    muir_emit_last(p)->is_16bit = true;
    exchange(p, job, b, phase, "dispatch");
    gather_tokens(p, job, b, phase, MUIR_ALL_GATHER, "dispatch over tp");
    expert_product(p, job, b, phase, "expert up", m.expert_tokens, s.gate * m.inner, s.hidden);
    muir_emit_mem(p, b, phase, "expert activation",
                  job->stack.elementwise * (s.gate + 1.0) * m.expert_tokens * m.local_experts * m.inner *
                      s.act_bytes);
    expert_product(p, job, b, phase, "expert down", m.expert_tokens, s.hidden, m.inner);
    permute(p, job, b, phase);
    gather_tokens(p, job, b, phase, MUIR_REDUCE_SCATTER, "combine over tp");
    exchange(p, job, b, phase, "combine");
}

static void experts_backward(muir_program *p, const muir_job *job, muir_block *b)
{
    const muir_sizes s = muir_sizes_of(job);
    const moe_sizes m = sizes_of(job);
    exchange(p, job, b, MUIR_BACKWARD, "combine");
    gather_tokens(p, job, b, MUIR_BACKWARD, MUIR_ALL_GATHER, "combine over tp");
    permute(p, job, b, MUIR_BACKWARD);
    expert_product(p, job, b, MUIR_BACKWARD, "expert down grad", m.expert_tokens, m.inner, s.hidden);
    muir_emit_mem(p, b, MUIR_BACKWARD, "expert activation",
                  job->stack.elementwise * (2.0 * s.gate + 1.0) * m.expert_tokens * m.local_experts *
                      m.inner * s.act_bytes);
    expert_product(p, job, b, MUIR_BACKWARD, "expert up grad", m.expert_tokens, s.hidden, s.gate * m.inner);
    gather_tokens(p, job, b, MUIR_BACKWARD, MUIR_REDUCE_SCATTER, "dispatch over tp");
    exchange(p, job, b, MUIR_BACKWARD, "dispatch");
    muir_emit_gemm(p, b, MUIR_BACKWARD, "router grad", s.tokens / s.split, s.hidden,
                   (double)job->model.experts, 1.0);
    muir_emit_last(p)->is_16bit = true;
    muir_emit_norm(p, job, b, MUIR_BACKWARD, "expert norm");
}

static void experts_weight(muir_program *p, const muir_job *job, muir_block *b)
{
    const muir_sizes s = muir_sizes_of(job);
    const moe_sizes m = sizes_of(job);
    expert_product(p, job, b, MUIR_WEIGHT, "expert down weight", m.inner, s.hidden, m.expert_tokens);
    expert_product(p, job, b, MUIR_WEIGHT, "expert up weight", s.hidden, s.gate * m.inner, m.expert_tokens);
}

static void shared_half(muir_program *p, const muir_job *job, muir_block *b, muir_phase phase)
{
    if (job->model.shared_experts > 0)
        muir_emit_mlp_half(p, job, b, phase, (double)(job->model.shared_experts * job->model.ffn));
}

static void emit_layer(muir_program *program, const muir_job *job, muir_block *layer)
{
    muir_emit_phase(program, layer, MUIR_FORWARD);
    muir_emit_weights(program, job, layer, MUIR_FORWARD);
    muir_emit_attention_half(program, job, layer, MUIR_FORWARD);
    shared_half(program, job, layer, MUIR_FORWARD);
    experts_forward(program, job, layer, MUIR_FORWARD);
    muir_emit_phase(program, layer, MUIR_BACKWARD);
    muir_emit_weights(program, job, layer, MUIR_BACKWARD);
    muir_emit_recompute(program, job, layer);
    experts_backward(program, job, layer);
    shared_half(program, job, layer, MUIR_BACKWARD);
    muir_emit_attention_half(program, job, layer, MUIR_BACKWARD);
    muir_emit_phase(program, layer, MUIR_WEIGHT);
    muir_emit_weights(program, job, layer, MUIR_WEIGHT);
    experts_weight(program, job, layer);
    shared_half(program, job, layer, MUIR_WEIGHT);
    muir_emit_attention_half(program, job, layer, MUIR_WEIGHT);
}

/* Load of the busiest chip of an ep group over the mean. Loads of experts scatter like independent normal
 * draws, so that the busiest of all `experts` is as far above the mean as expert_imbalance says; the mean
 * of the k experts of a chip scatters by 1 / sqrt(k) of that.
 *     1 + expert_imbalance largest(ep) / (largest(experts) sqrt(experts / ep))
 * The figure is MaxVio of Wang et al., arXiv 2408.15664. Rounded, so that no last bit depends on erfc. */
static double busiest_load(const muir_job *job)
{
    const double experts = (double)job->model.experts, ep = (double)job->parallel.ep;
    if (job->model.expert_imbalance <= 0.0 || experts < 2.0) return 1.0;
    const double share = muir_normal_largest(ep) / (muir_normal_largest(experts) * sqrt(experts / ep));
    return 1.0 + job->model.expert_imbalance * round(share * 1e6) * 1e-6;
}

/* A chip with a busy expert gets more rows, which it also has to receive and send back. */
static void load_busiest(muir_program *p, const muir_job *job)
{
    for (int i = 0; i < p->n_ops; i++) {
        muir_op *op = &p->ops[i];
        const bool is_exchange = op->kind == MUIR_OP_COLL && op->axis == MUIR_AXIS_EP;
        if (is_exchange || strncmp(op->name, "expert ", strlen("expert ")) == 0) op->load = busiest_load(job);
    }
}

static muir_status emit(muir_ctx *ctx, const muir_job *job, muir_program *program)
{
    (void)ctx;
    const muir_model *model = &job->model;
    const double tp = (double)job->parallel.tp, ffn = (double)model->ffn;
    muir_emit_embedding(program, job);
    muir_block *layer = muir_emit_block(program, "layer");
    layer->dense_params = (muir_attention_params(model) + (double)(model->hidden * model->experts)) / tp;
    if (model->shared_experts > 0)
        layer->dense_params += muir_mlp_params(model, (double)model->shared_experts * ffn) / tp;
    layer->expert_params =
        muir_mlp_params(model, ffn) * (double)model->experts / (double)(job->parallel.ep * muir_job_etp(job));
    emit_layer(program, job, layer);
    load_busiest(program, job);
    muir_emit_head(program, job);
    return MUIR_OK;
}

const muir_family muir_family_moe_transformer = {
    .name = "moe_transformer",
    .check = check,
    .emit = emit,
    .source = "Fedus et al., Switch Transformers, 2021; DeepSeek-V3, arXiv 2412.19437",
};
