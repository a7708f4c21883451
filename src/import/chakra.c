/* SPDX-License-Identifier: BSD-3-Clause */
/* Chakra execution traces -> a step program: nodes, durations, dependencies, collectives with their sizes.
 * Source: mlcommons/chakra, schema/protobuf/et_def.proto and feeder (sizes and attributes). A file is a list
 * of messages, each behind its length: the metadata, then nodes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/protobuf.h"
#include "import/steps.h"

enum { ID = 1, NAME = 2, TYPE = 3, CONTROL = 4, DATA = 5, START = 6, DURATION = 7, ATTRIBUTE = 10 };
enum { COMPUTE = 4, SEND = 5, RECEIVE = 6, COLLECTIVE = 7, LOAD = 2, STORE = 3 };
enum { DOUBLE_VALUE = 3, LAST_INT = 18, BOOL_VALUE = 27, TEXT_VALUE = 29 };
enum { STREAM_COMPUTE = 0, STREAM_COLLECTIVES = 1, STREAM_MESSAGES = 2, MOST_WAITS = 1 << 24 };

/* A node as it stands in the file. */
typedef struct raw {
    uint64_t id, start_us, duration_us, type;
    char name[MUIR_STEP_NAME], group[MUIR_STEP_NAME], description[MUIR_STEP_NAME];
    int64_t comm_type, members, stride;
    double comm_bytes, seconds;
    bool is_on_host;
    int first_wait, n_waits; /* in `waits`, ids */
    int node, mark;          /* number in the step program, -1: none yet; visited */
} raw;

typedef struct reader {
    muir_ctx *ctx;
    const muir_import_source *source;
    raw *nodes;
    uint64_t *waits;
    int *by_id; /* [n] numbers of nodes, by id */
    int n, room, n_waits, room_waits;
    int left_out, unknown;
    long long ranks;
    bool has_starts;
    double first_us; /* the first start on the device */
} reader;

static muir_status grow(reader *r, void *array, int n, int *room, size_t size)
{
    void **at = array;
    if (n < *room) return MUIR_OK;
    const int more = *room ? 2 * *room : 1024;
    void *larger = more <= MOST_WAITS ? realloc(*at, (size_t)more * size) : NULL;
    if (!larger) return muir_fail(r->ctx, MUIR_ERR_MEM, "no memory for a trace");
    *at = larger;
    *room = more;
    return MUIR_OK;
}

static muir_status add_wait(reader *r, raw *node, uint64_t id)
{
    const muir_status st = grow(r, &r->waits, r->n_waits, &r->room_waits, sizeof *r->waits);
    if (st != MUIR_OK) return st;
    r->waits[r->n_waits++] = id;
    node->n_waits++;
    return MUIR_OK;
}

/* Dependencies come one by one or packed. */
static muir_status read_waits(reader *r, raw *node, const muir_pb_field *field)
{
    muir_pb_reader inside = muir_pb_inside(field);
    uint64_t id = 0;
    if (field->type == MUIR_PB_VARINT) return add_wait(r, node, field->value);
    while (field->type == MUIR_PB_BYTES && muir_pb_varint(&inside, &id)) {
        const muir_status st = add_wait(r, node, id);
        if (st != MUIR_OK) return st;
    }
    return MUIR_OK;
}

static void take_text(const muir_pb_field *field, char out[MUIR_STEP_NAME])
{
    snprintf(out, MUIR_STEP_NAME, "%.*s", (int)(field->n < MUIR_STEP_NAME ? field->n : MUIR_STEP_NAME - 1),
             (const char *)field->data);
}

