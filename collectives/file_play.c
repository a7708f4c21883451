/* SPDX-License-Identifier: BSD-3-Clause */
/* Plays a file's steps without data: what waits for ever, reads nothing, or counts twice is found here. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "collectives/file.h"

/* A chunk's place: which chunk lies there, and whose contributions are in it. */
typedef struct slot {
    int id;            /* -1: nothing */
    uint64_t mask;     /* ranks that have contributed */
    int read, written; /* last round in which it was */
    int pending;       /* messages that still have to be read from it */
} slot;

/* What a thread block has sent: chunks on their way, first in, first out. */
typedef struct queue {
    muir_file_place *at; /* [room] */
    int sent, taken;
} queue;

typedef struct player {
    muir_ctx *ctx;
    const muir_file_script *s;
    muir_coll_file *file;
    slot *slots; /* of all ranks and buffers */
    int base[MUIR_FILE_RANKS][4];
    int n_slots;
    int *pc, *part, *phase,
        *moved;              /* [threads] step, chunk of it, 1: what was received goes on; last round */
    int *match;              /* [threads] the thread that sends to it, -1: none */
    int *turn;               /* [threads] which of its two passing places is next */
    queue *queues;           /* [threads] */
    muir_file_place *places; /* of the queues */
    int round;
} player;

static int each_of(const muir_coll_file *f)
{
    return f->chunks / f->ranks;
}

/* Places of one buffer have one name where input and output are one. */
static muir_file_place settle(const muir_coll_file *f, int rank, muir_file_place p)
{
    if (!f->is_in_place) return p;
    if (f->coll.kind == MUIR_ALL_REDUCE && p.buffer == MUIR_FILE_INPUT) p.buffer = MUIR_FILE_OUTPUT;
    if (f->coll.kind == MUIR_ALL_GATHER && p.buffer == MUIR_FILE_INPUT)
        p = (muir_file_place){MUIR_FILE_OUTPUT, rank * each_of(f) + p.chunk};
    if (f->coll.kind == MUIR_REDUCE_SCATTER && p.buffer == MUIR_FILE_OUTPUT)
        p = (muir_file_place){MUIR_FILE_INPUT, p.chunk < each_of(f) ? rank * each_of(f) + p.chunk : p.chunk};
    return p;
}

static slot *slot_of(const player *w, int rank, muir_file_place p)
{
    return &w->slots[w->base[rank][p.buffer] + p.chunk];
}

/* Which chunk of the vector belongs into a place of input or output; -1: any. */
static int natural(const muir_coll_file *f, int rank, muir_file_place p)
{
    const int each = each_of(f);
    if (p.buffer == MUIR_FILE_OWN || p.buffer == MUIR_FILE_PASSING) return -1;
    const bool is_output = p.buffer == MUIR_FILE_OUTPUT;
    if (f->coll.kind == MUIR_ALL_GATHER && !is_output) return rank * each + p.chunk;
    if (f->coll.kind == MUIR_REDUCE_SCATTER && is_output) return rank * each + p.chunk;
    if (f->coll.kind == MUIR_ALL_TO_ALL && is_output) return rank * each + p.chunk % each;
    return p.chunk;
}

static const muir_file_step *step_of(const player *w, int t)
{
    return &w->s->steps[w->s->threads[t].first + w->pc[t]];
}

static bool is_type(const muir_file_step *step, const char *type)
{
    return strcmp(step->type, type) == 0;
}

static bool is_over(const player *w, int t)
{
    return w->pc[t] >= w->s->threads[t].n;
}

static muir_status fail(const player *w, int t, const char *what)
{
    const muir_file_thread *thread = &w->s->threads[t];
    if (w->s->is_lists)
        return muir_fail(w->ctx, MUIR_ERR_ARG, "%s:%d: rank %d, step %d: %s", w->s->path, step_of(w, t)->line,
                         thread->rank, step_of(w, t)->number, what);
    return muir_fail(w->ctx, MUIR_ERR_ARG, "%s:%d: rank %d, thread block %d, step %d (%s): %s", w->s->path,
                     step_of(w, t)->line, thread->rank, thread->id, w->pc[t], step_of(w, t)->type, what);
}

static int thread_of(const player *w, int rank, int id)
{
    for (int t = 0; t < w->s->n_threads; t++)
        if (w->s->threads[t].rank == rank && w->s->threads[t].id == id) return t;
    return -1;
}

