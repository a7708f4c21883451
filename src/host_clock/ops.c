/* SPDX-License-Identifier: BSD-3-Clause */
/* Preparing and running single ops of the shrunk step program. */
#include "host_clock/ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "collectives/measure.h"
#include "collectives/shared.h"
#include "host_clock/pattern.h"

enum { MEM_BYTES = 96 << 20 }; /* three vectors beyond any last-level cache share of a core */

/* The word that leaves the choice to a measurement. */
static const char *const automatic = "auto";

typedef struct host_gemm {
    muir_gemm_size size;
    int count;
    float *a, *b, *c;
    muir_gemm_check *check;
} host_gemm;

/* Where the collectives of one communicator take their data from, and put it. */
typedef struct payload {
    muir_coll_comm *comm; /* borrowed from the mesh, which outlives the ops */
    float *send, *recv;
} payload;

struct muir_host_ops {
    const muir_program *program;   /* borrowed; outlives the ops */
    const muir_kernels *kernels;   /* borrowed; outlives the ops */
    const muir_scenario *scenario; /* borrowed; outlives the ops */
    muir_shrink shrink;
    host_gemm *gemms;      /* [n_ops]; empty where the op is none */
    muir_host_coll *colls; /* [n_colls] */
    int *coll_of;          /* [n_ops]: index into colls, -1: none */
    int n_colls;
    payload payloads[MUIR_MESH_AXES + 1]; /* one for each communicator that is used */
    int n_payloads;
    muir_mem *mem;
};

const char *muir_host_algorithm(const muir_scenario *scenario, muir_coll_kind kind)
{
    const muir_host_options *host = &scenario->host;
    switch (kind) {
    case MUIR_ALL_REDUCE: return host->all_reduce;
    case MUIR_REDUCE_SCATTER: return host->reduce_scatter;
    case MUIR_ALL_GATHER: return host->all_gather;
    case MUIR_ALL_TO_ALL: return host->all_to_all;
    default: return "";
    }
}

muir_status muir_host_algorithms_check(muir_ctx *ctx, const muir_scenario *scenario)
{
    for (muir_coll_kind kind = 0; kind < MUIR_COLL_KIND_COUNT; kind++) {
        const char *name = muir_host_algorithm(scenario, kind);
        if (name[0] == '\0' || strcmp(name, automatic) == 0 || muir_coll_find(kind, name)) continue;
        char known[600] = "";
        size_t used = (size_t)snprintf(known, sizeof known, "%s", automatic);
        for (size_t i = 0; i < muir_coll_count() && used < sizeof known; i++)
            if (muir_coll_at(i)->kind == kind)
                used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "",
                                         muir_coll_at(i)->name);
        return muir_fail(ctx, MUIR_ERR_ARG, "host.%s '%s' is unknown; known: %s", muir_coll_kind_name(kind),
                         name, known);
    }
    return MUIR_OK;
}

static muir_status prepare_gemm(muir_ctx *ctx, muir_host_ops *ops, int index)
{
    muir_status st = MUIR_OK;
    const muir_op *op = &ops->program->ops[index];
    host_gemm *g = &ops->gemms[index];
    const double f = ops->shrink.factor;
    g->size =
        (muir_gemm_size){muir_shrink_size(op->m, f), muir_shrink_size(op->n, f), muir_shrink_size(op->k, f)};
    g->count = muir_shrink_count(op->count, f);
    MUIR_TRY(muir_alloc(ctx, g->size.m * g->size.k, sizeof(float), "operands of a product", &g->a));
    MUIR_TRY(muir_alloc(ctx, g->size.k * g->size.n, sizeof(float), "operands of a product", &g->b));
    MUIR_TRY(muir_alloc(ctx, g->size.m * g->size.n, sizeof(float), "a product", &g->c));
    muir_gemm_operands((uint64_t)index, g->size, g->a, g->b);
    MUIR_TRY(muir_gemm_check_create(ctx, (uint64_t)index, g->size, g->a, g->b, &g->check));
done:
    return st;
}

