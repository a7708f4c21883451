/* SPDX-License-Identifier: BSD-3-Clause */
/* The host clock's step: the schedule's slots on this rank, with real messages between stages. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "host_clock/host_clock_state.h"

enum { PIECES_AHEAD = 2 }; /* of weights: on their way while those before are waited for */

uint32_t muir_host_salt(int64_t step, int slot, int index)
{
    return (uint32_t)step * 2654435761u + (uint32_t)slot * 40503u + (uint32_t)index;
}

/* Moves the timetable on by an op's time. */
static muir_host_moment moment_of(muir_host_clock *c, int index, uint32_t salt)
{
    muir_host_moment moment = {.salt = salt + (uint32_t)index, .is_empty = c->is_empty};
    if (!c->pace || c->is_empty) return moment;
    c->planned_s += c->pace->op_s[index];
    moment.until_s = c->start_s + c->planned_s;
    return moment;
}

/* waited_s: at the op's end, until the timetable was there. */
static void note(muir_host_clock *c, int index, double begin_s, double waited_s,
                 const muir_host_moment *moment, double bytes)
{
    const double end_s = muir_now_s();
    muir_trace_add(c->trace, index, begin_s - c->start_s, end_s - waited_s - c->start_s, bytes);
    if (moment->until_s > 0.0)
        muir_rhythm_add(&c->step_rhythm, end_s - moment->until_s, c->pace->op_s[index]);
}

static muir_status run_op(muir_ctx *ctx, muir_host_clock *c, int index, uint32_t salt, muir_tally *tally)
{
    muir_status st = MUIR_OK;
    const muir_host_moment moment = moment_of(c, index, salt);
    const double bytes = tally->coll_bytes, waited_s = tally->wait_s, begin_s = muir_now_s();
    MUIR_TRY(muir_host_ops_run(ctx, c->ops, index, &moment, tally));
    note(c, index, begin_s, tally->wait_s - waited_s, &moment, tally->coll_bytes - bytes);
done:
    return st;
}

/* Starts the piece that an op consists of; its time in the timetable comes with its end. */
static muir_status start_op(muir_ctx *ctx, muir_host_clock *c, piece p, uint32_t salt, muir_tally *tally)
{
    const muir_host_moment moment = {.salt = salt + (uint32_t)p.op, .is_empty = c->is_empty};
    return muir_host_ops_start(ctx, c->ops, p.op, p.bucket, &moment, tally);
}

static muir_status finish_piece(muir_ctx *ctx, muir_host_clock *c, piece p, muir_tally *tally)
{
    muir_status st = MUIR_OK;
    double start_s = 0.0, end_s = 0.0;
    const double bytes = tally->coll_bytes;
    MUIR_TRY(muir_host_ops_finish(ctx, c->ops, p.op, p.bucket, &start_s, &end_s, tally));
    if (end_s > 0.0)
        muir_trace_add(c->trace, p.op, start_s - c->start_s, end_s - c->start_s, tally->coll_bytes - bytes);
done:
    return st;
}

/* Waits until the timetable has a hidden op's exposed part behind it. */
static muir_status keep_pace(muir_ctx *ctx, muir_host_clock *c, int index, muir_tally *tally)
{
    muir_status st = MUIR_OK;
    const muir_host_moment moment = moment_of(c, index, 0);
    MUIR_TRY(muir_flights_until(ctx, muir_host_ops_flights(c->ops), moment.until_s, tally));
    if (moment.until_s > 0.0)
        muir_rhythm_add(&c->step_rhythm, muir_now_s() - moment.until_s, c->pace->op_s[index]);
done:
    return st;
}

static muir_status finish_op(muir_ctx *ctx, muir_host_clock *c, int index, muir_tally *tally)
{
    muir_status st = MUIR_OK;
    for (int b = 0; b < muir_host_ops_buckets(c->ops, index); b++)
        MUIR_TRY(finish_piece(ctx, c, (piece){index, b}, tally));
    MUIR_TRY(keep_pace(ctx, c, index, tally));
done:
    return st;
}

