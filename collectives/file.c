/* SPDX-License-Identifier: BSD-3-Clause */
/* The rounds of a file as steps of one rank. */
#include "collectives/file.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

/* Part k of n of block r of p of the vector: where it starts and how long it is [elements]. */
static muir_coll_part nested(size_t count, int p, int r, int n, int k)
{
    size_t offset = 0, length = 0, inner = 0, size = 0;
    muir_coll_block(count, p, r, &offset, &length);
    muir_coll_block(length, n, k, &inner, &size);
    return (muir_coll_part){offset + inner, size};
}

static muir_coll_part chunk_of(const muir_coll_file *f, size_t count, int c)
{
    const int each = f->chunks / f->ranks;
    muir_coll_part part;
    if (f->coll.kind != MUIR_ALL_REDUCE) return nested(count, f->ranks, c / each, each, c % each);
    muir_coll_block(count, f->chunks, c, &part.offset, &part.n);
    return part;
}

/* Where a chunk's place lies. Scratch: the copy of the input, the file's own chunks, those that pass. */
static muir_coll_place place_of(const muir_coll_file *f, const muir_coll_steps *steps, muir_file_place p)
{
    const int each = f->ranks > 0 ? f->chunks / f->ranks : 1, rank = steps->rank;
    const size_t count = steps->count, copy = f->writes_input ? count : 0;
    const size_t stride = chunk_of(f, count, 0).n; /* the longest */
    const size_t own = muir_coll_steps_block(steps, rank).n,
                 before = muir_coll_steps_block(steps, rank).offset;
    switch (p.buffer) {
    case MUIR_FILE_OWN: return (muir_coll_place){MUIR_COLL_SCRATCH, copy + (size_t)p.chunk * stride};
    case MUIR_FILE_PASSING:
        return (muir_coll_place){MUIR_COLL_SCRATCH, copy + (size_t)(f->own_chunks[rank] + p.chunk) * stride};
    case MUIR_FILE_INPUT: {
        const bool is_own = f->coll.kind == MUIR_ALL_GATHER;
        const size_t at =
            chunk_of(f, count, is_own ? rank * each + p.chunk : p.chunk).offset - (is_own ? before : 0);
        return (muir_coll_place){f->writes_input ? MUIR_COLL_SCRATCH : MUIR_COLL_INPUT, at};
    }
    case MUIR_FILE_OUTPUT: break;
    }
    if (f->coll.kind == MUIR_REDUCE_SCATTER)
        return (muir_coll_place){MUIR_COLL_OUTPUT, chunk_of(f, count, rank * each + p.chunk).offset - before};
    if (f->coll.kind == MUIR_ALL_TO_ALL) {
        const muir_coll_part part = chunk_of(f, count, rank * each + p.chunk % each);
        return (muir_coll_place){MUIR_COLL_OUTPUT, (size_t)(p.chunk / each) * own + part.offset - before};
    }
    return (muir_coll_place){MUIR_COLL_OUTPUT, chunk_of(f, count, p.chunk).offset};
}

/* What the rank receives, or does by itself, in a move. */
static void take(const muir_coll_file *f, const muir_coll_steps *steps, const muir_file_move *m,
                 muir_coll_step *step)
{
    const size_t n = chunk_of(f, steps->count, m->id % f->chunks).n;
    const muir_coll_place target = place_of(f, steps, m->target), with = place_of(f, steps, m->with);
    muir_coll_place in = place_of(f, steps, (muir_file_place){MUIR_FILE_PASSING, m->block});
    if (m->from == m->to)
        in = place_of(f, steps, m->source);
    else
        step->recv = (muir_coll_message){.peer = m->from, .at = m->is_sum ? in : target, .count = n};
    if (m->is_sum)
        step->local = muir_coll_reduction(target, with, in, n);
    else if (m->from == m->to)
        step->local = (muir_coll_local){.action = MUIR_COLL_COPY, .to = target, .a = in, .count = n};
}

