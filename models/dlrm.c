/* SPDX-License-Identifier: BSD-3-Clause */
/* Deep learning recommendation models: embedding tables shared out over all chips, and small dense layers
 * that every chip holds. A sequence is a sample of one token. Sizes in a model file: hidden is the width of
 * an embedding, vocab the rows of all tables, layers the cross layers and ffn their rank (both 1 with dot
 * products). */
#include <stdlib.h>
#include <string.h>

#include "models/emit.h"

enum { MOST_WIDTHS = 16 };

/* Widths of an MLP, its input first. */
typedef struct mlp {
    int n; /* layers; -1: the text is no list of widths */
    double width[MOST_WIDTHS + 1];
} mlp;

static mlp mlp_of(double input, const char *text)
{
    mlp m = {.n = 0, .width = {input}};
    while (m.n < MOST_WIDTHS) {
        char *end = NULL;
        const long width = strtol(text, &end, 10);
        if (end == text || width < 1 || width > 10000000 || (*end != '-' && *end != '\0')) break;
        m.width[++m.n] = (double)width;
        if (*end == '\0') return m;
        text = end + 1;
    }
    m.n = -1;
    return m;
}

static double mlp_params(const mlp *m)
{
    double params = 0.0;
    for (int i = 0; i < m->n; i++) params += m->width[i] * m->width[i + 1];
    return params;
}

typedef struct dlrm_sizes {
    mlp bottom, top;
    double samples;  /* of a microbatch on one chip */
    double features; /* vectors that interact: one a table, and the dense one */
    double dim;      /* of each */
    double act_bytes;
    bool is_dot;
} dlrm_sizes;

static dlrm_sizes sizes_of(const muir_job *job)
{
    const muir_model *m = &job->model;
    dlrm_sizes s;
    s.samples = (double)job->batch.micro_batch_size;
    s.features = (double)m->tables + 1.0;
    s.dim = (double)m->hidden;
    s.act_bytes = muir_sizes_of(job).act_bytes;
    s.is_dot = m->interaction == MUIR_INTERACTION_DOT;
    s.bottom = mlp_of((double)m->dense_features, m->bottom_mlp);
    s.top = mlp_of(s.is_dot ? s.dim + 0.5 * s.features * (s.features - 1.0) : s.features * s.dim, m->top_mlp);
    return s;
}

static int64_t seq_len(const muir_model *model)
{
    (void)model;
    return 1;
}

static muir_status check_layout(muir_ctx *ctx, const muir_job *job)
{
    const muir_parallel *p = &job->parallel;
    if (p->tp != 1 || p->cp != 1 || p->pp != 1 || p->vpp != 1 || job->batch.seq_len != 1)
        return muir_fail(
            ctx, MUIR_ERR_ARG,
            "family dlrm takes seq_len=1 and tp, cp, pp and vpp of 1, but seq_len=%lld tp=%lld cp=%lld "
            "pp=%lld vpp=%lld",
            (long long)job->batch.seq_len, (long long)p->tp, (long long)p->cp, (long long)p->pp,
            (long long)p->vpp);
    if (p->recompute == MUIR_RECOMPUTE_FULL)
        return muir_fail(ctx, MUIR_ERR_ARG, "parallel.recompute=full, but family dlrm has no recomputation");
    if (p->ep != p->dp)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "parallel.ep=%lld, but family dlrm spreads its tables over all dp=%lld replicas",
                         (long long)p->ep, (long long)p->dp);
    return MUIR_OK;
}

static muir_status check(muir_ctx *ctx, const muir_job *job)
{
    const muir_model *m = &job->model;
    const dlrm_sizes s = sizes_of(job);
    if (m->tables < 1 || m->lookups < m->tables || m->dense_features < 1 || m->heads != 1)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "model: tables=%lld lookups=%lld dense_features=%lld heads=%lld, but family dlrm "
                         "needs tables, a lookup or more in each, dense features and 1 head",
                         (long long)m->tables, (long long)m->lookups, (long long)m->dense_features,
                         (long long)m->heads);
    if (s.bottom.n < 1 || s.top.n < 1 || s.bottom.width[s.bottom.n] != s.dim)
        return muir_fail(
            ctx, MUIR_ERR_ARG,
            "model: bottom_mlp='%s' top_mlp='%s' must be widths like 512-256-128, the last of the "
            "bottom hidden=%lld",
            m->bottom_mlp, m->top_mlp, (long long)m->hidden);
    if (s.is_dot && (m->layers != 1 || m->ffn != 1))
        return muir_fail(
            ctx, MUIR_ERR_ARG,
            "model: interaction=dot has no cross layers, so layers and ffn must be 1, not %lld and %lld",
            (long long)m->layers, (long long)m->ffn);
    return check_layout(ctx, job);
}

