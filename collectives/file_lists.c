/* SPDX-License-Identifier: BSD-3-Clause */
/* A collective as lists of steps in YAML, one list per rank, into thread blocks and steps.
 *
 * A step of a list may send a chunk, receive one, and then copy or add one; it starts when the step before it
 * is over. A rank's sends to a peer become a thread block, its receives from a peer another, its copies and
 * sums a third kind; each waits for what the step before did in other blocks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/yaml_tree.h"
#include "collectives/file.h"

enum { MOST_PARTS = 3, MOST_WAITS = 2, ACTIONS = 5 };

/* What a part of a step does: its key, the key that says with whom or where to, MSCCL's word for it. */
typedef struct action {
    const char *key, *other, *type;
    int part; /* of a step: 0 sends, 1 receives, 2 works by itself */
} action;
static const action actions[ACTIONS] = {{"send", "to", "s", 0},
                                        {"receive", "from", "r", 1},
                                        {"reduce", "from", "rrc", 1},
                                        {"copy", "into", "cpy", 2},
                                        {"sum", "into", "re", 2}};

/* A part, with the place in its thread block where it ends. */
typedef struct part {
    const action *what;       /* NULL: the step has none */
    muir_file_place at, into; /* the chunk, and where a copy or sum goes */
    int block, last;          /* thread block of the rank, and number of the part's last step there */
    int waits[MOST_WAITS];    /* parts, as numbers in the list of all; -1: none */
    int line, number;
} part;

typedef struct lists {
    muir_ctx *ctx;
    const char *path;
    const muir_yaml_tree *tree;
    muir_coll_file *file;
    muir_file_script *script;
    part *parts;                           /* [MOST_PARTS * steps of the longest list] */
    int block_of[2 * MUIR_FILE_RANKS + 1]; /* of the rank at hand: sends, receives, own work; -1: none */
    int length[2 * MUIR_FILE_RANKS + 1];   /* steps of a block so far */
} lists;

static muir_status fail_at(const lists *l, const muir_yaml_node *node, const char *what)
{
    return muir_fail(l->ctx, MUIR_ERR_ARG, "%s:%d: %s%s%s%s", l->path, node->line, node->key ? node->key : "",
                     node->key ? ": " : "", what, "");
}

static bool read_whole(const char *text, int most, int *value)
{
    char *end = NULL;
    const long number = text ? strtol(text, &end, 10) : -1;
    if (!text || end == text || *end || number < 0 || number > most) return false;
    *value = (int)number;
    return true;
}

/* A chunk: a number of the vector, or s and a number of the rank's scratch. */
static muir_status read_place(const lists *l, const muir_yaml_node *node, bool is_read,
                              muir_file_place *place)
{
    const muir_coll_kind kind = l->file->coll.kind;
    const bool is_own = node->text && node->text[0] == 's';
    const int most = is_own ? l->file->own_chunks[0] : l->file->chunks;
    const bool is_input = kind == MUIR_REDUCE_SCATTER || (kind == MUIR_ALL_TO_ALL && is_read);
    place->buffer = is_own ? MUIR_FILE_OWN : is_input ? MUIR_FILE_INPUT : MUIR_FILE_OUTPUT;
    if (!node->text || !read_whole(node->text + is_own, most - 1, &place->chunk))
        return muir_fail(l->ctx, MUIR_ERR_ARG, "%s:%d: %s is '%s', but must be a chunk, 0 to %d%s", l->path,
                         node->line, node->key ? node->key : "a chunk",
                         muir_quote(node->text ? node->text : "").s, l->file->chunks - 1,
                         l->file->own_chunks[0] ? ", or of scratch, s0 and on" : "");
    return MUIR_OK;
}

/* The rank's thread block number `which` of block_of, made where there is none yet. */
static int block_at(lists *l, int rank, int which)
{
    if (l->block_of[which] >= 0) return l->block_of[which];
    const int p = l->file->ranks;
    muir_file_thread *t = &l->script->threads[l->script->n_threads++];
    *t = (muir_file_thread){.rank = rank, .id = l->file->blocks[rank], .send = -1, .recv = -1};
    if (which < p) t->send = which;
    if (which >= p && which < 2 * p) t->recv = which - p;
    return l->block_of[which] = l->file->blocks[rank]++;
}

