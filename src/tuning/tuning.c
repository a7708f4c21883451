/* SPDX-License-Identifier: BSD-3-Clause */
/* Looking up, measuring and keeping the choice of algorithms. */
#include "tuning/tuning.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tuning/host_set.h"
#include "scenario/tuning_table.h"

/* Longest trials of one choice and of all choices of a launch; what a table keeps pays off later. */
typedef struct patience {
    double choice_s, launch_s;
} patience;
static const patience without_table = {0.1, 0.5}, with_table = {1.0, 60.0};

struct muir_tuning {
    muir_host_set here;
    muir_tuning_table table; /* all rows of the file, then those of this launch */
    muir_tuning_facts facts;
    double spent_s;
};

const char *muir_chosen_name(muir_chosen chosen)
{
    static const char *const words[] = {
#define MUIR_CHOSEN_WORD(constant, word) word,
        MUIR_CHOSEN_LIST(MUIR_CHOSEN_WORD)
#undef MUIR_CHOSEN_WORD
    };
    return words[chosen];
}

static bool is_here(const muir_tuning *t, const muir_tuning_row *row)
{
    return strcmp(row->launch, t->here.launch) == 0 && strcmp(row->cpu, t->here.cpu) == 0 &&
           strcmp(row->mpi, t->here.mpi) == 0 && row->cores == t->here.cores;
}

/* Opening. */

static muir_status check_row(muir_ctx *ctx, const char *path, const muir_tuning_row *row)
{
    char known[600] = "";
    size_t used = 0;
    const muir_coll_kind kind = muir_coll_kind_find(row->op);
    if (kind == MUIR_COLL_KIND_COUNT)
        return muir_fail(ctx, MUIR_ERR_ARG, "%s:%lld: op '%s' is unknown (muir list collectives)", path,
                         (long long)row->line, row->op);
    if (muir_coll_find(kind, row->algorithm)) return MUIR_OK;
    for (size_t i = 0; i < muir_coll_count() && used < sizeof known; i++)
        if (muir_coll_at(i)->kind == kind)
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "",
                                     muir_coll_at(i)->name);
    return muir_fail(ctx, MUIR_ERR_ARG, "%s:%lld: algorithm '%s' of %s is unknown; known: %s", path,
                     (long long)row->line, row->algorithm, row->op, known);
}

static muir_status load_on_root(muir_ctx *ctx, muir_tuning *t)
{
    muir_status st = muir_tuning_table_load(ctx, t->facts.path, &t->table);
    for (int i = 0; i < t->table.n && st == MUIR_OK; i++) {
        const muir_tuning_row *row = &t->table.rows[i];
        if (is_here(t, row)) st = check_row(ctx, t->facts.path, row);
        if (is_here(t, row) || t->facts.others++ > 0) continue;
        snprintf(t->facts.others_are, sizeof t->facts.others_are, "%s on %lld cores of %s, %s", row->launch,
                 (long long)row->cores, row->cpu, row->mpi);
    }
    return st;
}

static muir_status share_rows(muir_ctx *ctx, muir_tuning *t)
{
    muir_status st = MUIR_OK;
    int n = t->table.n;
    MUIR_TRY_MPI(MPI_Bcast(&n, 1, MPI_INT, 0, ctx->comm));
    for (int i = 0; i < n; i++) {
        muir_tuning_row row;
        if (muir_is_root(ctx)) row = t->table.rows[i];
        MUIR_TRY_MPI(MPI_Bcast(&row, (int)sizeof row, MPI_BYTE, 0, ctx->comm));
        if (!muir_is_root(ctx)) MUIR_TRY(muir_tuning_table_add(ctx, &t->table, &row));
    }
done:
    return st;
}

muir_status muir_tuning_create(muir_ctx *ctx, const char *setting, muir_tuning **out)
{
    muir_status st = MUIR_OK;
    muir_tuning *t = NULL;
    MUIR_TRY(muir_agree(ctx, muir_alloc(ctx, 1, sizeof *t, "the tuning of collectives", &t)));
    t->facts.is_off = strcmp(setting, "off") == 0;
    if (!t->facts.is_off && strcmp(setting, "auto") != 0)
        snprintf(t->facts.path, sizeof t->facts.path, "%s", setting);
    MUIR_TRY(muir_host_set_describe(ctx, &t->here));
    if (t->facts.path[0] && muir_is_root(ctx)) st = load_on_root(ctx, t);
    MUIR_TRY(muir_agree(ctx, st));
    MUIR_TRY(share_rows(ctx, t));
    *out = t;
    t = NULL;
done:
    muir_tuning_destroy(&t);
    return st;
}