static void read_attribute(muir_pb_reader in, raw *node)
{
    char name[MUIR_STEP_NAME] = "", text[MUIR_STEP_NAME] = "";
    muir_pb_field field;
    double number = 0.0;
    while (muir_pb_next(&in, &field)) {
        if (field.number == 1 && field.type == MUIR_PB_BYTES) take_text(&field, name);
        if (field.number == TEXT_VALUE && field.type == MUIR_PB_BYTES) take_text(&field, text);
        if (field.number == DOUBLE_VALUE && field.type == MUIR_PB_64) number = muir_pb_double(&field);
        if (field.type == MUIR_PB_VARINT && (field.number <= LAST_INT || field.number == BOOL_VALUE))
            number = (double)(int64_t)field.value;
    }
    if (strcmp(name, "is_cpu_op") == 0) node->is_on_host = number != 0.0;
    if (strcmp(name, "comm_type") == 0) node->comm_type = (int64_t)number;
    if (strcmp(name, "comm_size") == 0) node->comm_bytes = number;
    if (strcmp(name, "group_size") == 0 && number >= 1.0 && number <= 1e9) node->members = (int64_t)number;
    if (strcmp(name, "group_stride") == 0 && number >= 1.0 && number <= 1e9) node->stride = (int64_t)number;
    if (strcmp(name, "duration_s") == 0 && number >= 0.0 && number < 1e9) node->seconds = number;
    if (strcmp(name, "pg_name") == 0) memcpy(node->group, text, sizeof text);
    if (strcmp(name, "pg_desc") == 0) memcpy(node->description, text, sizeof text);
}

static muir_status read_node(reader *r, muir_pb_reader in)
{
    muir_status st = MUIR_OK;
    muir_pb_field field;
    MUIR_TRY(grow(r, &r->nodes, r->n, &r->room, sizeof *r->nodes));
    raw *node = &r->nodes[r->n];
    *node = (raw){.comm_type = -1, .seconds = -1.0, .stride = 1, .first_wait = r->n_waits, .node = -1};
    while (muir_pb_next(&in, &field)) {
        if (field.number == ID) node->id = field.value;
        if (field.number == NAME && field.type == MUIR_PB_BYTES) take_text(&field, node->name);
        if (field.number == TYPE) node->type = field.value;
        if (field.number == START) node->start_us = field.value;
        if (field.number == DURATION) node->duration_us = field.value;
        if (field.number == CONTROL || field.number == DATA) MUIR_TRY(read_waits(r, node, &field));
        if (field.number == ATTRIBUTE && field.type == MUIR_PB_BYTES)
            read_attribute(muir_pb_inside(&field), node);
    }
    if (in.is_damaged) MUIR_TRY(muir_fail(r->ctx, MUIR_ERR_ARG, "message %d is no node of Chakra", r->n + 1));
    if (node->seconds < 0.0) node->seconds = 1e-6 * (double)node->duration_us;
    if (!(node->seconds < 1e9))
        MUIR_TRY(muir_fail(r->ctx, MUIR_ERR_ARG, "node %d takes longer than a step can", r->n));
    r->has_starts |= node->start_us > 0;
    r->n++;
done:
    return st;
}

static muir_status read_all(reader *r, const uint8_t *data, size_t length)
{
    muir_pb_reader in = {.at = data, .end = data + length};
    uint64_t size = 0;
    for (bool is_first = true; muir_pb_varint(&in, &size); is_first = false) {
        if (size > (uint64_t)(in.end - in.at))
            return muir_fail(r->ctx, MUIR_ERR_ARG,
                             "message %d does not end: it is no trace of Chakra, or a cut one", r->n + 1);
        const muir_pb_reader message = {.at = in.at, .end = in.at + size};
        in.at += size;
        const muir_status st = is_first ? MUIR_OK : read_node(r, message); /* the first is the metadata */
        if (st != MUIR_OK) return st;
    }
    if (in.is_damaged)
        return muir_fail(r->ctx, MUIR_ERR_ARG, "message %d does not begin: it is no trace of Chakra",
                         r->n + 1);
    return MUIR_OK;
}

static int compare_ids(const void *a, const void *b)
{
    const raw *x = *(const raw *const *)a, *y = *(const raw *const *)b;
    return (x->id > y->id) - (x->id < y->id);
}

static raw *find(raw *const *sorted, int n, uint64_t id)
{
    const raw key = {.id = id}, *at = &key;
    raw *const *found = bsearch(&at, sorted, (size_t)n, sizeof *sorted, compare_ids);
    return found ? *found : NULL;
}

/* Bytes as nccl-tests counts them: traces count what a rank puts in. */
static double size_of(const raw *node, muir_coll_kind kind, double members)
{
    return kind == MUIR_ALL_GATHER ? node->comm_bytes * members : node->comm_bytes;
}