/* Reads one action of a step into its part. */
static muir_status read_action(lists *l, const muir_yaml_node *step, const muir_yaml_node *node,
                               const action *what, int rank, part *out)
{
    muir_status st = MUIR_OK;
    const int p = l->file->ranks;
    const muir_yaml_node *other = muir_yaml_tree_child(l->tree, step, what->other);
    int peer = 0;
    if (out->what) MUIR_TRY(fail_at(l, node, "the step does two of the same kind; write two steps"));
    *out = (part){.what = what, .line = node->line, .waits = {-1, -1}};
    MUIR_TRY(read_place(l, node, what->part != 1, &out->at));
    if (!other)
        MUIR_TRY(muir_fail(l->ctx, MUIR_ERR_ARG, "%s:%d: %s without `%s`", l->path, node->line, what->key,
                           what->other));
    out->into = out->at;
    if (what->part == 2)
        MUIR_TRY(read_place(l, other, false, &out->into));
    else if (!read_whole(other->text, p - 1, &peer) || peer == rank)
        MUIR_TRY(muir_fail(l->ctx, MUIR_ERR_ARG, "%s:%d: %s is '%s', but must be another rank, 0 to %d",
                           l->path, other->line, what->other, muir_quote(other->text ? other->text : "").s,
                           p - 1));
    out->block = block_at(l, rank, what->part == 2 ? 2 * p : what->part * p + peer);
done:
    return st;
}

/* What a part has to wait for: all of the step before, and own work for the messages of its own step. */
static void set_waits(lists *l, int number, int which)
{
    part *now = &l->parts[MOST_PARTS * number + which];
    int n = 0;
    const int from = which == 2 && (now[-1].what || now[-2].what) ? number : number - 1;
    if (from >= 0 && from < number && l->parts[MOST_PARTS * from + 2].what) {
        if (l->parts[MOST_PARTS * from + 2].block != now->block) now->waits[n++] = MOST_PARTS * from + 2;
    } else if (from >= 0) {
        for (int i = 0; i < 2; i++)
            if (l->parts[MOST_PARTS * from + i].what && l->parts[MOST_PARTS * from + i].block != now->block)
                now->waits[n++] = MOST_PARTS * from + i;
    }
    l->length[now->block] += n > 1 ? n : 1;
    now->last = l->length[now->block] - 1;
    now->number = number;
}

static muir_status read_step(lists *l, const muir_yaml_node *step, int rank, int number)
{
    muir_status st = MUIR_OK;
    part *parts = &l->parts[MOST_PARTS * number];
    bool is_any = false;
    if (step->kind != MUIR_YAML_MAPPING) return fail_at(l, step, "a step is written {send: 0, to: 1}");
    for (int i = 0; i < MOST_PARTS; i++) parts[i] = (part){.what = NULL};
    for (int at = step->first; at >= 0; at = l->tree->nodes[at].next) {
        const muir_yaml_node *node = &l->tree->nodes[at];
        bool is_known = false;
        for (int i = 0; i < ACTIONS; i++) {
            is_known |= strcmp(node->key, actions[i].other) == 0;
            if (strcmp(node->key, actions[i].key) != 0) continue;
            MUIR_TRY(read_action(l, step, node, &actions[i], rank, &parts[actions[i].part]));
            is_known = is_any = true;
        }
        if (!is_known)
            MUIR_TRY(
                fail_at(l, node,
                        "unknown; a step has send and to, receive or reduce and from, copy or sum and into"));
    }
    if (!is_any) MUIR_TRY(fail_at(l, step, "a step that does nothing"));
    for (int i = 0; i < MOST_PARTS; i++)
        if (parts[i].what) set_waits(l, number, i);
done:
    return st;
}

/* Writes a part down: what waits for several blocks waits for all but the last in steps of its own. */
static void put_part(lists *l, const part *p)
{
    int n = 0;
    while (n < MOST_WAITS && p->waits[n] >= 0) n++;
    for (int i = 0; i < (n > 1 ? n : 1); i++) {
        const bool is_last = i + 1 >= n;
        const part *wait = n > 0 ? &l->parts[p->waits[i]] : NULL;
        muir_file_step *step = &l->script->steps[l->script->n_steps++];
        *step = (muir_file_step){.count = is_last,
                                 .dep_block = wait ? wait->block : -1,
                                 .dep_step = wait ? wait->last : -1,
                                 .line = p->line,
                                 .number = p->number};
        snprintf(step->type, sizeof step->type, "%s", is_last ? p->what->type : "nop");
        step->source = p->at;
        step->target = p->into;
    }
}

static muir_status read_rank(lists *l, const muir_yaml_node *list, int rank)
{
    int n = 0;
    const int first = l->script->n_threads;
    memset(l->block_of, 0xff, sizeof l->block_of);
    memset(l->length, 0, sizeof l->length);
    if (list->kind != MUIR_YAML_SEQUENCE) return fail_at(l, list, "a rank has a list of steps");
    for (int at = list->first; at >= 0; at = l->tree->nodes[at].next) {
        const muir_status st = read_step(l, &l->tree->nodes[at], rank, n++);
        if (st != MUIR_OK) return st;
    }
    for (int t = first; t < l->script->n_threads; t++) {
        muir_file_thread *thread = &l->script->threads[t];
        thread->first = l->script->n_steps;
        for (int i = 0; i < MOST_PARTS * n; i++)
            if (l->parts[i].what && l->parts[i].block == thread->id) put_part(l, &l->parts[i]);
        thread->n = l->script->n_steps - thread->first;
    }
    return MUIR_OK;
}

