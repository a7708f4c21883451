/* SPDX-License-Identifier: BSD-3-Clause */
/* Building step programs: the family's blocks, layers dealt to stages, the ops of the end of a step. */
#include "models/program.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "models/emit.h"

#define FAMILY(id) extern const muir_family muir_family_##id;
#include "models/families.def"
#undef FAMILY
static const muir_family *const families[] = {
#define FAMILY(id) &muir_family_##id,
#include "models/families.def"
#undef FAMILY
};

int muir_family_count(void)
{
    return (int)(sizeof families / sizeof families[0]);
}

const muir_family *muir_family_at(int i)
{
    return families[i];
}

const muir_family *muir_family_find(const char *name)
{
    for (int i = 0; i < muir_family_count(); i++)
        if (strcmp(families[i]->name, name) == 0) return families[i];
    return NULL;
}

/* Dealing layers. */

/* Where chunks divide the layers, each gets as many (Megatron-LM). Otherwise embedding and head count as a
 * layer each, which leaves the first and the last chunk one layer less; a remainder goes to the chunks after
 * the first. Source: Llama 3, arXiv 2407.21783, section 3.3.2 (126 layers on 16 stages). */
static int64_t chunk_layers(int64_t layers, int64_t chunks, int64_t chunk)
{
    if (layers % chunks == 0) return layers / chunks;
    const int64_t share = (layers + 2) / chunks, rest = (layers + 2) % chunks;
    return share + (chunk >= 1 && chunk <= rest) - (chunk == 0) - (chunk == chunks - 1);
}

/* Of the first n layers. */
static int64_t layers_below(muir_layers kind, int64_t n)
{
    const int64_t end = n < kind.end ? n : kind.end;
    const int64_t among = end > kind.first ? end - kind.first : 0;
    const int64_t without = kind.except > 0 ? (among + kind.except - 1) / kind.except : 0;
    return (among + kind.every - 1) / kind.every - without;
}

int64_t muir_layers_count(muir_layers kind, int64_t first, int64_t n)
{
    return layers_below(kind, first + n) - layers_below(kind, first);
}

/* Times that n chunks from `first` on hold a block. */
static int64_t holds(const muir_program *p, int first, int n, const muir_block *block)
{
    const muir_chunk *from = &p->chunks[first], *to = &p->chunks[first + n - 1];
    switch (block->role) {
    case MUIR_BLOCK_FIRST: return first == 0;
    case MUIR_BLOCK_LAST: return first + n == p->n_chunks;
    case MUIR_BLOCK_LAYER: break;
    }
    return muir_layers_count(block->layers, from->first_layer,
                             to->first_layer + to->n_layers - from->first_layer);
}

bool muir_program_has_block(const muir_program *p, int first, int n, int block)
{
    return holds(p, first, n, &p->blocks[block]) > 0;
}

static void deal_blocks(muir_program *p, int chunk)
{
    muir_chunk *c = &p->chunks[chunk];
    for (int block = 0; block < p->n_blocks; block++) {
        const int64_t repeat = holds(p, chunk, 1, &p->blocks[block]);
        if (repeat == 0) continue;
        c->block[c->n_parts] = block;
        c->repeat[c->n_parts++] = (int)repeat;
    }
}

static void deal_layers(muir_program *p, const muir_job *job)
{
    int64_t first = 0;
    for (int i = 0; i < p->n_chunks; i++) {
        p->chunks[i].first_layer = first;
        p->chunks[i].n_layers = chunk_layers(job->model.layers, p->n_chunks, i);
        first += p->chunks[i].n_layers;
        deal_blocks(p, i);
    }
}

/* Gradient sync of one kind of weights: a share for each replica, or all of it for each. */
static void emit_sync(muir_emitter *e, muir_axis axis, double params)
{
    const muir_parallel *parallel = &e->job->parallel;
    const char *name = axis == MUIR_AXIS_EDP ? "expert gradient sync" : "gradient sync";
    if (params <= 0.0 || muir_job_syncs_microbatches(e->job)) return;
    if (parallel->zero_stage == 0)
        muir_emit_coll(e, name, MUIR_ALL_REDUCE, axis, params * parallel->grad_bytes);
    else
        muir_emit_sync(e, axis, params);
}

/* Moved for the moments of a weight, by key optimizer; the stack's figure is Adam's. */
static const double moved_bytes[] = {
#define OPTIMIZER(id, moments, moved, help) [MUIR_OPTIMIZER_##id] = moved,
#include "models/optimizers.def"
#undef OPTIMIZER
};

/* The sums of gradients are cleared, and scaled before they are synchronised. Adam reads gradient, master
 * weight and two moments (16 bytes) and writes master weight, moments and bf16 weight (14 bytes), for its
 * share of the weights; then replicas gather the new bf16 weights. */