/* Weights that product number `product` needs are there, some of the next are on their way. */
static muir_status await_weights(muir_ctx *ctx, muir_host_clock *c, int product, muir_tally *tally)
{
    muir_status st = MUIR_OK;
    muir_window *w = &c->gather;
    const int needed = product >= w->products ? w->n : product * w->n / w->products + 1;
    while (w->n_finished < needed && w->n_finished < w->n) {
        while (w->n_started < w->n && w->n_started < w->n_finished + PIECES_AHEAD) {
            const piece next = w->pieces[w->n_started++];
            MUIR_TRY(start_op(ctx, c, next, muir_host_salt(c->step, -2, 0), tally));
        }
        MUIR_TRY(finish_piece(ctx, c, w->pieces[w->n_finished++], tally));
    }
done:
    return st;
}

/* Gradients that are complete after `product` products go on their way. */
static muir_status start_sync(muir_ctx *ctx, muir_host_clock *c, int product, muir_tally *tally)
{
    muir_status st = MUIR_OK;
    muir_window *w = &c->sync;
    const int due = product >= w->products ? w->n : product * w->n / w->products;
    while (w->n_started < due) {
        const piece next = w->pieces[w->n_started++];
        MUIR_TRY(start_op(ctx, c, next, muir_host_salt(c->step, -1, 0), tally));
    }
done:
    return st;
}

/* A product, with what runs beside it: the gather before it, the scatter after it, pieces of the windows. */
static muir_status run_product(muir_ctx *ctx, muir_host_clock *c, muir_op_range range, int index,
                               muir_window *window, uint32_t salt, muir_tally *tally)
{
    muir_status st = MUIR_OK;
    const int before = index - 1, after = index + 1, end = range.first + range.n;
    if (window == &c->gather) MUIR_TRY(await_weights(ctx, c, window->product, tally));
    if (after < end && muir_host_ops_buckets(c->ops, after) > 0)
        MUIR_TRY(start_op(ctx, c, (piece){after, 0}, salt, tally));
    MUIR_TRY(run_op(ctx, c, index, salt, tally));
    if (before >= range.first && muir_host_ops_buckets(c->ops, before) > 0 &&
        c->program->ops[before].coll.kind == MUIR_ALL_GATHER)
        MUIR_TRY(finish_op(ctx, c, before, tally));
    if (window) window->product++;
    if (window == &c->sync) MUIR_TRY(start_sync(ctx, c, window->product, tally));
done:
    return st;
}

static muir_status run_range(muir_ctx *ctx, muir_host_clock *c, muir_op_range range, muir_window *window,
                             uint32_t salt, muir_tally *tally)
{
    muir_status st = MUIR_OK;
    for (int i = range.first; i < range.first + range.n; i++) {
        const muir_op *op = &c->program->ops[i];
        if (op->kind == MUIR_OP_GEMM)
            MUIR_TRY(run_product(ctx, c, range, i, window, salt, tally));
        else if (op->kind != MUIR_OP_COLL || muir_host_ops_buckets(c->ops, i) == 0)
            MUIR_TRY(run_op(ctx, c, i, salt, tally));
        else if (op->coll.kind == MUIR_ALL_GATHER)
            MUIR_TRY(start_op(ctx, c, (piece){i, 0}, salt, tally));
        else
            MUIR_TRY(finish_op(ctx, c, i, tally));
    }
done:
    return st;
}

/* The window that a slot's products belong to, or NULL. */
static muir_window *window_of(muir_host_clock *c, const muir_slot *slot)
{
    if (slot->phase == MUIR_FORWARD && slot->microbatch == 0) return &c->gather;
    const bool is_last = slot->microbatch == c->order->shape.microbatches - 1;
    return is_last && (slot->phase == MUIR_WEIGHT || slot->is_joined) ? &c->sync : NULL;
}

/* Ops of a slot: blocks forward in order, backward in the opposite order; a joined backward does each
 * block's weight gradients after it. */
