/* SPDX-License-Identifier: BSD-3-Clause */
/* Step programs from files. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/yaml_tree.h"
#include "replay/tape.h"

typedef struct loader {
    muir_ctx *ctx;
    const char *path;
    muir_yaml_tree tree;
    muir_tape *replay;
} loader;

static const char *text_of(const muir_yaml_node *node)
{
    return node && node->text ? node->text : "";
}

static muir_status read_real(const loader *l, const muir_yaml_node *in, const char *key, bool is_needed,
                             double most, double *value)
{
    const muir_yaml_node *node = muir_yaml_tree_child(&l->tree, in, key);
    char *end = NULL;
    if (!node && !is_needed) return MUIR_OK;
    const double number = strtod(text_of(node), &end);
    if (!node || end == text_of(node) || *end || !(number >= 0.0 && number <= most))
        return muir_fail(l->ctx, MUIR_ERR_ARG, "%s:%d: %s is %s%s%s, but must be a number from 0 to %g",
                         l->path, node ? node->line : in->line, key, node ? "'" : "missing",
                         muir_quote(text_of(node)).s, node ? "'" : "", most);
    *value = number;
    return MUIR_OK;
}

static muir_status read_whole(const loader *l, const muir_yaml_node *in, const char *key, double least,
                              double most, int64_t *value)
{
    double number = 0.0;
    const muir_status st = read_real(l, in, key, true, most, &number);
    if (st != MUIR_OK) return st;
    if (number < least || number != floor(number))
        return muir_fail(l->ctx, MUIR_ERR_ARG, "%s:%d: %s is %g, but must be a whole number of at least %g",
                         l->path, in->line, key, number, least);
    *value = (int64_t)number;
    return MUIR_OK;
}

static muir_status check_keys(const loader *l, const muir_yaml_node *node, const char *what,
                              const char *known)
{
    if (node->kind != MUIR_YAML_MAPPING)
        return muir_fail(l->ctx, MUIR_ERR_ARG, "%s:%d: %s is written {key: value, ...}", l->path, node->line,
                         what);
    for (int at = node->first; at >= 0; at = l->tree.nodes[at].next) {
        char padded[MUIR_TAPE_NAME];
        snprintf(padded, sizeof padded, " %.50s ", l->tree.nodes[at].key);
        if (!strstr(known, padded))
            return muir_fail(l->ctx, MUIR_ERR_ARG, "%s:%d: unknown key %s; %s has%s", l->path,
                             l->tree.nodes[at].line, muir_quote(l->tree.nodes[at].key).s, what, known);
    }
    return MUIR_OK;
}

static muir_status read_group(loader *l, const muir_yaml_node *node)
{
    muir_status st = MUIR_OK;
    muir_tape *r = l->replay;
    MUIR_TRY(check_keys(l, node, "a group", " name members stride scales "));
    const char *name = text_of(muir_yaml_tree_child(&l->tree, node, "name")),
               *scales = text_of(muir_yaml_tree_child(&l->tree, node, "scales"));
    if (r->n_groups == MUIR_TAPE_GROUPS || !name[0] || strlen(name) >= MUIR_TAPE_NAME)
        MUIR_TRY(muir_fail(l->ctx, MUIR_ERR_ARG,
                           "%s:%d: a group without a name of at most %d characters, or more than %d groups",
                           l->path, node->line, MUIR_TAPE_NAME - 1, MUIR_TAPE_GROUPS));
    muir_tape_group *group = &r->groups[r->n_groups];
    memcpy(group->name, name, strlen(name) + 1);
    MUIR_TRY(read_whole(l, node, "members", 1, 1e9, &group->members));
    MUIR_TRY(read_whole(l, node, "stride", 1, 1e9, &group->stride));
    if (strcmp(scales, "true") != 0 && strcmp(scales, "false") != 0)
        MUIR_TRY(muir_fail(l->ctx, MUIR_ERR_ARG, "%s:%d: scales must be true or false", l->path, node->line));
    group->does_scale = strcmp(scales, "true") == 0;
    r->n_groups++;
done:
    return st;
}

static muir_status read_kind(const loader *l, const muir_yaml_node *node, muir_tape_node *out)
{
    const char *what = text_of(muir_yaml_tree_child(&l->tree, node, "do"));
    const char *group = text_of(muir_yaml_tree_child(&l->tree, node, "group"));
    out->group = -1;
    out->kind = strcmp(what, "compute") == 0   ? MUIR_TAPE_COMPUTE
                : strcmp(what, "message") == 0 ? MUIR_TAPE_MESSAGE
                                               : MUIR_TAPE_COLL;
    if (out->kind != MUIR_TAPE_COLL) return MUIR_OK;
    out->coll = MUIR_COLL_KIND_COUNT;
    for (int k = 0; k <= MUIR_BROADCAST; k++)
        if (strcmp(muir_coll_kind_name((muir_coll_kind)k), what) == 0) out->coll = (muir_coll_kind)k;
    if (out->coll == MUIR_COLL_KIND_COUNT)
        return muir_fail(l->ctx, MUIR_ERR_ARG,
                         "%s:%d: do is '%s', but must be compute, message, all_reduce, reduce_scatter, "
                         "all_gather, all_to_all or broadcast",
                         l->path, node->line, muir_quote(what).s);
    for (int i = 0; i < l->replay->n_groups; i++)
        if (strcmp(l->replay->groups[i].name, group) == 0) out->group = i;
    return out->group >= 0 ? MUIR_OK
                           : muir_fail(l->ctx, MUIR_ERR_ARG, "%s:%d: there is no group '%s'", l->path,
                                       node->line, muir_quote(group).s);
}

static muir_status read_waits(loader *l, const muir_yaml_node *node, int number, muir_tape_node *out)
{
    const muir_yaml_node *list = muir_yaml_tree_child(&l->tree, node, "after");
    out->first_wait = l->replay->n_waits;
    for (int at = list ? list->first : -1; at >= 0; at = l->tree.nodes[at].next) {
        char *end = NULL;
        const char *text = text_of(&l->tree.nodes[at]);
        const long other = strtol(text, &end, 10);
        if (end == text || *end || other < 0 || other >= number)
            return muir_fail(l->ctx, MUIR_ERR_ARG,
                             "%s:%d: node %d waits for '%s', which is no node before it", l->path, node->line,
                             number, muir_quote(text).s);
        l->replay->waits[l->replay->n_waits++] = (int)other;
        out->n_waits++;
    }
    return MUIR_OK;
}

static muir_status read_node(loader *l, const muir_yaml_node *node)
{
    muir_status st = MUIR_OK;
    muir_tape *r = l->replay;
    muir_tape_node *out = &r->nodes[r->n];
    int64_t stream = 0;
    MUIR_TRY(check_keys(l, node, "a node", " do name s idle bytes group on after "));
    MUIR_TRY(read_kind(l, node, out));
    MUIR_TRY(read_real(l, node, "s", true, 1e7, &out->time_s));
    MUIR_TRY(read_real(l, node, "idle", false, 1e7, &out->idle_s));
    MUIR_TRY(read_real(l, node, "bytes", out->kind != MUIR_TAPE_COMPUTE, 1e18, &out->bytes));
    MUIR_TRY(read_whole(l, node, "on", 0, MUIR_TAPE_STREAMS - 1, &stream));
    out->stream = (int)stream;
    MUIR_TRY(read_waits(l, node, r->n, out));
    r->n++;
done:
    return st;
}

static muir_status read_file(loader *l)
{
    muir_status st = MUIR_OK;
    const muir_yaml_node *root = l->tree.nodes;
    MUIR_TRY(check_keys(l, root, "a step program", " source ranks step_time_s groups nodes "));
    MUIR_TRY(read_whole(l, root, "ranks", 1, 1e9, &l->replay->ranks));
    MUIR_TRY(read_real(l, root, "step_time_s", false, 1e7, &l->replay->step_s));
    const muir_yaml_node *groups = muir_yaml_tree_child(&l->tree, root, "groups"),
                         *nodes = muir_yaml_tree_child(&l->tree, root, "nodes");
    for (int at = groups ? groups->first : -1; at >= 0; at = l->tree.nodes[at].next)
        MUIR_TRY(read_group(l, &l->tree.nodes[at]));
    if (!nodes || nodes->first < 0)
        MUIR_TRY(muir_fail(l->ctx, MUIR_ERR_ARG,
                           "%s: it has no nodes (muir import chakra or kineto makes such a file)", l->path));
    const size_t most = (size_t)l->tree.n;
    MUIR_TRY(muir_alloc(l->ctx, most, sizeof *l->replay->nodes, "a step program", &l->replay->nodes));
    MUIR_TRY(muir_alloc(l->ctx, most, sizeof *l->replay->waits, "a step program", &l->replay->waits));
    for (int at = nodes->first; at >= 0; at = l->tree.nodes[at].next)
        MUIR_TRY(read_node(l, &l->tree.nodes[at]));
done:
    return st;
}

muir_status muir_tape_create(muir_ctx *ctx, const char *path, muir_tape **out)
{
    muir_status st = MUIR_OK;
    loader l = {.ctx = ctx, .path = path};
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *l.replay, "a step program", &l.replay));
    MUIR_TRY(muir_yaml_tree_read(ctx, path, &l.tree));
    MUIR_TRY(read_file(&l));
    *out = l.replay;
    l.replay = NULL;
done:
    muir_yaml_tree_free(&l.tree);
    muir_tape_destroy(&l.replay);
    return st;
}

void muir_tape_destroy(muir_tape **replay)
{
    if (!*replay) return;
    free((*replay)->nodes);
    free((*replay)->waits);
    free(*replay);
    *replay = NULL;
}
