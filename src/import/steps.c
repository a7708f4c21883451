/* SPDX-License-Identifier: BSD-3-Clause */
/* Traced steps as files. */
#include "import/steps.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { FIRST_ROOM = 1024 };

static muir_status grow(muir_ctx *ctx, void *array, int n, int *room, size_t size)
{
    void **at = array;
    if (n < *room) return MUIR_OK;
    const int more = *room ? 2 * *room : FIRST_ROOM;
    void *larger = realloc(*at, (size_t)more * size);
    if (!larger) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for a traced step");
    *at = larger;
    *room = more;
    return MUIR_OK;
}

/* Letters, digits and a few signs; anything else becomes an underscore. */
static void clean(const char *name, char out[MUIR_STEP_NAME])
{
    int n = 0;
    for (; name[n] && n < MUIR_STEP_NAME - 1; n++)
        out[n] = isalnum((unsigned char)name[n]) || strchr("_-./", name[n]) ? name[n] : '_';
    out[n] = '\0';
}

muir_status muir_traced_add(muir_ctx *ctx, muir_traced *t, const char *name, const muir_traced_node *node)
{
    muir_status st = MUIR_OK;
    if (t->n >= MUIR_STEP_MOST)
        return muir_fail(ctx, MUIR_ERR_ARG, "a step of more than %d operations", MUIR_STEP_MOST);
    MUIR_TRY(grow(ctx, &t->nodes, t->n, &t->room, sizeof *t->nodes));
    t->nodes[t->n] = *node;
    clean(name[0] ? name : "unnamed", t->nodes[t->n].name);
    t->nodes[t->n].first_after = t->n_after;
    t->nodes[t->n].n_after = 0;
    t->n++;
done:
    return st;
}

muir_status muir_traced_wait(muir_ctx *ctx, muir_traced *t, int node)
{
    muir_traced_node *last = &t->nodes[t->n - 1];
    for (int i = 0; i < last->n_after; i++)
        if (t->after[last->first_after + i] == node) return MUIR_OK;
    const muir_status st = grow(ctx, &t->after, t->n_after, &t->room_after, sizeof *t->after);
    if (st != MUIR_OK) return st;
    t->after[t->n_after++] = node;
    last->n_after++;
    return MUIR_OK;
}

int muir_traced_find_group(muir_traced *t, const char *name, const char *description, long long members,
                           long long stride)
{
    char cleaned[MUIR_STEP_NAME];
    clean(name[0] ? name : "unnamed", cleaned);
    for (int i = 0; i < t->n_groups; i++)
        if (strcmp(t->groups[i].name, cleaned) == 0 && t->groups[i].members == members) return i;
    if (t->n_groups == MUIR_STEP_GROUPS) return -1;
    muir_traced_group *group = &t->groups[t->n_groups];
    memcpy(group->name, cleaned, sizeof cleaned);
    clean(description, group->description);
    group->members = members;
    group->stride = stride;
    return t->n_groups++;
}

muir_coll_kind muir_traced_coll(const char *word)
{
    static const struct {
        const char *letters;
        muir_coll_kind kind;
    } words[] = {{"allreduce", MUIR_ALL_REDUCE},
                 {"allgather", MUIR_ALL_GATHER},
                 {"reducescatter", MUIR_REDUCE_SCATTER},
                 {"alltoall", MUIR_ALL_TO_ALL},
                 {"broadcast", MUIR_BROADCAST}};
    char plain[MUIR_STEP_NAME];
    size_t n = 0;
    for (; *word && n + 1 < sizeof plain; word++)
        if (isalnum((unsigned char)*word)) plain[n++] = (char)tolower((unsigned char)*word);
    plain[n] = '\0';
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strstr(plain, words[i].letters)) return words[i].kind;
    return MUIR_COLL_KIND_COUNT;
}

static const char *word_of(const muir_traced_node *node)
{
    if (node->kind == MUIR_TRACED_COLL) return muir_coll_kind_name(node->coll);
    return node->kind == MUIR_TRACED_MESSAGE ? "message" : "compute";
}

/* Whether a group is one of replicas: as its description says, else where it holds all ranks, or its ranks
 * are the farthest from each other. */
static bool does_scale(const muir_traced *t, const muir_traced_group *group)
{
    static const char *const replicas[] = {"dp", "edp", "fsdp", "ddp", "world"};
    static const char *const others[] = {"tensor", "pipeline", "expert", "context", "tp", "pp", "ep", "cp"};
    long long most = 1;
    for (size_t i = 0; i < sizeof replicas / sizeof replicas[0]; i++)
        if (strcasecmp(group->description, replicas[i]) == 0) return true;
    if (strcasestr(group->description, "data_parallel") || strcasestr(group->description, "mesh_dp"))
        return true;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strcasestr(group->description, others[i])) return false;
    for (int i = 0; i < t->n_groups; i++) most = t->groups[i].stride > most ? t->groups[i].stride : most;
    return group->members == t->ranks || (most > 1 && group->stride == most);
}