/* The rank's part of moves [first, end), a round: the k-th message out goes with the k-th one in. */
static void add_round(const muir_coll_file *f, muir_coll_steps *steps, int first, int end)
{
    const int rank = steps->rank;
    int in = first, out = first;
    bool is_first = true;
    for (;;) {
        muir_coll_step step = {.after = 0};
        while (in < end && f->moves[in].to != rank) in++;
        while (out < end && (f->moves[out].from != rank || f->moves[out].to == rank)) out++;
        if (in == end && out == end) return;
        if (out < end)
            step.send =
                (muir_coll_message){.peer = f->moves[out].to,
                                    .at = place_of(f, steps, f->moves[out].source),
                                    .count = chunk_of(f, steps->count, f->moves[out].id % f->chunks).n};
        if (in < end) take(f, steps, &f->moves[in], &step);
        if (is_first)
            muir_coll_steps_add(steps, &step);
        else
            muir_coll_steps_add_to_round(steps, &step);
        is_first = false;
        in += in < end;
        out += out < end;
    }
}

static void file_steps(muir_coll_steps *steps)
{
    const muir_coll_file *f = steps->spec->file;
    const muir_coll_place input = {MUIR_COLL_INPUT, 0}, copy = {MUIR_COLL_SCRATCH, 0};
    const muir_coll_part own = muir_coll_steps_block(steps, steps->rank);
    if (!f || steps->p != f->ranks) return;
    if (f->writes_input)
        muir_coll_steps_add_copy(steps, copy, input, f->coll.kind == MUIR_ALL_GATHER ? own.n : steps->count);
    if (f->is_in_place && f->coll.kind == MUIR_ALL_REDUCE)
        muir_coll_steps_add_copy(steps, (muir_coll_place){MUIR_COLL_OUTPUT, 0}, input, steps->count);
    if (f->is_in_place && f->coll.kind == MUIR_ALL_GATHER)
        muir_coll_steps_add_copy(steps, (muir_coll_place){MUIR_COLL_OUTPUT, own.offset}, input, own.n);
    for (int first = 0, end; first < f->n; first = end) {
        for (end = first; end < f->n && f->moves[end].round == f->moves[first].round; end++) continue;
        add_round(f, steps, first, end);
    }
    if (f->is_in_place && f->coll.kind == MUIR_REDUCE_SCATTER)
        muir_coll_steps_add_copy(steps, (muir_coll_place){MUIR_COLL_OUTPUT, 0},
                                 (muir_coll_place){MUIR_COLL_SCRATCH, own.offset}, own.n);
}

void muir_coll_file_cost(const muir_coll_file *file, double *share, int *rounds)
{
    int most = 0, last = -1;
    *rounds = 0;
    for (int rank = 0; rank < file->ranks; rank++) {
        int sent = 0;
        for (int i = 0; i < file->n; i++) sent += file->moves[i].from == rank && file->moves[i].to != rank;
        most = sent > most ? sent : most;
    }
    for (int i = 0; i < file->n; i++) {
        if (file->moves[i].from == file->moves[i].to || file->moves[i].round == last) continue;
        last = file->moves[i].round;
        ++*rounds;
    }
    *share = (double)most / file->chunks;
}

static bool is_yaml(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

muir_status muir_coll_file_create(muir_ctx *ctx, const char *path, muir_coll_file **out)
{
    muir_status st = MUIR_OK;
    char *text = NULL;
    size_t length = 0;
    muir_coll_file *file = NULL;
    muir_file_script script = {.path = path};
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *file, "a collective", &file));
    file->coll.steps = file_steps;
    file->coll.source = "a file of the user";
    if (is_yaml(path)) {
        MUIR_TRY(muir_file_lists_read(ctx, file, &script));
    } else {
        MUIR_TRY(muir_text_read(ctx, path, &text, &length));
        MUIR_TRY(muir_file_script_read(ctx, text, file, &script));
    }
    file->writes_input = file->is_in_place && file->coll.kind == MUIR_REDUCE_SCATTER;
    MUIR_TRY(muir_file_script_play(ctx, &script, file));
    file->coll.name = file->name;
    *out = file;
    file = NULL;
done:
    free(text);
    free(script.threads);
    free(script.steps);
    muir_coll_file_destroy(&file);
    return st;
}

void muir_coll_file_destroy(muir_coll_file **file)
{
    if (!*file) return;
    free((*file)->moves);
    free(*file);
    *file = NULL;
}