/* Biases and activations are part of the products' kernels. The first layer's input needs no gradient if it
 * is data. */
static void emit_mlp(muir_emitter *e, const char *name, const mlp *m, double samples, bool is_input_data)
{
    const double *w = m->width;
    if (e->phase == MUIR_FORWARD)
        for (int i = 0; i < m->n; i++) muir_emit_gemm(e, name, samples, w[i + 1], w[i], 1.0);
    if (e->phase == MUIR_BACKWARD)
        for (int i = m->n - 1; i >= is_input_data; i--) muir_emit_gemm(e, name, samples, w[i], w[i + 1], 1.0);
    if (e->phase == MUIR_WEIGHT)
        for (int i = m->n - 1; i >= 0; i--) muir_emit_gemm(e, name, w[i], w[i + 1], samples, 1.0);
}

static void exchange(muir_emitter *e, const char *name, double bytes)
{
    muir_emit_coll(e, name, MUIR_ALL_TO_ALL, MUIR_AXIS_EP, bytes);
}

/* A chip looks the whole group's samples up in its share of the rows, and sends each sample's sums home.
 * Tables are fp32, indices 8 bytes (TorchRec). Backward, gradients of the sums go the other way and each
 * looked-up row is updated by row-wise Adagrad: read and written, with a state per row; rows that several
 * samples share count for each. */
static void emit_tables(muir_emitter *e)
{
    const muir_model *m = &e->job->model;
    const dlrm_sizes s = sizes_of(e->job);
    const double rows = s.samples * (double)m->lookups,
                 pooled = s.samples * (double)m->tables * s.dim * s.act_bytes;
    muir_emit_block(
        e, (muir_block){.name = "tables", .role = MUIR_BLOCK_FIRST, .dense_params = mlp_params(&s.bottom)});
    e->program->table_bytes = (double)m->vocab / (double)e->job->parallel.ep * (s.dim + 1.0) * 4.0;
    muir_emit_phase(e, MUIR_FORWARD);
    exchange(e, "indices", rows * 8.0);
    muir_emit_mem(e, "lookup", rows * s.dim * 4.0 + pooled);
    exchange(e, "embeddings", pooled);
    emit_mlp(e, "bottom", &s.bottom, s.samples, true);
    muir_emit_phase(e, MUIR_BACKWARD);
    emit_mlp(e, "bottom grad", &s.bottom, s.samples, true);
    exchange(e, "embedding gradients", pooled);
    muir_emit_phase(e, MUIR_WEIGHT);
    emit_mlp(e, "bottom weight", &s.bottom, s.samples, true);
    muir_emit_mem(e, "row update", pooled + rows * (2.0 * s.dim + 2.0) * 4.0);
}

/* What both MLPs keep of a microbatch, shared out over the layers, with which it is counted. */
static double mlp_activations(const muir_job *job, const dlrm_sizes *s)
{
    double widths = 0.0;
    for (int i = 1; i <= s->top.n; i++) widths += s->top.width[i];
    for (int i = 0; i <= s->bottom.n; i++) widths += s->bottom.width[i];
    return widths * s->samples * s->act_bytes / (double)job->model.layers;
}

