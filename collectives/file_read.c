/* SPDX-License-Identifier: BSD-3-Clause */
/* MSCCL's XML into thread blocks and steps. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/xml.h"
#include "collectives/file.h"

enum { MOST_STEPS = 1 << 20, MOST_THREADS = 1 << 16, MOST_COUNT = 1024 };

static muir_status fail_at(muir_ctx *ctx, const muir_file_script *s, int line, const char *what,
                           const char *value)
{
    return muir_fail(ctx, MUIR_ERR_ARG, "%s:%d: %s%s%s", s->path, line, what, value ? " " : "",
                     value ? muir_quote(value).s : "");
}

static muir_status read_algo(muir_ctx *ctx, const muir_xml_tag *tag, const muir_file_script *s,
                             muir_coll_file *file)
{
    static const struct {
        const char *name;
        muir_coll_kind kind;
    } kinds[] = {{"allreduce", MUIR_ALL_REDUCE},
                 {"allgather", MUIR_ALL_GATHER},
                 {"reducescatter", MUIR_REDUCE_SCATTER},
                 {"reduce_scatter", MUIR_REDUCE_SCATTER},
                 {"alltoall", MUIR_ALL_TO_ALL}};
    const char *coll = muir_xml_get(tag, "coll"), *name = muir_xml_get(tag, "name");
    file->coll.kind = MUIR_COLL_KIND_COUNT;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (coll && strcmp(kinds[i].name, coll) == 0) file->coll.kind = kinds[i].kind;
    if (file->coll.kind == MUIR_COLL_KIND_COUNT)
        return fail_at(ctx, s, tag->line, "coll is none of allreduce, allgather, reducescatter, alltoall:",
                       coll ? coll : "missing");
    file->ranks = muir_xml_int(tag, "ngpus", 0);
    file->is_in_place = muir_xml_int(tag, "inplace", 0) != 0;
    snprintf(file->name, sizeof file->name, "file:%.50s", name && name[0] ? name : "unnamed");
    if (file->ranks < 2 || file->ranks > MUIR_FILE_RANKS)
        return fail_at(ctx, s, tag->line, "ngpus is not between 2 and 64:", muir_xml_get(tag, "ngpus"));
    if (file->is_in_place && file->coll.kind == MUIR_ALL_TO_ALL)
        return fail_at(ctx, s, tag->line, "an alltoall in place is not supported", NULL);
    return MUIR_OK;
}

/* Chunks of the whole vector, which all ranks have to agree on. */
static muir_status read_gpu(muir_ctx *ctx, const muir_xml_tag *tag, const muir_file_script *s, int rank,
                            muir_coll_file *file)
{
    const int in = muir_xml_int(tag, "i_chunks", 0), out = muir_xml_int(tag, "o_chunks", 0),
              own = muir_xml_int(tag, "s_chunks", 0);
    const int chunks = file->coll.kind == MUIR_ALL_GATHER ? (out > 0 ? out : in * file->ranks)
                       : in > 0                           ? in
                                                          : out;
    if (rank < 0 || rank >= file->ranks || muir_xml_int(tag, "id", -1) != rank)
        return fail_at(ctx, s, tag->line, "the ranks do not come as 0, 1, 2, ...:", muir_xml_get(tag, "id"));
    if (own < 0 || own > MUIR_FILE_CHUNKS || chunks < 1 || chunks > MUIR_FILE_CHUNKS)
        return fail_at(ctx, s, tag->line, "a buffer has no chunks, or more than 4,096", NULL);
    if (file->coll.kind != MUIR_ALL_REDUCE && chunks % file->ranks != 0)
        return fail_at(ctx, s, tag->line, "the chunks do not lie evenly on the ranks", NULL);
    if (rank > 0 && chunks != file->chunks)
        return fail_at(ctx, s, tag->line, "the ranks have different numbers of chunks", NULL);
    file->chunks = chunks;
    file->own_chunks[rank] = own;
    return MUIR_OK;
}

static muir_status add_thread(muir_ctx *ctx, const muir_xml_tag *tag, int rank, muir_file_script *s,
                              muir_coll_file *file)
{
    if (s->n_threads == s->room_threads) {
        const int room = s->room_threads ? 2 * s->room_threads : 64;
        muir_file_thread *more =
            room <= MOST_THREADS ? realloc(s->threads, (size_t)room * sizeof *more) : NULL;
        if (!more) return muir_fail(ctx, MUIR_ERR_MEM, "%s: no memory for thread blocks", s->path);
        s->threads = more;
        s->room_threads = room;
    }
    muir_file_thread *t = &s->threads[s->n_threads++];
    *t = (muir_file_thread){.rank = rank,
                            .id = muir_xml_int(tag, "id", -1),
                            .send = muir_xml_int(tag, "send", -1),
                            .recv = muir_xml_int(tag, "recv", -1),
                            .channel = muir_xml_int(tag, "chan", 0),
                            .first = s->n_steps};
    if (t->id != file->blocks[rank])
        return fail_at(ctx, s, tag->line,
                       "thread blocks do not come as 0, 1, 2, ...:", muir_xml_get(tag, "id"));
    if (t->send >= file->ranks || t->recv >= file->ranks || t->send == rank || t->recv == rank)
        return fail_at(ctx, s, tag->line,
                       "a thread block sends to, or receives from, a rank that is not another one", NULL);
    file->blocks[rank]++;
    return MUIR_OK;
}