static muir_status as_coll(reader *r, const raw *node, muir_traced *t, muir_traced_node *out)
{
    static const muir_coll_kind kinds[] = {MUIR_ALL_REDUCE,      MUIR_COLL_KIND_COUNT, MUIR_ALL_GATHER,
                                           MUIR_COLL_KIND_COUNT, MUIR_COLL_KIND_COUNT, MUIR_BROADCAST,
                                           MUIR_ALL_TO_ALL,      MUIR_REDUCE_SCATTER,  MUIR_REDUCE_SCATTER};
    const long long members = node->members > 0 ? node->members : r->ranks;
    out->coll = node->comm_type >= 0 && node->comm_type < (int64_t)(sizeof kinds / sizeof kinds[0])
                    ? kinds[node->comm_type]
                    : MUIR_COLL_KIND_COUNT;
    if (out->coll == MUIR_COLL_KIND_COUNT ||
        !(node->comm_bytes > 0.0)) { /* reduce, gather, scatter, barrier, no size */
        r->unknown++;
        out->kind = MUIR_TRACED_MESSAGE;
        return MUIR_OK;
    }
    if (members < 1)
        return muir_fail(r->ctx, MUIR_ERR_ARG,
                         "node %llu, a %s: among how many ranks? ranks=N says it where a trace does not",
                         (unsigned long long)node->id, muir_coll_kind_name(out->coll));
    out->kind = MUIR_TRACED_COLL;
    out->bytes = size_of(node, out->coll, (double)members);
    out->group = muir_traced_find_group(t, node->group[0] ? node->group : "world", node->description, members,
                                        node->stride);
    return out->group >= 0 ? MUIR_OK
                           : muir_fail(r->ctx, MUIR_ERR_ARG, "more than %d groups", MUIR_STEP_GROUPS);
}

static muir_status put(reader *r, raw *const *sorted, raw *node, muir_traced *t)
{
    muir_status st = MUIR_OK;
    muir_traced_node out = {
        .kind = MUIR_TRACED_COMPUTE, .time_s = node->seconds, .group = -1, .stream = STREAM_COMPUTE};
    const bool is_device = !node->is_on_host && node->type >= LOAD && node->type <= COLLECTIVE;
    if (!is_device) {
        r->left_out++;
        out.time_s = 0.0; /* it stays as a knot of dependencies */
    }
    if (is_device && node->type == COLLECTIVE) MUIR_TRY(as_coll(r, node, t, &out));
    if (is_device && (node->type == SEND || node->type == RECEIVE))
        out.kind = MUIR_TRACED_MESSAGE, out.bytes = node->comm_bytes;
    if (out.kind == MUIR_TRACED_MESSAGE) out.stream = STREAM_MESSAGES;
    if (out.kind == MUIR_TRACED_COLL) out.stream = STREAM_COLLECTIVES;
    double ready_us = r->first_us;
    node->node = t->n;
    MUIR_TRY(muir_traced_add(r->ctx, t, node->name, &out));
    for (int i = 0; i < node->n_waits; i++) {
        const raw *other = find(sorted, r->n, r->waits[node->first_wait + i]);
        if (!other || other->node < 0 || other == node) continue;
        MUIR_TRY(muir_traced_wait(r->ctx, t, other->node));
        const double end_us = (double)other->start_us + 1e6 * other->seconds;
        ready_us = end_us > ready_us ? end_us : ready_us;
    }
    if (r->has_starts && is_device && (double)node->start_us > ready_us + 1.0)
        t->nodes[t->n - 1].idle_s = 1e-6 * ((double)node->start_us - ready_us);
done:
    return st;
}

/* Nodes in an order in which each comes after what it waits for: depth first, with a stack of our own. */
static muir_status put_in_order(reader *r, raw **sorted, int *stack, muir_traced *t)
{
    for (int i = 0; i < r->n; i++) {
        int depth = 0;
        stack[depth++] = i;
        while (depth > 0) {
            raw *node = &r->nodes[stack[depth - 1]];
            bool is_ready = true;
            if (node->node >= 0) {
                depth--;
                continue;
            }
            for (; node->mark < node->n_waits && is_ready; node->mark++) {
                raw *other = find(sorted, r->n, r->waits[node->first_wait + node->mark]);
                if (!other || other->node >= 0 || other == node) continue;
                if (depth >= r->n)
                    return muir_fail(r->ctx, MUIR_ERR_ARG, "node %llu waits for itself through others",
                                     (unsigned long long)node->id);
                stack[depth++] = (int)(other - r->nodes);
                is_ready = false;
            }
            if (!is_ready) continue;
            const muir_status st = put(r, sorted, node, t);
            if (st != MUIR_OK) return st;
            depth--;
        }
    }
    return MUIR_OK;
}

