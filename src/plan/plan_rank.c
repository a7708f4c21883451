/* SPDX-License-Identifier: BSD-3-Clause */
/* A sorted list of the best, and its meeting over ranks. */
#include "plan/plan_rank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const double alike = 1e-4; /* of a step */

muir_status muir_ranking_create(muir_ctx *ctx, int room, bool is_pareto, muir_ranking **out)
{
    muir_status st = MUIR_OK;
    muir_ranking *r = NULL;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *r, "the ranking", &r));
    MUIR_TRY(muir_alloc(ctx, (size_t)room, sizeof *r->entries, "the ranking", &r->entries));
    r->room = room;
    r->is_pareto = is_pareto;
    *out = r;
    r = NULL;
done:
    muir_ranking_destroy(&r);
    return st;
}

void muir_ranking_destroy(muir_ranking **ranking)
{
    if (!*ranking) return;
    free((*ranking)->entries);
    free(*ranking);
    *ranking = NULL;
}

bool muir_entry_is_before(const muir_plan_entry *a, const muir_plan_entry *b)
{
    if (a->score != b->score) return a->score < b->score;
    if (a->memory_bytes != b->memory_bytes) return a->memory_bytes < b->memory_bytes;
    return a->number < b->number;
}

/* a is at least as good in everything; of equals, the one that stands before wins. */
static bool beats(const muir_plan_entry *a, const muir_plan_entry *b)
{
    if (a->step_s > b->step_s || a->chips > b->chips || a->usd_per_mtoken > b->usd_per_mtoken) return false;
    const bool is_equal =
        a->step_s == b->step_s && a->chips == b->chips && a->usd_per_mtoken == b->usd_per_mtoken;
    return !is_equal || muir_entry_is_before(a, b);
}

static void remove_beaten(muir_ranking *r, const muir_plan_entry *entry)
{
    int kept = 0;
    for (int i = 0; i < r->n; i++)
        if (!beats(entry, &r->entries[i])) r->entries[kept++] = r->entries[i];
    r->n = kept;
}

static bool is_beaten(const muir_ranking *r, const muir_plan_entry *entry)
{
    for (int i = 0; i < r->n; i++)
        if (beats(&r->entries[i], entry)) return true;
    return false;
}

/* The same but for the order in which axes number the chips, and no difference that anyone could see. */
static bool is_twin(const muir_plan_entry *a, const muir_plan_entry *b)
{
    const muir_parallel *p = &a->parallel, *q = &b->parallel;
    const bool is_same = p->tp == q->tp && p->cp == q->cp && p->ep == q->ep && p->pp == q->pp &&
                         p->vpp == q->vpp && p->dp == q->dp && strcmp(p->schedule, q->schedule) == 0 &&
                         p->zero_stage == q->zero_stage && p->recompute == q->recompute &&
                         strcmp(p->recompute_modules, q->recompute_modules) == 0 &&
                         a->micro_batch_size == b->micro_batch_size;
    return is_same && fabs(a->step_s - b->step_s) < alike * a->step_s;
}

/* Place of a twin in the ranking, -1 if it has none. */
static int twin_of(const muir_ranking *r, const muir_plan_entry *entry)
{
    for (int i = 0; i < r->n; i++)
        if (is_twin(&r->entries[i], entry)) return i;
    return -1;
}

bool muir_ranking_wants(const muir_ranking *r, const muir_plan_entry *entry)
{
    const int twin = twin_of(r, entry);
    if (r->is_pareto && is_beaten(r, entry)) return false;
    if (twin >= 0) return muir_entry_is_before(entry, &r->entries[twin]);
    return r->n < r->room || muir_entry_is_before(entry, &r->entries[r->n - 1]);
}

void muir_ranking_offer(muir_ranking *r, const muir_plan_entry *entry)
{
    if (!muir_ranking_wants(r, entry)) return;
    const int twin = twin_of(r, entry);
    if (twin >= 0) {
        memmove(&r->entries[twin], &r->entries[twin + 1], (size_t)(r->n - twin - 1) * sizeof *entry);
        r->n--;
    }
    if (r->is_pareto) remove_beaten(r, entry);
    int at = r->n < r->room ? r->n++ : r->n - 1;
    for (; at > 0 && muir_entry_is_before(entry, &r->entries[at - 1]); at--)
        r->entries[at] = r->entries[at - 1];
    r->entries[at] = *entry;
}

muir_status muir_ranking_meet(muir_ctx *ctx, muir_ranking *r)
{
    muir_status st = MUIR_OK;
    muir_plan_entry *mine = NULL, *theirs = NULL;
    const int n_mine = r->n;
    if (ctx->size == 1) return MUIR_OK; /* nobody to meet, and perhaps no MPI */
    st = muir_alloc(ctx, (size_t)r->room, sizeof *mine, "the ranking", &mine);
    if (st == MUIR_OK) st = muir_alloc(ctx, (size_t)r->room, sizeof *theirs, "the ranking", &theirs);
    MUIR_TRY(muir_agree(ctx, st));
    memcpy(mine, r->entries, (size_t)n_mine * sizeof *mine);
    for (int rank = 0; rank < ctx->size; rank++) {
        const bool is_mine = rank == ctx->rank;
        int n = n_mine;
        MUIR_TRY_MPI(MPI_Bcast(&n, 1, MPI_INT, rank, ctx->comm));
        MUIR_TRY_MPI(MPI_Bcast(is_mine ? mine : theirs, n * (int)sizeof *mine, MPI_BYTE, rank, ctx->comm));
        for (int i = 0; i < n && !is_mine; i++) muir_ranking_offer(r, &theirs[i]);
    }
done:
    free(mine);
    free(theirs);
    return st;
}