/* A place by its letter and offset, `count` chunks from there on within the buffer. */
static muir_status read_place(muir_ctx *ctx, const muir_xml_tag *tag, const char *which, int rank, int count,
                              const muir_file_script *s, const muir_coll_file *file, muir_file_place *place)
{
    char key[8];
    snprintf(key, sizeof key, "%sbuf", which);
    const char *letter = muir_xml_get(tag, key);
    snprintf(key, sizeof key, "%soff", which);
    const int at = muir_xml_int(tag, key, -1), each = file->chunks / file->ranks;
    const bool is_split = file->coll.kind != MUIR_ALL_REDUCE;
    int most = file->chunks;
    if (!letter || !letter[0] || !strchr("ios", letter[0]) || letter[1])
        return fail_at(ctx, s, tag->line,
                       "a step without one of the buffers i, o, s:", letter ? letter : "missing");
    place->buffer = letter[0] == 'i' ? MUIR_FILE_INPUT : letter[0] == 'o' ? MUIR_FILE_OUTPUT : MUIR_FILE_OWN;
    place->chunk = at;
    if (letter[0] == 's') most = file->own_chunks[rank];
    if (letter[0] == 'i' && file->coll.kind == MUIR_ALL_GATHER)
        most = file->is_in_place ? file->chunks : each;
    if (letter[0] == 'o' && file->coll.kind == MUIR_REDUCE_SCATTER && is_split)
        most = file->is_in_place ? file->chunks : each;
    if (at < 0 || at + count > most)
        return fail_at(ctx, s, tag->line, "a step outside of its buffer, at chunk", muir_xml_get(tag, key));
    return MUIR_OK;
}

static muir_status add_step(muir_ctx *ctx, const muir_xml_tag *tag, muir_file_script *s, muir_coll_file *file)
{
    static const char *const types[] = {"s", "r", "rcs", "rrs", "rrc", "rrcs", "cpy", "re", "nop"};
    const char *type = muir_xml_get(tag, "type");
    bool is_known = false;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        is_known |= type && strcmp(type, types[i]) == 0;
    if (!is_known || s->n_threads == 0)
        return fail_at(ctx, s, tag->line, "unknown step", type ? type : "without a type");
    if (s->n_steps == s->room_steps) {
        const int room = s->room_steps ? 2 * s->room_steps : 256;
        muir_file_step *more = room <= MOST_STEPS ? realloc(s->steps, (size_t)room * sizeof *more) : NULL;
        if (!more) return muir_fail(ctx, MUIR_ERR_MEM, "%s: no memory for steps", s->path);
        s->steps = more;
        s->room_steps = room;
    }
    muir_file_thread *t = &s->threads[s->n_threads - 1];
    muir_file_step *step = &s->steps[s->n_steps];
    *step = (muir_file_step){.count = muir_xml_int(tag, "cnt", 1),
                             .dep_block = muir_xml_int(tag, "depid", -1),
                             .dep_step = muir_xml_int(tag, "deps", -1),
                             .line = tag->line};
    snprintf(step->type, sizeof step->type, "%s", type);
    const bool is_nop = strcmp(type, "nop") == 0, is_recv = type[0] == 'r' && strcmp(type, "re") != 0;
    const bool is_send = type[strlen(type) - 1] == 's';
    if (step->count < (is_nop ? 0 : 1) || step->count > MOST_COUNT)
        return fail_at(ctx, s, tag->line, "a step of no chunks, or of more than 1,024", NULL);
    if ((is_send && t->send < 0) || (is_recv && t->recv < 0))
        return fail_at(ctx, s, tag->line, "its thread block has no peer for the step", type);
    if (!is_nop && strcmp(type, "r") != 0 && strcmp(type, "rcs") != 0) {
        const muir_status st = read_place(ctx, tag, "src", t->rank, step->count, s, file, &step->source);
        if (st != MUIR_OK) return st;
    }
    if (!is_nop && strcmp(type, "s") != 0 && strcmp(type, "rrs") != 0) {
        const muir_status st = read_place(ctx, tag, "dst", t->rank, step->count, s, file, &step->target);
        if (st != MUIR_OK) return st;
    }
    s->n_steps++;
    t->n++;
    return MUIR_OK;
}

muir_status muir_file_script_read(muir_ctx *ctx, const char *text, muir_coll_file *file, muir_file_script *s)
{
    muir_status st = MUIR_OK;
    muir_xml_tag tag;
    int line = 1, rank = -1;
    bool is_closed = false;
    while (!is_closed && (text = muir_xml_next(text, &line, &tag))) {
        if (strcmp(tag.name, "algo") == 0 && tag.is_end)
            is_closed = true;
        else if (tag.is_end)
            continue;
        else if (strcmp(tag.name, "algo") == 0)
            MUIR_TRY(read_algo(ctx, &tag, s, file));
        else if (file->ranks == 0)
            MUIR_TRY(fail_at(ctx, s, tag.line, "the file does not begin with <algo>, but with", tag.name));
        else if (strcmp(tag.name, "gpu") == 0)
            MUIR_TRY(read_gpu(ctx, &tag, s, ++rank, file));
        else if (rank < 0)
            MUIR_TRY(fail_at(ctx, s, tag.line, "outside of a <gpu>:", tag.name));
        else if (strcmp(tag.name, "tb") == 0)
            MUIR_TRY(add_thread(ctx, &tag, rank, s, file));
        else if (strcmp(tag.name, "step") == 0)
            MUIR_TRY(add_step(ctx, &tag, s, file));
        else
            MUIR_TRY(fail_at(ctx, s, tag.line, "unknown tag", tag.name));
    }
    if (!is_closed) MUIR_TRY(fail_at(ctx, s, line, "the file ends before </algo>", NULL));
    if (rank + 1 != file->ranks)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s: ngpus=%d, but %d <gpu>", s->path, file->ranks, rank + 1));
done:
    return st;
}