static bool is_free(const player *w, int t)
{
    const muir_file_step *step = step_of(w, t);
    if (w->phase[t] > 0 || w->part[t] > 0 || step->dep_block < 0) return true;
    const int other = thread_of(w, w->s->threads[t].rank, step->dep_block);
    return other >= 0 && w->pc[other] > step->dep_step;
}

static void advance(player *w, int t)
{
    w->phase[t] = 0;
    w->moved[t] = w->round;
    if (++w->part[t] < step_of(w, t)->count) return;
    w->part[t] = 0;
    w->pc[t]++;
}

static muir_file_place place_of(const player *w, int t, muir_file_place p)
{
    p.chunk += w->part[t];
    return settle(w->file, w->s->threads[t].rank, p);
}

static muir_status add_move(player *w, const muir_file_move *move)
{
    muir_coll_file *f = w->file;
    if (f->n == f->room) {
        const int room = f->room ? 2 * f->room : 256;
        muir_file_move *more = realloc(f->moves, (size_t)room * sizeof *more);
        if (!more) return muir_fail(w->ctx, MUIR_ERR_MEM, "%s: no memory for its messages", w->s->path);
        f->moves = more;
        f->room = room;
    }
    f->moves[f->n++] = *move;
    return MUIR_OK;
}

/* Whether the move touches what this round has touched, or what is still to be sent: it waits for another. */
static bool must_wait(const player *w, const muir_file_move *m)
{
    const slot *from = slot_of(w, m->from, m->source), *to = slot_of(w, m->to, m->target),
               *with = m->is_sum ? slot_of(w, m->to, m->with) : to;
    const slot *passing = slot_of(w, m->to, (muir_file_place){MUIR_FILE_PASSING, m->block});
    const int r = w->round;
    const bool is_passing = m->from != m->to && m->is_sum;
    return from->written == r || to->read == r || to->written == r || to->pending > 0 || with->written == r ||
           (is_passing && (passing->read == r || passing->written == r || passing->pending > 0));
}

/* Carries a move out; t is the thread whose step stores.
 * sender  in   the thread whose step sends, or t */
static muir_status apply(player *w, muir_file_move *m, int t, int sender)
{
    slot *from = slot_of(w, m->from, m->source), *to = slot_of(w, m->to, m->target);
    if (from->id < 0) return fail(w, sender, "it reads a chunk that holds nothing yet");
    slot result = *from;
    if (m->is_sum) {
        slot *with = slot_of(w, m->to, m->with);
        if (with->id < 0) return fail(w, t, "it adds to a chunk that holds nothing yet");
        if (with->id != from->id) return fail(w, t, "it adds two different chunks");
        if (with->mask & from->mask) return fail(w, t, "it adds a rank's contribution twice");
        result.mask |= with->mask;
        with->read = w->round;
    }
    const int home = natural(w->file, m->to, m->target);
    if (home >= 0 && home != result.id % w->file->chunks)
        return fail(w, t, "it stores a chunk where another belongs (scratch takes any)");
    m->id = result.id;
    m->round = w->round;
    from->read = w->round;
    to->id = result.id;
    to->mask = result.mask;
    to->written = w->round;
    if (m->target.buffer == MUIR_FILE_INPUT) w->file->writes_input = true;
    return add_move(w, m);
}

/* cpy: target = source; re: target = target + source; nop: nothing. */
static muir_status play_local(player *w, int t, bool *is_any)
{
    const muir_file_step *step = step_of(w, t);
    const int rank = w->s->threads[t].rank;
    if (is_type(step, "nop")) {
        w->moved[t] = w->round;
        w->pc[t]++;
        *is_any = true;
        return MUIR_OK;
    }
    muir_file_move m = {
        .from = rank, .to = rank, .is_sum = is_type(step, "re"), .block = w->s->threads[t].id};
    m.source = place_of(w, t, step->source);
    m.target = m.with = place_of(w, t, step->target);
    if (must_wait(w, &m)) return MUIR_OK;
    const muir_status st = apply(w, &m, t, t);
    advance(w, t);
    *is_any = true;
    return st;
}

/* What a thread block sends: a chunk of a buffer, or what it has just received. It need not wait for whoever
 * receives it, but the chunk must stay as it is until then. */