static muir_status read_head(lists *l, const muir_yaml_node *root, const muir_yaml_node **ranks)
{
    static const muir_coll_kind kinds[] = {MUIR_ALL_REDUCE, MUIR_ALL_GATHER, MUIR_REDUCE_SCATTER,
                                           MUIR_ALL_TO_ALL};
    muir_coll_file *f = l->file;
    const muir_yaml_node *name = NULL, *operation = NULL, *chunks = NULL, *scratch = NULL;
    f->coll.kind = MUIR_COLL_KIND_COUNT;
    for (int at = root->first; at >= 0; at = l->tree->nodes[at].next) {
        const muir_yaml_node *node = &l->tree->nodes[at];
        const muir_yaml_node **take = strcmp(node->key, "name") == 0        ? &name
                                      : strcmp(node->key, "operation") == 0 ? &operation
                                      : strcmp(node->key, "chunks") == 0    ? &chunks
                                      : strcmp(node->key, "scratch") == 0   ? &scratch
                                      : strcmp(node->key, "ranks") == 0     ? ranks
                                                                            : NULL;
        if (!take)
            return fail_at(l, node, "unknown; a collective has name, operation, chunks, scratch and ranks");
        *take = node;
    }
    for (size_t i = 0; operation && operation->text && i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(muir_coll_kind_name(kinds[i]), operation->text) == 0) f->coll.kind = kinds[i];
    if (f->coll.kind == MUIR_COLL_KIND_COUNT)
        return fail_at(l, operation ? operation : root,
                       "the operation must be all_reduce, all_gather, reduce_scatter or all_to_all");
    if (!*ranks || (*ranks)->kind != MUIR_YAML_SEQUENCE) return fail_at(l, root, "there is no list of ranks");
    for (int at = (*ranks)->first; at >= 0; at = l->tree->nodes[at].next) f->ranks++;
    if (f->ranks < 2 || f->ranks > MUIR_FILE_RANKS)
        return fail_at(l, *ranks, "must be 2 to 64 lists of steps");
    if (!chunks || !read_whole(chunks->text, MUIR_FILE_CHUNKS, &f->chunks) || f->chunks < 1)
        return fail_at(l, chunks ? chunks : root, "chunks must be 1 to 4,096, the parts of the vector");
    if (f->coll.kind != MUIR_ALL_REDUCE && f->chunks % f->ranks != 0)
        return fail_at(l, chunks, "the chunks do not lie evenly on the ranks");
    int own = 0;
    if (scratch && !read_whole(scratch->text, MUIR_FILE_CHUNKS, &own))
        return fail_at(l, scratch, "must be 0 to 4,096 chunks");
    for (int r = 0; r < f->ranks; r++) f->own_chunks[r] = own;
    f->is_in_place = f->coll.kind != MUIR_ALL_TO_ALL;
    snprintf(f->name, sizeof f->name, "file:%.50s",
             name && name->text && name->text[0] ? name->text : "unnamed");
    return MUIR_OK;
}

muir_status muir_file_lists_read(muir_ctx *ctx, muir_coll_file *file, muir_file_script *script)
{
    muir_status st = MUIR_OK;
    muir_yaml_tree tree = {.nodes = NULL};
    lists l = {.ctx = ctx, .path = script->path, .tree = &tree, .file = file, .script = script};
    const muir_yaml_node *ranks = NULL;
    int rank = 0;
    MUIR_TRY(muir_yaml_tree_read(ctx, script->path, &tree));
    MUIR_TRY(read_head(&l, tree.nodes, &ranks));
    const size_t most = (size_t)tree.n * MOST_PARTS; /* steps are nodes of the tree */
    script->is_lists = true;
    MUIR_TRY(muir_alloc(ctx, most, sizeof *l.parts, "a collective's steps", &l.parts));
    MUIR_TRY(
        muir_alloc(ctx, MOST_WAITS * most, sizeof *script->steps, "a collective's steps", &script->steps));
    MUIR_TRY(muir_alloc(ctx, most, sizeof *script->threads, "a collective's threads", &script->threads));
    for (int at = ranks->first; at >= 0; at = tree.nodes[at].next)
        MUIR_TRY(read_rank(&l, &tree.nodes[at], rank++));
done:
    free(l.parts);
    muir_yaml_tree_free(&tree);
    return st;
}