void muir_tuning_destroy(muir_tuning **tuning)
{
    if (!*tuning) return;
    muir_tuning_table_free(&(*tuning)->table);
    free(*tuning);
    *tuning = NULL;
}

/* Picking. */

static bool is_reducing(muir_coll_kind kind)
{
    return kind == MUIR_ALL_REDUCE || kind == MUIR_REDUCE_SCATTER || kind == MUIR_REDUCE;
}

static int64_t size_class(int64_t bytes)
{
    return bytes > 0 ? llround(log2((double)bytes)) : -1;
}

static void copy_name(char to[MUIR_NAME_SIZE], const char *from)
{
    memset(to, 0, MUIR_NAME_SIZE);
    snprintf(to, MUIR_NAME_SIZE, "%s", from);
}

/* More would only look exact. */
static double four_digits(double value)
{
    char text[32];
    snprintf(text, sizeof text, "%.4g", value);
    return strtod(text, NULL);
}

/* What a row about this collective says before its result is known. */
static muir_status make_row(muir_ctx *ctx, const muir_tuning *t, muir_coll_comm *comm, muir_coll_kind kind,
                            const muir_coll_spec *spec, muir_tuning_row *row)
{
    muir_status st = MUIR_OK;
    int hosts = 1;
    time_t now = time(NULL);
    struct tm day;
    memset(row, 0, sizeof *row);
    if (!comm->shared) MUIR_TRY(muir_host_count(ctx, comm->comm, &hosts));
    copy_name(row->launch, t->here.launch);
    copy_name(row->cpu, t->here.cpu);
    copy_name(row->mpi, t->here.mpi);
    copy_name(row->op, muir_coll_kind_name(kind));
    copy_name(row->dtype, muir_dtype_name(spec->dtype));
    copy_name(row->reduce, is_reducing(kind) ? muir_reduce_name(spec->reduce) : "none");
    row->cores = t->here.cores;
    row->hosts = hosts;
    row->ranks = comm->size;
    row->bytes = (int64_t)(spec->count * muir_dtype_bytes(spec->dtype));
    if (gmtime_r(&now, &day)) strftime(row->date, sizeof row->date, "%Y-%m-%d", &day);
done:
    return st;
}

static bool is_alike(const muir_tuning_row *a, const muir_tuning_row *b)
{
    return strcmp(a->op, b->op) == 0 && strcmp(a->dtype, b->dtype) == 0 &&
           strcmp(a->reduce, b->reduce) == 0 && a->hosts == b->hosts && a->ranks == b->ranks &&
           size_class(a->bytes) == size_class(b->bytes);
}

/* The latest row counts; NULL: none. */
static muir_tuning_row *find_row(const muir_tuning *t, const muir_tuning_row *like)
{
    for (int i = t->table.n - 1; i >= 0; i--)
        if (is_here(t, &t->table.rows[i]) && is_alike(&t->table.rows[i], like)) return &t->table.rows[i];
    return NULL;
}

/* Whether the algorithm can be prepared here and now; the same on all ranks. */
static muir_status can_run(muir_ctx *ctx, muir_coll_comm *comm, const muir_coll *coll,
                           const muir_coll_spec *spec, bool *can)
{
    muir_coll_op *op = NULL;
    const muir_status st = coll ? muir_coll_op_create(ctx, comm, coll, spec, &op) : MUIR_ERR_ARG;
    *can = st == MUIR_OK;
    if (st == MUIR_ERR_ARG) muir_ctx_clear(ctx);
    muir_coll_op_destroy(&op);
    return st == MUIR_ERR_ARG ? MUIR_OK : st;
}

static muir_status measure(muir_ctx *ctx, muir_tuning *t, muir_coll_comm *comm, muir_coll_kind kind,
                           const muir_coll_spec *spec, void *send, void *recv, muir_coll_choice *choice)
{
    muir_status st = MUIR_OK;
    const double start_s = muir_now_s();
    const patience *limits = t->facts.path[0] ? &with_table : &without_table;
    double limit_s = fmin(limits->choice_s, limits->launch_s - t->spent_s);
    MUIR_TRY_MPI(MPI_Allreduce(MPI_IN_PLACE, &limit_s, 1, MPI_DOUBLE, MPI_MIN, comm->comm));
    MUIR_TRY(muir_coll_choose(ctx, comm, kind, spec, send, recv, limit_s, choice));
    t->spent_s += muir_now_s() - start_s;
done:
    return st;
}