static muir_status run_blocks(muir_ctx *ctx, muir_host_clock *c, const muir_slot *slot, int chunk,
                              uint32_t salt, muir_tally *tally)
{
    muir_status st = MUIR_OK;
    const int n = c->program->n_blocks;
    muir_window *window = window_of(c, slot);
    for (int i = 0; i < n; i++) {
        const int block = slot->phase == MUIR_FORWARD ? i : n - 1 - i;
        if (!muir_pace_has_block(c->program, c->order->shape, block, chunk)) continue;
        const muir_op_range *phase = c->program->blocks[block].phase;
        MUIR_TRY(run_range(ctx, c, phase[slot->phase], window, salt, tally));
        if (slot->is_joined) MUIR_TRY(run_range(ctx, c, phase[MUIR_WEIGHT], window, salt, tally));
    }
    if (window == &c->gather && window->product >= window->products)
        MUIR_TRY(await_weights(ctx, c, window->product, tally));
done:
    return st;
}

static int chunk_of(const muir_host_clock *c, const muir_slot *slot)
{
    return muir_place_chunk(c->order->place, c->order->shape.stages, c->fold.place[MUIR_MESH_PP],
                            slot->chunk);
}

/* The timetable has each slot start when its stage and its input are ready; a late input makes a late start,
 * which the rhythm error of the slot's first op shows. */
static muir_status run_slots(muir_ctx *ctx, muir_host_clock *c, muir_tally *tally)
{
    muir_status st = MUIR_OK;
    int n = 0;
    const muir_slot *slots = muir_order_slots(c->order, c->fold.place[MUIR_MESH_PP], &n);
    for (int i = 0; i < n; i++) {
        const muir_slot *slot = &slots[i];
        const int chunk = chunk_of(c, slot);
        MUIR_TRY(muir_host_receive(ctx, c, slot, chunk, tally));
        if (c->pace && !c->is_empty) {
            c->planned_s = c->pace->slot_s[i];
            MUIR_TRY(
                muir_flights_until(ctx, muir_host_ops_flights(c->ops), c->start_s + c->planned_s, tally));
        }
        MUIR_TRY(run_blocks(ctx, c, slot, chunk, muir_host_salt(c->step, i, 0), tally));
        MUIR_TRY(muir_host_send(ctx, c, i, slot, chunk, tally));
    }
    MUIR_TRY(muir_host_await_sent(ctx, c, tally));
done:
    return st;
}

/* Ops of the end of a step, but those that ran earlier, hidden. */
static muir_status run_end_range(muir_ctx *ctx, muir_host_clock *c, muir_op_range range, bool is_update,
                                 double planned_s, uint32_t salt, muir_tally *tally)
{
    muir_status st = MUIR_OK;
    if (c->pace && !c->is_empty) {
        c->planned_s = planned_s;
        MUIR_TRY(muir_flights_until(ctx, muir_host_ops_flights(c->ops), c->start_s + planned_s, tally));
    }
    for (int i = range.first; i < range.first + range.n; i++)
        if (muir_host_ops_buckets(c->ops, i) == 0)
            MUIR_TRY(run_op(ctx, c, i, salt, tally));
        else if (!is_update)
            MUIR_TRY(finish_op(ctx, c, i, tally));
done:
    return st;
}

/* The end of the step, on the job's stage that this rank's stage stands for. */
static muir_status run_end(muir_ctx *ctx, muir_host_clock *c, muir_tally *tally)
{
    muir_status st = MUIR_OK;
    const int64_t stage = muir_pace_job_stage(c->program, c->order->shape, c->fold.place[MUIR_MESH_PP]);
    const uint32_t salt = muir_host_salt(c->step, -1, 0);
    const muir_pace none = {.x = 0.0}, *pace = c->pace ? c->pace : &none;
    MUIR_TRY(start_sync(ctx, c, c->sync.products, tally));
    MUIR_TRY(run_end_range(ctx, c, c->program->sync_ops[stage], false, pace->sync_s, salt, tally));
    MUIR_TRY(run_end_range(ctx, c, c->program->norm_ops, false, pace->norm_s, salt, tally));
    MUIR_TRY(run_end_range(ctx, c, c->program->update_ops[stage], true, pace->update_s, salt, tally));
done:
    return st;
}