static muir_coll_spec spec_of(const muir_host_coll *c)
{
    return (muir_coll_spec){.count = c->count, .dtype = MUIR_FP32, .reduce = MUIR_SUM};
}

/* The first row of the table that does this here. */
static muir_status prepare_first(muir_ctx *ctx, muir_host_coll *c)
{
    const muir_coll_spec spec = spec_of(c);
    for (size_t i = 0; i < muir_coll_count(); i++) {
        c->algorithm = muir_coll_at(i);
        if (c->algorithm->kind != c->op->coll) continue;
        if (muir_coll_op_create(ctx, c->comm, c->algorithm, &spec, &c->prepared) == MUIR_OK) return MUIR_OK;
        muir_ctx_clear(ctx);
    }
    return muir_fail(ctx, MUIR_ERR_ARG, "no algorithm does %s", muir_coll_kind_name(c->op->coll));
}

static bool is_automatic(const muir_host_ops *ops, const muir_host_coll *c)
{
    return strcmp(muir_host_algorithm(ops->scenario, c->op->coll), automatic) == 0;
}

static muir_status prepare_coll(muir_ctx *ctx, muir_host_ops *ops, int index, muir_coll_comm *comm)
{
    muir_status st = MUIR_OK;
    const muir_op *op = &ops->program->ops[index];
    muir_host_coll *c = &ops->colls[ops->n_colls];
    c->op = op;
    c->comm = comm;
    c->count = muir_shrink_elements(op->bytes, ops->shrink.factor);
    ops->coll_of[index] = ops->n_colls++;
    if (is_automatic(ops, c)) {
        MUIR_TRY(prepare_first(ctx, c));
    } else {
        const muir_coll_spec spec = spec_of(c);
        c->algorithm = muir_coll_find(op->coll, muir_host_algorithm(ops->scenario, op->coll));
        MUIR_TRY(muir_coll_op_create(ctx, comm, c->algorithm, &spec, &c->prepared));
    }
done:
    return st;
}

muir_status muir_host_ops_tune(muir_ctx *ctx, muir_host_ops *ops)
{
    muir_status st = MUIR_OK;
    for (int i = 0; i < ops->n_colls; i++) {
        muir_host_coll *c = &ops->colls[i];
        const muir_coll_spec spec = spec_of(c);
        if (!is_automatic(ops, c)) continue;
        MUIR_TRY(muir_coll_choose(ctx, c->comm, c->op->coll, &spec, &c->algorithm));
        muir_coll_op_destroy(&c->prepared);
        MUIR_TRY(muir_coll_op_create(ctx, c->comm, c->algorithm, &spec, &c->prepared));
        c->calls = c->seconds = 0.0;
    }
done:
    return st;
}

/* Room for the longest collective of a communicator, in memory that its ranks can reach from each other. */
static muir_status prepare_payload(muir_ctx *ctx, muir_host_ops *ops, muir_coll_comm *comm)
{
    muir_status st = MUIR_OK;
    size_t most_send = 0, most_recv = 0;
    payload *p = &ops->payloads[ops->n_payloads];
    for (int i = 0; i < ops->n_colls; i++) {
        const muir_host_coll *c = &ops->colls[i];
        size_t n_send = 0, n_recv = 0;
        if (c->comm != comm) continue;
        muir_coll_lengths(c->op->coll, c->count, comm->size, comm->rank, &n_send, &n_recv);
        if (n_send > most_send) most_send = n_send;
        if (n_recv > most_recv) most_recv = n_recv;
    }
    p->comm = comm;
    ops->n_payloads++;
    MUIR_TRY(muir_coll_alloc(ctx, comm, most_send * sizeof(float), &p->send));
    MUIR_TRY(muir_coll_alloc(ctx, comm, most_recv * sizeof(float), &p->recv));
done:
    return st;
}