/* x' = x0 (W V x + b) + x over all vectors side by side, W and V of rank ffn (Wang et al., DCN V2, 2021). */
static void emit_cross(muir_emitter *e)
{
    const dlrm_sizes s = sizes_of(e->job);
    const double width = s.features * s.dim, rank = (double)e->job->model.ffn;
    const double pass = s.samples * width * s.act_bytes;
    const double kept = 3.0 * pass + s.samples * rank * s.act_bytes;
    muir_emit_block(e, (muir_block){.name = "cross layer",
                                    .role = MUIR_BLOCK_LAYER,
                                    .layers = {0, e->job->model.layers, 1},
                                    .dense_params = 2.0 * width * rank,
                                    .kept = {{.bytes = kept + mlp_activations(e->job, &s)}},
                                    .n_kept = 1});
    muir_emit_phase(e, MUIR_FORWARD);
    muir_emit_gemm(e, "cross down", s.samples, rank, width, 1.0);
    muir_emit_gemm(e, "cross up", s.samples, width, rank, 1.0);
    muir_emit_mem(e, "cross", 4.0 * pass);
    muir_emit_phase(e, MUIR_BACKWARD);
    muir_emit_mem(e, "cross", 6.0 * pass);
    muir_emit_gemm(e, "cross up grad", s.samples, rank, width, 1.0);
    muir_emit_gemm(e, "cross down grad", s.samples, width, rank, 1.0);
    muir_emit_phase(e, MUIR_WEIGHT);
    muir_emit_gemm(e, "cross up weight", rank, width, s.samples, 1.0);
    muir_emit_gemm(e, "cross down weight", width, rank, s.samples, 1.0);
}

/* Dot products of all pairs of a sample's vectors (Naumov et al., DLRM, 2019). */
static void emit_dot(muir_emitter *e)
{
    const dlrm_sizes s = sizes_of(e->job);
    const double bytes = s.samples * (s.features * s.dim + s.top.width[0]) * s.act_bytes;
    muir_emit_block(e, (muir_block){.name = "dot products",
                                    .role = MUIR_BLOCK_LAYER,
                                    .layers = {0, e->job->model.layers, 1},
                                    .kept = {{.bytes = bytes + mlp_activations(e->job, &s)}},
                                    .n_kept = 1});
    muir_emit_phase(e, MUIR_FORWARD);
    muir_emit_gemm(e, "dot", s.features, s.features, s.dim, s.samples);
    muir_emit_mem(e, "pick pairs", bytes);
    muir_emit_phase(e, MUIR_BACKWARD);
    muir_emit_mem(e, "pick pairs", bytes);
    muir_emit_gemm(e, "dot grad", s.features, s.dim, s.features, s.samples);
}

static void emit_top(muir_emitter *e)
{
    const dlrm_sizes s = sizes_of(e->job);
    muir_emit_block(e,
                    (muir_block){.name = "top", .role = MUIR_BLOCK_LAST, .dense_params = mlp_params(&s.top)});
    for (muir_phase phase = MUIR_FORWARD; phase < MUIR_PHASE_COUNT; phase++) {
        muir_emit_phase(e, phase);
        emit_mlp(e, "top", &s.top, s.samples, false);
    }
}

static void emit(muir_emitter *e)
{
    emit_tables(e);
    if (e->job->model.interaction == MUIR_INTERACTION_DOT)
        emit_dot(e);
    else
        emit_cross(e);
    emit_top(e);
}

/* 6 FLOP a dense weight and sample, less the gradient of the data; 4 a multiply-add of the dot products. */
static void add_totals(const muir_job *job, muir_program *p)
{
    const dlrm_sizes s = sizes_of(job);
    const double layers = (double)job->model.layers;
    const double dense = muir_program_block(p, MUIR_BLOCK_FIRST)->dense_params +
                         layers * muir_program_block(p, MUIR_BLOCK_LAYER)->dense_params +
                         muir_program_block(p, MUIR_BLOCK_LAST)->dense_params;
    const double data = 2.0 * s.bottom.width[0] * s.bottom.width[1];
    const double dot = s.is_dot ? 4.0 * s.features * s.features * s.dim : 0.0;
    p->params = dense + (double)job->model.vocab * s.dim;
    p->active_params = dense + (double)job->model.lookups * s.dim;
    p->model_flop = (double)job->batch.global_batch_size * (6.0 * dense - data + dot);
}

static const char *const keys[] = {"tables",      "lookups", "dense_features", "bottom_mlp", "top_mlp",
                                   "interaction", NULL};

const muir_family muir_family_dlrm = {
    .name = "dlrm",
    .keys = keys,
    .is_headless = true,
    .has_one_recompute = true,
    .check = check,
    .emit = emit,
    .seq_len = seq_len,
    .add_totals = add_totals,
    .source = "Naumov et al., arXiv 1906.00091; Wang et al., DCN V2, arXiv 2008.13535; MLPerf DLRM-dcnv2",
};