/* Weights that the first product needs, where the gather of the step before hides under this one. */
static muir_status run_begin(muir_ctx *ctx, muir_host_clock *c, muir_tally *tally)
{
    muir_status st = MUIR_OK;
    MUIR_TRY(await_weights(ctx, c, 0, tally));
    for (int i = 0; i < c->gather.n; i++)
        if (c->gather.pieces[i].bucket == 0) MUIR_TRY(keep_pace(ctx, c, c->gather.pieces[i].op, tally));
done:
    return st;
}

static void begin(muir_host_clock *c, int64_t step, bool is_empty, muir_host_row *row)
{
    memset(row, 0, sizeof *row);
    memset(&c->step_rhythm, 0, sizeof c->step_rhythm);
    c->step = step;
    c->is_empty = is_empty;
    c->planned_s = 0.0;
    c->gather.product = c->gather.n_started = c->gather.n_finished = 0;
    c->sync.product = c->sync.n_started = 0;
    if (c->trace) c->trace->n = 0;
}

static void end(muir_host_clock *c, muir_host_row *row)
{
    row->step_s = muir_now_s() - c->start_s;
    row->rhythm_p50_s = muir_histogram_percentile(&c->step_rhythm.absolute, 0.5);
    row->rhythm_p99_s = muir_histogram_percentile(&c->step_rhythm.absolute, 0.99);
    row->rhythm_p50 = muir_histogram_percentile(&c->step_rhythm.relative, 0.5);
    row->rhythm_p99 = muir_histogram_percentile(&c->step_rhythm.relative, 0.99);
    if (!c->is_empty) muir_rhythm_sum(&c->rhythm, &c->step_rhythm);
}

muir_status muir_host_step_run(muir_ctx *ctx, muir_host_clock *c, int64_t step, bool is_empty,
                               muir_host_row *row)
{
    muir_status st = MUIR_OK;
    begin(c, step, is_empty, row);
    if (!c->mesh->is_member) return MUIR_OK;
    /* A timetable, and times of several ranks side by side, need one beginning. */
    if ((c->pace || (c->trace && c->trace->is_on)) && !is_empty)
        MUIR_TRY_MPI(MPI_Barrier(c->mesh->world->comm));
    c->start_s = muir_now_s();
    MUIR_TRY(run_begin(ctx, c, &row->tally));
    MUIR_TRY(run_slots(ctx, c, &row->tally));
    MUIR_TRY(run_end(ctx, c, &row->tally));
    end(c, row);
done:
    return st;
}

/* Windows. */

static void add_pieces(const muir_host_clock *c, muir_op_range range, muir_window *w)
{
    for (int i = range.first; i < range.first + range.n; i++)
        for (int b = 0; b < muir_host_ops_buckets(c->ops, i) && w->n < MUIR_MOST_PIECES; b++)
            w->pieces[w->n++] = (piece){i, b};
}

static int products_of(const muir_host_clock *c, const muir_slot *slot)
{
    int products = 0;
    const int chunk = chunk_of(c, slot);
    for (int block = 0; block < c->program->n_blocks; block++) {
        if (!muir_pace_has_block(c->program, c->order->shape, block, chunk)) continue;
        for (int phase = 0; phase < MUIR_PHASE_COUNT; phase++) {
            const muir_op_range r = c->program->blocks[block].phase[phase];
            if (phase != slot->phase && !(phase == MUIR_WEIGHT && slot->is_joined)) continue;
            for (int i = r.first; i < r.first + r.n; i++) products += c->program->ops[i].kind == MUIR_OP_GEMM;
        }
    }
    return products;
}

void muir_host_windows_make(muir_host_clock *c)
{
    const int64_t stage = muir_pace_job_stage(c->program, c->order->shape, c->fold.place[MUIR_MESH_PP]);
    memset(&c->gather, 0, sizeof c->gather);
    memset(&c->sync, 0, sizeof c->sync);
    add_pieces(c, c->program->update_ops[stage], &c->gather);
    add_pieces(c, c->program->sync_ops[stage], &c->sync);
    int n = 0;
    const muir_slot *slots = muir_order_slots(c->order, c->fold.place[MUIR_MESH_PP], &n);
    for (int i = 0; i < n; i++) {
        muir_window *w = window_of(c, &slots[i]);
        if (w) w->products += products_of(c, &slots[i]);
    }
}