static const payload *payload_of(const muir_host_ops *ops, const muir_coll_comm *comm)
{
    for (int i = 0; i < ops->n_payloads; i++)
        if (ops->payloads[i].comm == comm) return &ops->payloads[i];
    return NULL;
}

static muir_status prepare_payloads(muir_ctx *ctx, muir_host_ops *ops)
{
    for (int i = 0; i < ops->n_colls; i++) {
        muir_host_coll *c = &ops->colls[i];
        if (!payload_of(ops, c->comm)) {
            const muir_status st = prepare_payload(ctx, ops, c->comm);
            if (st != MUIR_OK) return st;
        }
        c->send = payload_of(ops, c->comm)->send;
        c->recv = payload_of(ops, c->comm)->recv;
    }
    return MUIR_OK;
}

static muir_status prepare(muir_ctx *ctx, muir_host_ops *ops, const muir_mesh *mesh)
{
    muir_status st = MUIR_OK;
    const size_t n = (size_t)ops->program->n_ops;
    MUIR_TRY(muir_alloc(ctx, n, sizeof *ops->gemms, "the host's program", &ops->gemms));
    MUIR_TRY(muir_alloc(ctx, n, sizeof *ops->colls, "the host's program", &ops->colls));
    MUIR_TRY(muir_alloc(ctx, n, sizeof *ops->coll_of, "the host's program", &ops->coll_of));
    for (int i = 0; i < ops->program->n_ops; i++) {
        const muir_op *op = &ops->program->ops[i];
        muir_coll_comm *comm = op->kind == MUIR_OP_COLL ? muir_mesh_comm(mesh, op->axis) : NULL;
        ops->coll_of[i] = -1;
        if (op->kind == MUIR_OP_GEMM) MUIR_TRY(prepare_gemm(ctx, ops, i));
        if (comm) MUIR_TRY(prepare_coll(ctx, ops, i, comm));
    }
    MUIR_TRY(prepare_payloads(ctx, ops));
    MUIR_TRY(muir_mem_create(ctx, MEM_BYTES, &ops->mem));
done:
    return st;
}

muir_status muir_host_ops_create(muir_ctx *ctx, const muir_scenario *scenario, const muir_program *program,
                                 const muir_mesh *mesh, const muir_kernels *kernels,
                                 const muir_shrink *shrink, muir_host_ops **out)
{
    muir_status st = MUIR_OK;
    muir_host_ops *ops = NULL;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *ops, "the host's program", &ops));
    ops->program = program;
    ops->kernels = kernels;
    ops->scenario = scenario;
    ops->shrink = *shrink;
    MUIR_TRY(prepare(ctx, ops, mesh));
    *out = ops;
    ops = NULL;
done:
    muir_host_ops_destroy(&ops);
    return st;
}

void muir_host_ops_destroy(muir_host_ops **pointer)
{
    muir_host_ops *ops = *pointer;
    if (!ops) return;
    for (int i = 0; ops->gemms && i < ops->program->n_ops; i++) {
        free(ops->gemms[i].a);
        free(ops->gemms[i].b);
        free(ops->gemms[i].c);
        muir_gemm_check_destroy(&ops->gemms[i].check);
    }
    for (int i = 0; i < ops->n_colls; i++) muir_coll_op_destroy(&ops->colls[i].prepared);
    muir_mem_destroy(&ops->mem);
    free(ops->gemms);
    free(ops->colls);
    free(ops->coll_of);
    for (int i = 0; i < ops->n_payloads; i++) {
        muir_coll_free(ops->payloads[i].comm, ops->payloads[i].send);
        muir_coll_free(ops->payloads[i].comm, ops->payloads[i].recv);
    }
    free(ops);
    *pointer = NULL;
}