/* First start to last end; where the trace has no starts, nothing is known. */
static double span_s(reader *r)
{
    double last_us = 0.0;
    r->first_us = r->has_starts ? 1e300 : 0.0;
    for (int i = 0; i < r->n && r->has_starts; i++) {
        const raw *node = &r->nodes[i];
        if (node->is_on_host || node->type < LOAD || node->type > COLLECTIVE) continue;
        r->first_us = fmin(r->first_us, (double)node->start_us);
        last_us = fmax(last_us, (double)node->start_us + 1e6 * node->seconds);
    }
    return last_us > r->first_us ? 1e-6 * (last_us - r->first_us) : 0.0;
}

static muir_status note(reader *r, muir_traced *t, muir_import *found)
{
    muir_status st = MUIR_OK;
    t->ranks = r->ranks;
    for (int i = 0; i < t->n_groups; i++)
        t->ranks = t->groups[i].members > t->ranks ? t->groups[i].members : t->ranks;
    MUIR_TRY(muir_import_note(r->ctx, found, MUIR_NOTE_ASSUMED, "", "", "%s",
                              "all ranks do what this one does; its accelerator "
                              "computes one operation at a time, collectives one after the other beside it"));
    if (r->left_out > 0)
        MUIR_TRY(muir_import_note(r->ctx, found, MUIR_NOTE_ASSUMED, "", "",
                                  "%d nodes of the host or of metadata take no "
                                  "time; what waits for them waits for what they wait for",
                                  r->left_out));
    if (r->unknown > 0)
        MUIR_TRY(muir_import_note(r->ctx, found, MUIR_NOTE_UNKNOWN, "", "",
                                  "%d collectives without a size, or of a kind that is not "
                                  "priced (reduce, gather, scatter, barrier): they take what the trace says",
                                  r->unknown));
done:
    return st;
}

static muir_status read_chakra(muir_ctx *ctx, const muir_import_source *source, muir_import *found)
{
    muir_status st = MUIR_OK;
    reader r = {.ctx = ctx, .source = source};
    muir_traced t = {.nodes = NULL};
    raw **sorted = NULL;
    int *stack = NULL;
    const char *ranks = muir_import_given(source, "ranks");
    r.ranks = ranks ? strtoll(ranks, NULL, 10) : 0;
    if (ranks && (r.ranks < 1 || r.ranks > 1000000000))
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "ranks=%s must be 1 or more", ranks));
    MUIR_TRY(read_all(&r, (const uint8_t *)source->text, source->length));
    sorted = malloc(((size_t)r.n + 1) * sizeof *sorted);
    stack = malloc(((size_t)r.n + 1) * sizeof *stack);
    if (!sorted || !stack) MUIR_TRY(muir_fail(ctx, MUIR_ERR_MEM, "no memory for a trace"));
    for (int i = 0; i < r.n; i++) sorted[i] = &r.nodes[i];
    qsort(sorted, (size_t)r.n, sizeof *sorted, compare_ids);
    for (int i = 1; i < r.n; i++)
        if (sorted[i]->id == sorted[i - 1]->id)
            MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "two nodes have the number %llu",
                               (unsigned long long)sorted[i]->id));
    t.step_s = span_s(&r);
    MUIR_TRY(put_in_order(&r, sorted, stack, &t));
    MUIR_TRY(note(&r, &t, found));
    MUIR_TRY(muir_traced_finish(ctx, source, &t, found));
done:
    muir_traced_free(&t);
    free(r.nodes);
    free(r.waits);
    free(sorted);
    free(stack);
    return st;
}

const muir_importer muir_importer_chakra = {
    .name = "chakra",
    .reads = "a rank's execution trace of Chakra, protobuf (with ranks=N where it does not say)",
    .writes = "steps",
    .form = MUIR_IMPORT_TEXT,
    .read = read_chakra,
};