static void take_over(const muir_tuning_row *row, const muir_coll *coll, muir_coll_choice *choice)
{
    memset(choice, 0, sizeof *choice);
    choice->coll = coll;
    choice->time_s = row->time_s;
    choice->mpi_s = row->mpi_s > 0.0 ? row->mpi_s : NAN;
}

/* The library's own, or the first that does this. */
static muir_status pick_untuned(muir_ctx *ctx, muir_coll_comm *comm, muir_coll_kind kind,
                                const muir_coll_spec *spec, muir_coll_choice *choice)
{
    bool can = false;
    memset(choice, 0, sizeof *choice);
    choice->time_s = choice->mpi_s = NAN;
    choice->coll = muir_coll_find(kind, "mpi");
    muir_status st = can_run(ctx, comm, choice->coll, spec, &can);
    for (size_t i = 0; i < muir_coll_count() && st == MUIR_OK && !can; i++) {
        choice->coll = muir_coll_at(i);
        if (choice->coll->kind == kind) st = can_run(ctx, comm, choice->coll, spec, &can);
    }
    if (st != MUIR_OK || can) return st;
    return muir_fail(ctx, MUIR_ERR_ARG, "no algorithm does %s of %s", muir_coll_kind_name(kind),
                     muir_dtype_name(spec->dtype));
}

/* Rank 0's row counts, since groups that were measured apart may have found different ones. */
static muir_status agree_on_row(muir_ctx *ctx, muir_coll_comm *comm, const muir_tuning_row *found,
                                muir_tuning_row *row, bool *is_found)
{
    muir_status st = MUIR_OK;
    int flag = found != NULL;
    MUIR_TRY_MPI(MPI_Bcast(&flag, 1, MPI_INT, 0, comm->comm));
    *is_found = flag != 0;
    if (!flag) return MUIR_OK;
    if (comm->rank == 0) *row = *found;
    MUIR_TRY_MPI(MPI_Bcast(row, (int)sizeof *row, MPI_BYTE, 0, comm->comm));
done:
    return st;
}

muir_status muir_tuning_pick(muir_ctx *ctx, muir_tuning *t, muir_coll_comm *comm, muir_coll_kind kind,
                             const muir_coll_spec *spec, void *send, void *recv, muir_coll_choice *choice,
                             muir_chosen *chosen)
{
    muir_status st = MUIR_OK;
    muir_tuning_row row, agreed;
    bool is_found = false, can = false;
    *chosen = MUIR_CHOSEN_UNTUNED;
    if (t->facts.is_off) return pick_untuned(ctx, comm, kind, spec, choice);
    MUIR_TRY(make_row(ctx, t, comm, kind, spec, &row));
    muir_tuning_row *found = find_row(t, &row);
    MUIR_TRY(agree_on_row(ctx, comm, found, &agreed, &is_found));
    const muir_coll *coll = is_found ? muir_coll_find(kind, agreed.algorithm) : NULL;
    MUIR_TRY(can_run(ctx, comm, coll, spec, &can));
    if (can) {
        take_over(&agreed, coll, choice);
        *chosen = agreed.line > 0 ? MUIR_CHOSEN_REUSED : MUIR_CHOSEN_MEASURED;
        t->facts.reused += agreed.line > 0;
        return MUIR_OK;
    }
    MUIR_TRY(measure(ctx, t, comm, kind, spec, send, recv, choice));
    *chosen = MUIR_CHOSEN_MEASURED;
    t->facts.measured++;
    copy_name(row.algorithm, choice->coll->name);
    row.time_s = four_digits(choice->time_s);
    row.mpi_s = isnan(choice->mpi_s) ? 0.0 : four_digits(choice->mpi_s);
    if (found)
        *found = row;
    else
        MUIR_TRY(muir_tuning_table_add(ctx, &t->table, &row));
done:
    return st;
}

muir_status muir_tuning_finish(muir_ctx *ctx, muir_tuning *t, muir_tuning_facts *facts)
{
    muir_status st = MUIR_OK;
    t->facts.time_s = t->spent_s;
    MUIR_TRY_MPI(MPI_Allreduce(MPI_IN_PLACE, &t->facts.time_s, 1, MPI_DOUBLE, MPI_MAX, ctx->comm));
    if (muir_is_root(ctx) && t->facts.path[0] && t->facts.measured > 0)
        st = muir_tuning_table_save(ctx, t->facts.path, &t->table);
    MUIR_TRY(muir_agree(ctx, st));
    *facts = t->facts;
done:
    return st;
}