static muir_status play_send(player *w, int t, bool *is_any)
{
    const muir_file_step *step = step_of(w, t);
    const int rank = w->s->threads[t].rank;
    const bool goes_on = w->phase[t] == 1;
    muir_file_place at = goes_on ? place_of(w, t, step->target) : place_of(w, t, step->source);
    if (goes_on && is_type(step, "rrs"))
        at = (muir_file_place){MUIR_FILE_PASSING, 2 * w->s->threads[t].id + (1 - w->turn[t])};
    slot *from = slot_of(w, rank, at);
    if (from->written == w->round) return MUIR_OK;
    if (from->id < 0) return fail(w, t, "it sends a chunk that holds nothing yet");
    from->pending++;
    w->queues[t].at[w->queues[t].sent++] = at;
    advance(w, t);
    *is_any = true;
    return MUIR_OK;
}

/* What t waits to receive, if it is on its way. */
static muir_status play_receive(player *w, int t, bool *is_any)
{
    const muir_file_step *step = step_of(w, t);
    const int u = w->match[t], rank = w->s->threads[t].rank;
    if (u < 0) return fail(w, t, "no thread block sends to it on its channel");
    queue *q = &w->queues[u];
    if (q->taken == q->sent) return MUIR_OK;
    const int passing = 2 * w->s->threads[t].id + w->turn[t];
    muir_file_move m = {
        .from = w->s->threads[u].rank, .to = rank, .block = passing, .source = q->at[q->taken]};
    m.is_sum = strncmp(step->type, "rr", 2) == 0;
    m.target =
        is_type(step, "rrs") ? (muir_file_place){MUIR_FILE_PASSING, passing} : place_of(w, t, step->target);
    m.with = m.is_sum ? place_of(w, t, step->source) : m.target;
    if (must_wait(w, &m)) return MUIR_OK;
    const muir_status st = apply(w, &m, t, u);
    if (st != MUIR_OK) return st;
    slot_of(w, m.from, m.source)->pending--;
    q->taken++;
    if (m.is_sum) {
        slot_of(w, rank, (muir_file_place){MUIR_FILE_PASSING, passing})->written = w->round;
        w->turn[t] = 1 - w->turn[t];
    }
    w->moved[t] = w->round;
    if (step->type[strlen(step->type) - 1] == 's')
        w->phase[t] = 1;
    else
        advance(w, t);
    *is_any = true;
    return MUIR_OK;
}

/* Sends go first, so that all that can be received in a round is, whichever rank it is for. */
static muir_status play_round(player *w, bool *is_any)
{
    for (int t = 0; t < 2 * w->s->n_threads; t++) {
        muir_status st = MUIR_OK;
        const int at = t % w->s->n_threads;
        if (is_over(w, at) || w->moved[at] == w->round || !is_free(w, at)) continue;
        const muir_file_step *step = step_of(w, at);
        const bool is_send = is_type(step, "s") || w->phase[at] == 1;
        if (is_send != (t < w->s->n_threads)) continue;
        if (is_send)
            st = play_send(w, at, is_any);
        else if (is_type(step, "cpy") || is_type(step, "re") || is_type(step, "nop"))
            st = play_local(w, at, is_any);
        else
            st = play_receive(w, at, is_any);
        if (st != MUIR_OK) return st;
    }
    return MUIR_OK;
}

static muir_status start(player *w)
{
    const muir_coll_file *f = w->file;
    const int each = each_of(f), n = w->s->n_threads;
    size_t n_sent = 0;
    muir_status st = MUIR_OK;
    for (int rank = 0; rank < f->ranks; rank++)
        for (int b = 0; b < 4; b++) {
            w->base[rank][b] = w->n_slots;
            w->n_slots += b == MUIR_FILE_OWN       ? f->own_chunks[rank]
                          : b == MUIR_FILE_PASSING ? 2 * f->blocks[rank]
                                                   : f->chunks;
        }
    MUIR_TRY(muir_alloc(w->ctx, (size_t)w->n_slots, sizeof *w->slots, "a collective's chunks", &w->slots));
    MUIR_TRY(muir_alloc(w->ctx, 6 * (size_t)n, sizeof *w->pc, "a collective's thread blocks", &w->pc));
    w->part = w->pc + n;
    w->phase = w->part + n;
    w->moved = w->phase + n;
    w->match = w->moved + n;
    w->turn = w->match + n;
    for (int i = 0; i < w->s->n_steps; i++) n_sent += (size_t)w->s->steps[i].count;
    MUIR_TRY(muir_alloc(w->ctx, (size_t)n, sizeof *w->queues, "a collective's messages", &w->queues));
    MUIR_TRY(muir_alloc(w->ctx, n_sent, sizeof *w->places, "a collective's messages", &w->places));
    n_sent = 0;
    for (int t = 0; t < n; t++) {
        w->queues[t].at = w->places + n_sent;
        for (int i = 0; i < w->s->threads[t].n; i++)
            n_sent += (size_t)w->s->steps[w->s->threads[t].first + i].count;
    }
    for (int i = 0; i < w->n_slots; i++) w->slots[i] = (slot){-1, 0, -1, -1, 0};
    for (int rank = 0; rank < f->ranks; rank++)
        for (int c = 0; c < (f->coll.kind == MUIR_ALL_GATHER ? each : f->chunks); c++) {
            slot *own = slot_of(w, rank, settle(f, rank, (muir_file_place){MUIR_FILE_INPUT, c}));
            own->id = f->coll.kind == MUIR_ALL_GATHER   ? rank * each + c
                      : f->coll.kind == MUIR_ALL_TO_ALL ? rank * f->chunks + c
                                                        : c;
            own->mask = (uint64_t)1 << rank;
        }
    for (int t = 0; t < n; t++) {
        w->match[t] = w->moved[t] = -1;
        for (int u = 0; u < n; u++)
            if (w->s->threads[u].rank == w->s->threads[t].recv &&
                w->s->threads[u].send == w->s->threads[t].rank &&
                w->s->threads[u].channel == w->s->threads[t].channel)
                w->match[t] = u;
    }
done:
    return st;
}