/* The result is overwritten before each product, so that an old one can never pass for a new one. */
static muir_status run_gemm(muir_ctx *ctx, muir_host_ops *ops, host_gemm *g, muir_tally *tally)
{
    muir_status st = MUIR_OK;
    const double m = (double)g->size.m, n = (double)g->size.n, k = (double)g->size.k;
    for (int i = 0; i < g->count; i++) {
        double start_s = muir_now_s();
        if (ops->scenario->host.check) memset(g->c, 0xff, g->size.m * g->size.n * sizeof(float));
        tally->check_s += muir_now_s() - start_s;
        start_s = muir_now_s();
        MUIR_TRY(ops->kernels->gemm->run(ctx, ops->kernels, g->size, g->a, g->b, g->c));
        tally->gemm_s += muir_now_s() - start_s;
        tally->gemm_flop += 2.0 * m * n * k;
        if (!ops->scenario->host.check) continue;
        start_s = muir_now_s();
        size_t first_row = 0;
        tally->wrong += muir_gemm_check_run(g->check, g->c, &first_row) > 0;
        tally->checked++;
        tally->check_s += muir_now_s() - start_s;
    }
done:
    return st;
}

static muir_status run_coll(muir_ctx *ctx, muir_host_ops *ops, muir_host_coll *c, uint32_t salt,
                            muir_tally *tally)
{
    muir_status st = MUIR_OK;
    const int p = c->comm->size, rank = c->comm->rank;
    size_t n_send = 0, n_recv = 0, offset = 0, n = 0;
    muir_coll_lengths(c->op->coll, c->count, p, rank, &n_send, &n_recv);
    double start_s = muir_now_s();
    if (ops->scenario->host.check) {
        if (c->op->coll == MUIR_ALL_GATHER) muir_coll_block(c->count, p, rank, &offset, &n);
        muir_pattern_fill(c->send, n_send, offset, rank, salt);
        memset(c->recv, 0xff, n_recv * sizeof(float));
    }
    tally->check_s += muir_now_s() - start_s;
    start_s = muir_now_s();
    MUIR_TRY(muir_coll_run(ctx, c->prepared, c->send, c->recv));
    const double took_s = muir_now_s() - start_s;
    c->calls += 1.0;
    c->seconds += took_s;
    if (c->calls == 1.0 || took_s < c->best_s) c->best_s = took_s;
    tally->coll_s += took_s;
    tally->coll_bytes += 4.0 * (double)c->count;
    if (!ops->scenario->host.check) goto done;
    start_s = muir_now_s();
    tally->wrong += muir_pattern_check(c->op->coll, c->recv, c->count, p, rank, salt) > 0;
    tally->checked++;
    tally->check_s += muir_now_s() - start_s;
done:
    return st;
}

static void run_mem(muir_host_ops *ops, const muir_op *op, muir_tally *tally)
{
    const size_t bytes = 4 * muir_shrink_elements(op->bytes, ops->shrink.factor);
    const double start_s = muir_now_s();
    muir_mem_stream(ops->mem, MUIR_MEM_COPY, bytes);
    tally->mem_s += muir_now_s() - start_s;
    tally->mem_bytes += (double)bytes;
}

muir_status muir_host_ops_run(muir_ctx *ctx, muir_host_ops *ops, int index, uint32_t salt, muir_tally *tally)
{
    const muir_op *op = &ops->program->ops[index];
    switch (op->kind) {
    case MUIR_OP_GEMM: return run_gemm(ctx, ops, &ops->gemms[index], tally);
    case MUIR_OP_MEM: run_mem(ops, op, tally); return MUIR_OK;
    case MUIR_OP_COLL: break;
    }
    const int coll = ops->coll_of[index];
    return coll < 0 ? MUIR_OK : run_coll(ctx, ops, &ops->colls[coll], salt, tally);
}

int muir_host_ops_coll_count(const muir_host_ops *ops)
{
    return ops->n_colls;
}

const muir_host_coll *muir_host_ops_coll_at(const muir_host_ops *ops, int i)
{
    return &ops->colls[i];
}