static void emit_update(muir_emitter *e, muir_axis axis, double params)
{
    const muir_parallel *parallel = &e->job->parallel;
    const bool is_shared = parallel->zero_stage > 0;
    const double share = is_shared ? params / (double)muir_job_zero_size(e->job, axis) : params;
    if (params <= 0.0) return;
    muir_emit_mem(e, "clear and scale gradients",
                  3.0 * parallel->grad_bytes * (parallel->zero_stage > 1 ? share : params));
    const double off = parallel->offload_optimizer;
    const double moved =
        e->job->stack.optimizer_bytes + moved_bytes[e->job->batch.optimizer] - moved_bytes[0];
    muir_emit_mem(e, "optimizer", fmax(0.0, moved) * (1.0 - off) * share);
    if (off > 0.0) /* gradients go out, weights come back */
        muir_emit_mem(e, "optimizer on the host", (parallel->grad_bytes + 2.0) * off * share)->mem.is_host =
            true;
    if (is_shared && parallel->zero_stage < 3)
        muir_emit_gather(e, axis, params, e->job->stack.broadcast_weights ? MUIR_BROADCAST : MUIR_ALL_GATHER);
}

typedef void (*emit_stage)(muir_emitter *e, muir_axis axis, double params);

/* The first of `known` stages with the same weights; -1: none. */
static int twin_of(const muir_program *p, int stage, const int *known, int n)
{
    const double dense = muir_stage_params(p, stage, false), expert = muir_stage_params(p, stage, true);
    for (int i = 0; i < n; i++)
        if (muir_stage_params(p, known[i], false) == dense && muir_stage_params(p, known[i], true) == expert)
            return known[i];
    return -1;
}

/* Stages with the same weights share their ops, so that the room for ops does not grow with the pipeline. */
static void emit_stages(muir_emitter *e, emit_stage emit, muir_op_range *ranges)
{
    muir_program *p = e->program;
    int known[MUIR_MAX_OPS], n = 0;
    for (int s = 0; s < p->n_stages; s++) {
        const int twin = twin_of(p, s, known, n);
        if (twin >= 0) {
            ranges[s] = ranges[twin];
            continue;
        }
        assert(n < MUIR_MAX_OPS);
        known[n++] = s;
        ranges[s].first = p->n_ops;
        emit(e, MUIR_AXIS_DP, muir_stage_params(p, s, false));
        emit(e, MUIR_AXIS_EDP, muir_stage_params(p, s, true));
        ranges[s].n = p->n_ops - ranges[s].first;
    }
}

static void emit_end_of_step(muir_emitter *e)
{
    muir_program *p = e->program;
    e->block = NULL;
    emit_stages(e, emit_sync, p->sync_ops);
    p->norm_ops.first = p->n_ops;
    muir_emit_coll(e, "gradient norm", MUIR_ALL_REDUCE, MUIR_AXIS_WORLD, 4.0);
    p->norm_ops.n = p->n_ops - p->norm_ops.first;
    emit_stages(e, emit_update, p->update_ops);
}

/* Sums over the whole model. FLOP: 6 per weight of a product and token, and 12 layers seq q_width per token
 * for attention, the full square as Megatron, PaLM and most sources count it, or what the family has in its
 * place. */
static void add_totals(const muir_job *job, muir_program *p)
{
    const muir_model *model = &job->model;
    const double tp = (double)job->parallel.tp, layers = (double)model->layers;
    const double sharers = (double)(muir_job_etp(job) * job->parallel.ep); /* of experts */
    const double visited = model->experts > 0 ? (double)model->topk : 0.0;
    const double embedding = (double)(model->vocab * model->hidden);
    const double tokens = (double)(job->batch.global_batch_size * job->batch.seq_len);
    const muir_family *family = muir_family_find(model->family);
    const double width = (double)model->head_dim + 0.5 * (double)model->rope_dim;
    const double attention = family->mixing_flop
                                 ? family->mixing_flop(job) / (double)job->batch.seq_len
                                 : 12.0 * layers * (double)(job->batch.seq_len * model->heads) * width;
    double params = 0.0, active = 0.0;
    for (int i = 0; i < p->n_blocks; i++) {
        const muir_block *b = &p->blocks[i];
        if (b->role != MUIR_BLOCK_LAYER) continue;
        const double times = (double)muir_layers_count(b->layers, 0, model->layers);
        const double dense = b->dense_params * tp, experts = b->expert_params * sharers;
        params += times * (dense + experts);
        active += times * (dense + (experts > 0.0 ? experts / (double)model->experts * visited : 0.0));
    }
    p->params = params + embedding * (model->tied_embedding ? 1.0 : 2.0);
    p->active_params = active + embedding * (model->tied_embedding ? 1.0 : 2.0);
    /* weights of which no product is made: of attention, and of each feed-forward part that a token visits */
    const double parts = model->experts > 0 ? visited + (model->shared_experts > 0 ? 1.0 : 0.0) : 1.0;
    const double norms = layers * (1.0 + parts) * (double)model->hidden;
    p->model_flop = tokens * (6.0 * (active - norms + embedding) + attention);
}

