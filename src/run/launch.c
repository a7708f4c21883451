/* SPDX-License-Identifier: BSD-3-Clause */
/* Gathering the facts of a launch. */
#include "run/launch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static muir_status make_arrays(muir_ctx *ctx, muir_launch *l)
{
    muir_status st = MUIR_OK;
    const char *what = "the launch's facts";
    MUIR_TRY(muir_alloc(ctx, l->n_ranks, sizeof(int64_t), what, &l->first_replica));
    MUIR_TRY(muir_alloc(ctx, l->n_ranks, sizeof(int64_t), what, &l->replicas));
    for (int a = 0; a < MUIR_MESH_AXES; a++)
        MUIR_TRY(muir_alloc(ctx, l->n_ranks, sizeof(int64_t), what, &l->mesh[a]));
    MUIR_TRY(muir_alloc(ctx, l->n_ranks, sizeof(double), what, &l->peak_flop_per_s));
    MUIR_TRY(muir_alloc(ctx, l->n_ranks, MUIR_NODE_SIZE, what, &l->node_names));
    MUIR_TRY(muir_alloc(ctx, l->n_ranks, sizeof(char *), what, &l->node));
    MUIR_TRY(muir_alloc(ctx, l->n_ranks, MUIR_BINDING_SIZE, what, &l->binding_texts));
    MUIR_TRY(muir_alloc(ctx, l->n_ranks, sizeof(char *), what, &l->binding));
    MUIR_TRY(muir_alloc(ctx, l->n_ops, sizeof(char *), what, &l->op_name));
    MUIR_TRY(muir_alloc(ctx, l->n_ops, sizeof(char *), what, &l->op_kind));
    MUIR_TRY(muir_alloc(ctx, l->n_ops, sizeof(double), what, &l->op_s));
    MUIR_TRY(muir_alloc(ctx, l->n_colls, sizeof(char *), what, &l->coll_op));
    MUIR_TRY(muir_alloc(ctx, l->n_colls, sizeof(char *), what, &l->coll_algorithm));
    MUIR_TRY(muir_alloc(ctx, l->n_colls, sizeof(char *), what, &l->coll_axis));
    MUIR_TRY(muir_alloc(ctx, l->n_colls, sizeof(char *), what, &l->coll_purpose));
    MUIR_TRY(muir_alloc(ctx, l->n_colls, sizeof(int64_t), what, &l->coll_ranks));
    MUIR_TRY(muir_alloc(ctx, l->n_colls, sizeof(double), what, &l->coll_bytes));
    MUIR_TRY(muir_alloc(ctx, l->n_colls, sizeof(char *), what, &l->coll_chosen));
    MUIR_TRY(muir_alloc(ctx, l->n_colls, sizeof(double), what, &l->coll_median_s));
    MUIR_TRY(muir_alloc(ctx, l->n_colls, sizeof(double), what, &l->coll_mpi_s));
    MUIR_TRY(muir_alloc(ctx, l->n_trials, sizeof(int64_t), what, &l->trial_coll));
    MUIR_TRY(muir_alloc(ctx, l->n_trials, sizeof(char *), what, &l->trial_algorithm));
    MUIR_TRY(muir_alloc(ctx, l->n_trials, sizeof(double), what, &l->trial_s));
done:
    return st;
}

static muir_status gather_ranks(muir_ctx *ctx, const muir_scenario *scenario, muir_launch *l)
{
    muir_status st = MUIR_OK;
    char node[MPI_MAX_PROCESSOR_NAME + 1] = "", mine[MUIR_NODE_SIZE] = "";
    int length = 0;
    for (size_t r = 0; r < l->n_ranks; r++) {
        const muir_fold fold = muir_fold_make(scenario, ctx->size, (int)r);
        l->first_replica[r] = fold.replicas.first;
        l->replicas[r] = fold.replicas.n;
        for (int a = 0; a < MUIR_MESH_AXES; a++) l->mesh[a][r] = fold.place[a];
        l->node[r] = l->node_names + r * MUIR_NODE_SIZE;
        l->binding[r] = l->binding_texts + r * MUIR_BINDING_SIZE;
    }
    MUIR_TRY_MPI(MPI_Get_processor_name(node, &length));
    snprintf(mine, sizeof mine, "%.*s", MUIR_NODE_SIZE - 1, node);
    MUIR_TRY_MPI(
        MPI_Gather(mine, MUIR_NODE_SIZE, MPI_CHAR, l->node_names, MUIR_NODE_SIZE, MPI_CHAR, 0, ctx->comm));
    MUIR_TRY_MPI(MPI_Gather(l->host.binding, MUIR_BINDING_SIZE, MPI_CHAR, l->binding_texts, MUIR_BINDING_SIZE,
                            MPI_CHAR, 0, ctx->comm));
    MUIR_TRY_MPI(
        MPI_Gather(&l->host.peak_flop_per_s, 1, MPI_DOUBLE, l->peak_flop_per_s, 1, MPI_DOUBLE, 0, ctx->comm));
done:
    return st;
}