static void put_node(FILE *out, const muir_traced *t, const muir_traced_node *node)
{
    fprintf(out, "  - {do: %s, name: %s, s: %.9g", word_of(node), node->name, node->time_s);
    if (node->idle_s > 0.0) fprintf(out, ", idle: %.9g", node->idle_s);
    if (node->kind != MUIR_TRACED_COMPUTE) fprintf(out, ", bytes: %.15g", node->bytes);
    if (node->kind == MUIR_TRACED_COLL) fprintf(out, ", group: %s", t->groups[node->group].name);
    fprintf(out, ", on: %d", node->stream);
    if (node->n_after > 0) fprintf(out, ", after: [");
    for (int i = 0; i < node->n_after; i++)
        fprintf(out, "%s%d", i ? ", " : "", t->after[node->first_after + i]);
    fprintf(out, "%s}\n", node->n_after > 0 ? "]" : "");
}

static void put_file(FILE *out, const muir_import_source *source, const muir_traced *t)
{
    char path[MUIR_STEP_NAME];
    const char *name = strrchr(source->path, '/');
    clean(name ? name + 1 : source->path, path);
    fprintf(out,
            "# A step program: operations of one rank. muir replay runs it. Nodes are numbered from 0.\n"
            "# s: in the trace; idle: that it began after all that it waits for; on: one at a time\n"
            "source: %s\nranks: %lld\nstep_time_s: %.9g\ngroups:\n",
            path, t->ranks, t->step_s);
    for (int i = 0; i < t->n_groups; i++)
        fprintf(out, "  - {name: %s, members: %lld, stride: %lld, scales: %s}\n", t->groups[i].name,
                t->groups[i].members, t->groups[i].stride, does_scale(t, &t->groups[i]) ? "true" : "false");
    fprintf(out, "nodes:\n");
    for (int i = 0; i < t->n; i++) put_node(out, t, &t->nodes[i]);
}

static muir_status note_totals(muir_ctx *ctx, const muir_traced *t, muir_import *found)
{
    muir_status st = MUIR_OK;
    double bytes[MUIR_COLL_KIND_COUNT] = {0.0}, compute_s = 0.0, message_s = 0.0;
    int n[MUIR_COLL_KIND_COUNT] = {0}, messages = 0, computes = 0;
    for (int i = 0; i < t->n; i++) {
        const muir_traced_node *node = &t->nodes[i];
        if (node->kind == MUIR_TRACED_COLL) n[node->coll]++, bytes[node->coll] += node->bytes;
        if (node->kind == MUIR_TRACED_MESSAGE) messages++, message_s += node->time_s;
        if (node->kind == MUIR_TRACED_COMPUTE) computes++, compute_s += node->time_s;
    }
    MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_TAKEN, "", "",
                              "%d operations of compute and memory, %.4g ms", computes, 1e3 * compute_s));
    for (int k = 0; k < MUIR_COLL_KIND_COUNT; k++)
        if (n[k] > 0)
            MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_TAKEN, "", "", "%d %s, %.6g bytes in all", n[k],
                                      muir_coll_kind_name((muir_coll_kind)k), bytes[k]));
    if (messages > 0)
        MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_TAKEN, "", "",
                                  "%d messages, %.4g ms with what they wait", messages, 1e3 * message_s));
    MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_DERIVED, "", "",
                              "step time in the trace, first start to last "
                              "end: %.6g ms",
                              1e3 * t->step_s));
    for (int i = 0; i < t->n_groups; i++)
        MUIR_TRY(muir_import_note(
            ctx, found, does_scale(t, &t->groups[i]) ? MUIR_NOTE_ASSUMED : MUIR_NOTE_TAKEN, "", "",
            "group %s: %lld ranks, %lld apart%s", t->groups[i].name, t->groups[i].members,
            t->groups[i].stride,
            does_scale(t, &t->groups[i]) ? "; it is one of replicas, and grows with them (scales: true)"
                                         : ""));
done:
    return st;
}

muir_status muir_traced_finish(muir_ctx *ctx, const muir_import_source *source, const muir_traced *t,
                               muir_import *found)
{
    size_t size = 0;
    if (t->n == 0) return muir_fail(ctx, MUIR_ERR_ARG, "there is no operation of an accelerator in it");
    const muir_status st = note_totals(ctx, t, found);
    if (st != MUIR_OK) return st;
    FILE *out = open_memstream(&found->text, &size);
    if (!out) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for a step program");
    put_file(out, source, t);
    return fclose(out) == 0 ? MUIR_OK : muir_fail(ctx, MUIR_ERR_MEM, "no memory for a step program");
}

void muir_traced_free(muir_traced *t)
{
    free(t->nodes);
    free(t->after);
    *t = (muir_traced){.nodes = NULL};
}