/* What the collective promises is there. */
static muir_status check_result(const player *w)
{
    const muir_coll_file *f = w->file;
    const int each = each_of(f);
    const uint64_t all = f->ranks == 64 ? ~(uint64_t)0 : ((uint64_t)1 << f->ranks) - 1;
    const bool is_sum = f->coll.kind == MUIR_ALL_REDUCE || f->coll.kind == MUIR_REDUCE_SCATTER;
    for (int rank = 0; rank < f->ranks; rank++)
        for (int c = 0; c < (f->coll.kind == MUIR_REDUCE_SCATTER ? each : f->chunks); c++) {
            const slot *got = slot_of(w, rank, settle(f, rank, (muir_file_place){MUIR_FILE_OUTPUT, c}));
            const int want = f->coll.kind == MUIR_REDUCE_SCATTER ? rank * each + c
                             : f->coll.kind == MUIR_ALL_TO_ALL ? c / each * f->chunks + rank * each + c % each
                                                               : c;
            if (got->id != want)
                return muir_fail(w->ctx, MUIR_ERR_ARG, "%s: at the end chunk %d of rank %d's output %s",
                                 w->s->path, c, rank, got->id < 0 ? "holds nothing" : "holds another chunk");
            for (int r = 0; is_sum && r < f->ranks; r++)
                if (got->mask != all && !(got->mask >> r & 1))
                    return muir_fail(
                        w->ctx, MUIR_ERR_ARG,
                        "%s: at the end chunk %d of rank %d's output lacks the contribution of rank %d",
                        w->s->path, c, rank, r);
        }
    return MUIR_OK;
}

/* Whether all steps were done and all messages received; what waits for a message is named before what waits
 * for another step. */
static muir_status check_over(const player *w)
{
    const muir_file_script *s = w->s;
    for (int is_any = 0; is_any < 2; is_any++)
        for (int t = 0; t < s->n_threads; t++)
            if (!is_over(w, t) && (is_any || is_free(w, t))) return fail(w, t, "it waits for ever");
    for (int t = 0; t < s->n_threads; t++) {
        const int left = w->queues[t].sent - w->queues[t].taken;
        if (left == 0) continue;
        if (s->is_lists)
            return muir_fail(w->ctx, MUIR_ERR_ARG,
                             "%s: rank %d: rank %d never receives the last %d chunks sent to it", s->path,
                             s->threads[t].rank, s->threads[t].send, left);
        return muir_fail(w->ctx, MUIR_ERR_ARG,
                         "%s: rank %d, thread block %d: nobody receives the last %d chunks that it sends",
                         s->path, s->threads[t].rank, s->threads[t].id, left);
    }
    return MUIR_OK;
}

muir_status muir_file_script_play(muir_ctx *ctx, const muir_file_script *script, muir_coll_file *file)
{
    muir_status st = MUIR_OK;
    player w = {.ctx = ctx, .s = script, .file = file};
    bool is_any = true;
    MUIR_TRY(start(&w));
    for (; is_any; w.round++) {
        is_any = false;
        MUIR_TRY(play_round(&w, &is_any));
    }
    MUIR_TRY(check_over(&w));
    MUIR_TRY(check_result(&w));
    file->rounds = w.round;
done:
    free(w.slots);
    free(w.queues);
    free(w.places);
    free(w.pc);
    return st;
}