static void list_ops(const muir_program *program, const muir_host_times *times, muir_launch *l)
{
    for (int i = 0; program && i < program->n_ops; i++) {
        const muir_op *op = &program->ops[i];
        l->op_s[i] = times->op_s[i];
        l->op_name[i] = op->name;
        l->op_kind[i] = muir_op_kind_name(op);
    }
    if (!program) return;
    l->op_name[program->n_ops] = l->op_name[program->n_ops + 1] = "message between stages";
    l->op_s[program->n_ops] = l->op_s[program->n_ops + 1] = times->p2p_s;
    l->op_kind[program->n_ops] = "receive";
    l->op_kind[program->n_ops + 1] = "send";
}

static void list_colls(const muir_host_ops *ops, muir_launch *l)
{
    for (int i = 0; ops && i < muir_host_ops_coll_count(ops); i++) {
        const muir_host_coll *c = muir_host_ops_coll_at(ops, i);
        l->coll_op[i] = muir_coll_kind_name(c->op->coll.kind);
        l->coll_algorithm[i] = c->algorithm->name;
        l->coll_axis[i] = muir_axis_name(c->op->coll.axis);
        l->coll_purpose[i] = c->op->name;
        l->coll_ranks[i] = c->comm->size;
        l->coll_bytes[i] = 4.0 * (double)c->count;
        l->coll_chosen[i] = muir_chosen_name(c->chosen);
        l->coll_median_s[i] = c->choice.time_s;
        l->coll_mpi_s[i] = c->choice.mpi_s;
    }
}

static void list_trials(const muir_host_ops *ops, muir_launch *l)
{
    size_t n = 0;
    for (int i = 0; ops && i < muir_host_ops_coll_count(ops); i++) {
        const muir_coll_choice *choice = &muir_host_ops_coll_at(ops, i)->choice;
        for (int t = 0; t < choice->n_trials; t++, n++) {
            l->trial_coll[n] = i;
            l->trial_algorithm[n] = choice->trials[t].coll->name;
            l->trial_s[n] = choice->trials[t].time_s;
        }
    }
}

/* Numbers of collectives and of trials, as rank 0 has them. */
static void count_colls(const muir_host_ops *ops, int counts[2])
{
    counts[0] = ops ? muir_host_ops_coll_count(ops) : 0;
    counts[1] = 0;
    for (int i = 0; i < counts[0]; i++) counts[1] += muir_host_ops_coll_at(ops, i)->choice.n_trials;
}

static muir_status fill(muir_ctx *ctx, const muir_scenario *scenario, const muir_host_clock *host,
                        muir_launch *l)
{
    muir_status st = MUIR_OK;
    const muir_host_ops *ops = host ? muir_host_clock_ops(host) : NULL;
    int mine[2], counts[2];
    count_colls(ops, mine);
    memcpy(counts, mine, sizeof counts);
    MUIR_TRY_MPI(MPI_Bcast(counts, 2, MPI_INT, 0, ctx->comm)); /* rank 0 always has a part */
    l->n_ranks = (size_t)ctx->size;
    l->n_colls = (size_t)counts[0];
    l->n_trials = (size_t)counts[1];
    if (host) l->host = *muir_host_clock_facts(host);
    const muir_program *program = host ? muir_host_clock_program(host) : NULL;
    l->n_ops = program ? (size_t)program->n_ops + 2 : 0;
    l->shrink_bytes = l->host.shrink.factor * l->host.shrink.factor;
    l->is_overlapped = scenario->host.overlap;
    MUIR_TRY(muir_agree(ctx, make_arrays(ctx, l)));
    MUIR_TRY(gather_ranks(ctx, scenario, l));
    list_ops(program, host ? muir_host_clock_times(host) : NULL, l);
    list_colls(ops, l);
    if (mine[1] == counts[1]) list_trials(ops, l); /* only rank 0's are stored */
done:
    return st;
}

muir_status muir_launch_create(muir_ctx *ctx, const muir_scenario *scenario, const muir_host_clock *host,
                               muir_launch **out)
{
    muir_status st = MUIR_OK;
    muir_launch *l = NULL;
    MUIR_TRY(muir_agree(ctx, muir_alloc(ctx, 1, sizeof *l, "the launch's facts", &l)));
    MUIR_TRY(fill(ctx, scenario, host, l));
    *out = l;
    l = NULL;
done:
    muir_launch_destroy(&l);
    return st;
}

void muir_launch_destroy(muir_launch **launch)
{
    muir_launch *l = *launch;
    if (!l) return;
    for (int a = 0; a < MUIR_MESH_AXES; a++) free(l->mesh[a]);
    free(l->first_replica);
    free(l->replicas);
    free(l->peak_flop_per_s);
    free(l->node_names);
    free(l->node);
    free(l->binding_texts);
    free(l->binding);
    free(l->op_name);
    free(l->op_kind);
    free(l->op_s);
    free(l->coll_op);
    free(l->coll_algorithm);
    free(l->coll_axis);
    free(l->coll_purpose);
    free(l->coll_ranks);
    free(l->coll_bytes);
    free(l->coll_chosen);
    free(l->coll_median_s);
    free(l->coll_mpi_s);
    free(l->trial_coll);
    free(l->trial_algorithm);
    free(l->trial_s);
    free(l);
    *launch = NULL;
}
