/* SPDX-License-Identifier: BSD-3-Clause */
/* The library's face: a session over the rooms that the program uses too. */
#include "api/muir.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "collectives/measure.h"
#include "collectives/shared.h"
#include "host_clock/algorithms.h"
#include "run/run.h"
#include "run/tables.h"

static const double CHOICE_S = 0.1; /* trials of an all_reduce's algorithms */

struct muir_session {
    muir_ctx *ctx;
    bool has_started_mpi;
    volatile sig_atomic_t stop;
    char message[MUIR_MESSAGE_SIZE];
    muir_fleet_row *rows; /* [room], of the last run, on rank 0 */
    int64_t n_rows, room;
    bool is_out_of_memory;
    /* The all_reduce of the last length. */
    muir_coll_comm *comm;
    muir_coll_op *op;
    float *send, *recv;
    size_t count;
};

/* Keeps the message of a failure, so that the next call begins with none. */
static int finish(muir_session *s, muir_status st)
{
    const char *text = s->ctx->message[0] ? s->ctx->message : muir_status_text(st);
    snprintf(s->message, sizeof s->message, "%s", st == MUIR_OK ? "" : text);
    muir_ctx_clear(s->ctx);
    return muir_status_exit_code(st);
}

int muir_session_open(muir_session **session)
{
    int is_started = 0;
    muir_session *s = calloc(1, sizeof *s);
    *session = NULL;
    if (!s) return 1;
    MPI_Initialized(&is_started);
    if (!is_started && MPI_Init(NULL, NULL) != MPI_SUCCESS) goto failed;
    s->has_started_mpi = !is_started;
    if (muir_ctx_create(MPI_COMM_WORLD, &s->ctx) != MUIR_OK) goto failed;
    *session = s;
    return 0;
failed:
    free(s);
    return 1;
}

static void drop_collective(muir_session *s)
{
    muir_coll_op_destroy(&s->op);
    muir_coll_free(s->comm, s->send);
    muir_coll_free(s->comm, s->recv);
    s->send = s->recv = NULL;
    s->count = 0;
}

void muir_session_close(muir_session **session)
{
    muir_session *s = *session;
    if (!s) return;
    if (s->comm) drop_collective(s);
    muir_coll_comm_destroy(&s->comm);
    muir_ctx_destroy(&s->ctx);
    free(s->rows);
    if (s->has_started_mpi) MPI_Finalize();
    free(s);
    *session = NULL;
}

int muir_session_rank(const muir_session *session)
{
    return session->ctx->rank;
}

int muir_session_size(const muir_session *session)
{
    return session->ctx->size;
}

const char *muir_session_message(const muir_session *session)
{
    return session->message;
}

const char *muir_session_version(void)
{
    return MUIR_VERSION;
}

/* Runs. */

static void keep_row(const muir_progress *progress, void *data)
{
    muir_session *s = data;
    if (s->n_rows == s->room) {
        const int64_t room = s->room ? 2 * s->room : 1024;
        muir_fleet_row *larger = realloc(s->rows, (size_t)room * sizeof *larger);
        if (!larger) {
            s->is_out_of_memory = true;
            return;
        }
        s->rows = larger;
        s->room = room;
    }
    s->rows[s->n_rows++] = *progress->row;
}

static muir_status run(muir_session *s, const char *name, const char *const *keys, const char *file)
{
    muir_ctx *ctx = s->ctx;
    muir_status st = MUIR_OK;
    muir_claim *claim = NULL;
    muir_scenario scenario;
    muir_summary summary;
    int n = 0;
    while (keys && keys[n]) n++;
    MUIR_TRY(muir_scenario_load(ctx, name, keys, n, &scenario));
    MUIR_TRY(muir_host_algorithms_check(ctx, &scenario));
    if (file) MUIR_TRY(muir_claim_create(ctx, file, false, &claim));
    const muir_run_request request = {
        .scenario = &scenario, .claim = claim, .stop = &s->stop, .observer = keep_row, .observer_data = s};
    st = muir_run(ctx, &request, &summary);
    if (st == MUIR_OK && s->is_out_of_memory)
        st = muir_fail(ctx, MUIR_ERR_MEM, "no memory for the rows of steps");
done:
    muir_claim_destroy(&claim);
    return st;
}

int muir_session_run(muir_session *session, const char *scenario, const char *const *keys, const char *file)
{
    session->n_rows = 0;
    session->is_out_of_memory = false;
    session->stop = 0;
    return finish(session, run(session, scenario, keys, file));
}

void muir_session_stop(muir_session *session)
{
    session->stop = 1;
}

int64_t muir_session_steps(const muir_session *session)
{
    return session->n_rows;
}

const char *muir_session_column_name(int i)
{
    size_t n = 0;
    const muir_column_row *columns = muir_columns_of(MUIR_TABLE_FLEET, &n);
    return i >= 0 && (size_t)i < n ? columns[i].column.label.name : NULL;
}

static double value_of(const muir_column_row *column, const muir_fleet_row *row)
{
    const void *value = muir_column_values(column, row);
    switch (column->column.type) {
    case MUIR_F64: return *(const double *)value;
    case MUIR_F32: return (double)*(const float *)value;
    case MUIR_I64: return (double)*(const int64_t *)value;
    case MUIR_I32: return (double)*(const int32_t *)value;
    case MUIR_TEXT: break; /* no column has texts */
    }
    return 0.0;
}

int muir_session_column(muir_session *session, const char *name, double *values)
{
    size_t n = 0;
    const muir_column_row *columns = muir_columns_of(MUIR_TABLE_FLEET, &n), *found = NULL;
    for (size_t i = 0; i < n; i++)
        if (strcmp(columns[i].column.label.name, name) == 0) found = &columns[i];
    if (!found)
        return finish(session, muir_fail(session->ctx, MUIR_ERR_ARG,
                                         "no column '%s' in /fleet (muir help telemetry lists them)", name));
    for (int64_t i = 0; i < session->n_rows; i++) values[i] = value_of(found, &session->rows[i]);
    return 0;
}

/* Collectives. */

static muir_status prepare(muir_session *s, size_t n)
{
    muir_status st = MUIR_OK;
    muir_ctx *ctx = s->ctx;
    muir_coll_choice choice;
    const muir_coll_spec spec = {.count = n, .dtype = MUIR_FP32, .reduce = MUIR_SUM};
    if (!s->comm) MUIR_TRY(muir_coll_comm_create(ctx, ctx->comm, &s->comm));
    drop_collective(s);
    MUIR_TRY(muir_coll_alloc(ctx, s->comm, n * sizeof(float), &s->send));
    MUIR_TRY(muir_coll_alloc(ctx, s->comm, n * sizeof(float), &s->recv));
    MUIR_TRY(muir_coll_choose(ctx, s->comm, MUIR_ALL_REDUCE, &spec, s->send, s->recv, CHOICE_S, &choice));
    MUIR_TRY(muir_coll_op_create(ctx, s->comm, choice.coll, &spec, &s->op));
    s->count = n;
done:
    return st;
}

static muir_status all_reduce(muir_session *s, float *x, size_t n)
{
    muir_status st = MUIR_OK;
    if (!s->op || s->count != n) MUIR_TRY(prepare(s, n));
    if (n > 0) memcpy(s->send, x, n * sizeof *x);
    MUIR_TRY(muir_coll_run(s->ctx, s->op, s->send, s->recv));
    if (n > 0) memcpy(x, s->recv, n * sizeof *x);
done:
    return st;
}

int muir_session_all_reduce(muir_session *session, float *x, size_t n)
{
    return finish(session, all_reduce(session, x, n));
}