muir_status muir_program_create(muir_ctx *ctx, const muir_job *job, muir_program **out)
{
    muir_status st = MUIR_OK;
    muir_program *p = NULL;
    const muir_family *family = muir_family_find(job->model.family);
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *p, "the step program", &p));
    p->n_stages = (int)job->parallel.pp;
    p->n_chunks = (int)(job->parallel.pp * job->parallel.vpp);
    p->n_held = (int)job->parallel.vpp * muir_place_copies(job->place);
    p->place = job->place;
    MUIR_TRY(muir_alloc(ctx, (size_t)p->n_chunks, sizeof *p->chunks, "the step program", &p->chunks));
    MUIR_TRY(muir_alloc(ctx, (size_t)p->n_stages, sizeof *p->sync_ops, "the step program", &p->sync_ops));
    MUIR_TRY(muir_alloc(ctx, (size_t)p->n_stages, sizeof *p->update_ops, "the step program", &p->update_ops));
    muir_emitter e = muir_emitter_make(job, p);
    family->emit(&e);
    p->p2p_bytes =
        p->n_chunks > 1 ? e.sizes.tokens * e.sizes.hidden * e.sizes.act_bytes / e.sizes.split : 0.0;
    if (job->stack.scatter_messages && e.sizes.split == 1.0) p->p2p_bytes /= e.sizes.tp;
    deal_layers(p, job);
    emit_end_of_step(&e);
    (family->add_totals ? family->add_totals : add_totals)(job, p);
    *out = p;
    p = NULL;
done:
    muir_program_destroy(&p);
    return st;
}

void muir_program_destroy(muir_program **program)
{
    if (!*program) return;
    free((*program)->chunks);
    free((*program)->sync_ops);
    free((*program)->update_ops);
    free(*program);
    *program = NULL;
}

const char *muir_op_kind_name(const muir_op *op)
{
    switch (op->kind) {
    case MUIR_OP_GEMM: return "product";
    case MUIR_OP_FFT: return "transform";
    case MUIR_OP_MEM: return "memory";
    case MUIR_OP_COLL: break;
    }
    return muir_coll_kind_name(op->coll.kind);
}

double muir_op_flop(const muir_op *op)
{
    switch (op->kind) {
    case MUIR_OP_GEMM: return 2.0 * op->gemm.m * op->gemm.n * op->gemm.k * op->gemm.count;
    case MUIR_OP_FFT: return 5.0 * op->fft.n * log2(op->fft.n) * op->fft.count;
    default: return 0.0;
    }
}

double muir_op_fft_bytes(const muir_op *op)
{
    return 16.0 * op->fft.n * op->fft.count;
}

double muir_chunk_flop(const muir_program *p, int chunk, muir_phase phase)
{
    const muir_chunk *c = &p->chunks[chunk];
    double flop = 0.0;
    for (int part = 0; part < c->n_parts; part++) {
        const muir_op_range range = p->blocks[c->block[part]].phase[phase];
        for (int i = range.first; i < range.first + range.n; i++)
            flop += muir_op_flop(&p->ops[i]) * c->repeat[part];
    }
    return flop;
}

const muir_block *muir_program_block(const muir_program *p, muir_block_role role)
{
    int i = 0;
    while (i + 1 < p->n_blocks && p->blocks[i].role != role) i++;
    return &p->blocks[i];
}

void muir_program_layers(const muir_program *p, int64_t *least, int64_t *most)
{
    *least = *most = p->chunks[0].n_layers;
    for (int i = 1; i < p->n_chunks; i++) {
        const int64_t n = p->chunks[i].n_layers;
        *least = n < *least ? n : *least;
        *most = n > *most ? n : *most;
    }
}

int muir_program_chunk(const muir_program *p, int stage, int i)
{
    return muir_place_chunk(p->place, p->n_stages, stage, i);
}

double muir_stage_params(const muir_program *p, int stage, bool experts)
{
    double params = 0.0;
    for (int i = 0; i < p->n_held; i++) {
        const muir_chunk *c = &p->chunks[muir_program_chunk(p, stage, i)];
        for (int part = 0; part < c->n_parts; part++) {
            const muir_block *block = &p->blocks[c->block[part]];
            params += (experts ? block->expert_params : block->dense_params) * c->repeat[part];
        }
    }
    return params;
}
