/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading `jobs:`. */
#include "scenario/jobs_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "scenario/catalogue.h"
#include "base/yaml_tree.h"

enum { KEY_SIZE = 256 };

typedef struct reader {
    muir_ctx *ctx;
    const char *path;
    const muir_yaml_tree *tree;
} reader;

static muir_status copy(const reader *r, const muir_yaml_node *node, char *text, size_t size)
{
    if (node->kind != MUIR_YAML_SCALAR)
        return muir_fail(r->ctx, MUIR_ERR_ARG, "%s:%d: %s must be one value", r->path, node->line, node->key);
    const size_t length = strlen(node->text);
    if (length >= size)
        return muir_fail(r->ctx, MUIR_ERR_ARG, "%s:%d: %s has %zu letters, but at most %zu fit", r->path,
                         node->line, node->key, length, size - 1);
    memcpy(text, node->text, length + 1);
    return MUIR_OK;
}

static muir_status number(const reader *r, const muir_yaml_node *node, double least, double most,
                          double *value)
{
    char *end = NULL, text[64];
    const muir_status st = copy(r, node, text, sizeof text);
    if (st != MUIR_OK) return st;
    *value = strtod(text, &end);
    if (end != text && !*end && *value >= least && *value <= most) return MUIR_OK;
    return muir_fail(r->ctx, MUIR_ERR_ARG, "%s:%d: %s is '%s', but must be a number from %g to %g", r->path,
                     node->line, node->key, text, least, most);
}

static muir_status whole(const reader *r, const muir_yaml_node *node, double most, int64_t *value)
{
    double x = 0.0;
    const muir_status st = number(r, node, 1.0, most, &x);
    if (st != MUIR_OK) return st;
    *value = (int64_t)x;
    if (x == floor(x)) return MUIR_OK;
    return muir_fail(r->ctx, MUIR_ERR_ARG, "%s:%d: %s is %g, but must be a whole number", r->path, node->line,
                     node->key, x);
}

static muir_status add_line(const reader *r, int line, const char *key, const char *value, char *keys)
{
    const size_t used = strlen(keys), more = strlen(key) + (value ? strlen(value) + 1 : 0) + 1;
    if (used + more >= MUIR_ENTRY_KEYS)
        return muir_fail(r->ctx, MUIR_ERR_ARG, "%s:%d: a job's keys take more than %d letters", r->path, line,
                         MUIR_ENTRY_KEYS - 1);
    strcat(keys, key);
    if (value) strcat(strcat(keys, "="), value);
    strcat(keys, "\n");
    return MUIR_OK;
}

/* `overrides: a=1 b=2` */
static muir_status add_overrides(const reader *r, const muir_yaml_node *node, char *keys)
{
    char text[MUIR_ENTRY_KEYS], *rest = NULL;
    muir_status st = copy(r, node, text, sizeof text);
    for (char *one = st == MUIR_OK ? strtok_r(text, " \t\n", &rest) : NULL; one && st == MUIR_OK;
         one = strtok_r(NULL, " \t\n", &rest))
        st = add_line(r, node->line, one, NULL, keys);
    return st;
}

/* A key of a scenario; those below a mapping with its name in front. */
static muir_status add_key(const reader *r, const muir_yaml_node *node, const char *above, char *keys)
{
    char key[KEY_SIZE];
    muir_status st = MUIR_OK;
    if (node->kind == MUIR_YAML_SEQUENCE || strlen(above) + strlen(node->key) + 2 > sizeof key)
        return muir_fail(r->ctx, MUIR_ERR_ARG, "%s:%d: %s%s must be one value", r->path, node->line, above,
                         node->key);
    strcat(strcpy(key, above), node->key);
    if (node->kind == MUIR_YAML_SCALAR)
        return strcmp(key, "overrides") == 0 ? add_overrides(r, node, keys)
                                             : add_line(r, node->line, key, node->text, keys);
    strcat(key, ".");
    for (int i = node->first; i >= 0 && st == MUIR_OK; i = r->tree->nodes[i].next)
        st = add_key(r, &r->tree->nodes[i], key, keys);
    return st;
}

static muir_status read_entry(const reader *r, const muir_yaml_node *item, muir_jobs_entry *e)
{
    muir_status st = MUIR_OK;
    *e = (muir_jobs_entry){.count = 1, .line = item->line, .placement = "packed"};
    if (item->kind != MUIR_YAML_MAPPING)
        return muir_fail(r->ctx, MUIR_ERR_ARG, "%s:%d: an item of jobs must have keys and values", r->path,
                         item->line);
    for (int i = item->first; i >= 0; i = r->tree->nodes[i].next) {
        const muir_yaml_node *node = &r->tree->nodes[i];
        if (strcmp(node->key, "name") == 0)
            MUIR_TRY(copy(r, node, e->name, sizeof e->name));
        else if (strcmp(node->key, "scenario") == 0)
            MUIR_TRY(copy(r, node, e->scenario, sizeof e->scenario));
        else if (strcmp(node->key, "placement") == 0)
            MUIR_TRY(copy(r, node, e->placement, sizeof e->placement));
        else if (strcmp(node->key, "count") == 0)
            MUIR_TRY(whole(r, node, 4096, &e->count));
        else if (strcmp(node->key, "servers") == 0)
            MUIR_TRY(whole(r, node, 1e8, &e->servers));
        else if (strcmp(node->key, "share") == 0)
            MUIR_TRY(number(r, node, 1e-9, 1.0, &e->share));
        else if (strcmp(node->key, "start_s") == 0)
            MUIR_TRY(number(r, node, 0.0, 1e9, &e->start_s));
        else
            MUIR_TRY(add_key(r, node, "", e->keys));
    }
    if (e->servers > 0 && e->share > 0.0)
        MUIR_TRY(muir_fail(r->ctx, MUIR_ERR_ARG, "%s:%d: a job has servers or a share, not both", r->path,
                           item->line));
done:
    return st;
}

static muir_status read_jobs(const reader *r, const muir_yaml_node *jobs, muir_jobs_file *file)
{
    muir_status st = MUIR_OK;
    if (jobs->kind != MUIR_YAML_SEQUENCE)
        return muir_fail(r->ctx, MUIR_ERR_ARG, "%s:%d: jobs must be a list, an item for each kind of job",
                         r->path, jobs->line);
    for (int i = jobs->first; i >= 0; i = r->tree->nodes[i].next) {
        if (file->n == MUIR_MOST_ENTRIES)
            return muir_fail(r->ctx, MUIR_ERR_ARG, "%s:%d: more than %d items of jobs", r->path, jobs->line,
                             MUIR_MOST_ENTRIES);
        MUIR_TRY(read_entry(r, &r->tree->nodes[i], &file->entries[file->n]));
        muir_jobs_entry *e = &file->entries[file->n++];
        if (!e->name[0]) snprintf(e->name, sizeof e->name, "job%d", file->n);
    }
    if (file->n == 0)
        MUIR_TRY(muir_fail(r->ctx, MUIR_ERR_ARG, "%s:%d: jobs has no items", r->path, jobs->line));
done:
    return st;
}

/* `{leaf: 3, left: 0.5}`, `{server: all, left: 0.9}` */
static muir_status read_degraded_item(const reader *r, const muir_yaml_node *item, muir_jobs_degraded *d)
{
    muir_status st = MUIR_OK;
    int parts = 0;
    *d = (muir_jobs_degraded){.line = item->line};
    for (int i = item->kind == MUIR_YAML_MAPPING ? item->first : -1; i >= 0; i = r->tree->nodes[i].next) {
        const muir_yaml_node *node = &r->tree->nodes[i];
        double number_of = -1.0;
        if (strcmp(node->key, "left") == 0) {
            MUIR_TRY(number(r, node, 1e-6, 1.0, &d->left));
            continue;
        }
        if (strcmp(node->key, "leaf") != 0 && strcmp(node->key, "server") != 0)
            return muir_fail(r->ctx, MUIR_ERR_ARG,
                             "%s:%d: degraded parts have leaf, server and left, not '%s'", r->path,
                             node->line, node->key);
        if (node->kind != MUIR_YAML_SCALAR || strcmp(node->text, "all") != 0)
            MUIR_TRY(number(r, node, 0.0, 1e8, &number_of));
        d->is_leaf = strcmp(node->key, "leaf") == 0;
        d->number = (int64_t)number_of;
        parts++;
    }
    if (parts != 1 || d->left == 0.0)
        st = muir_fail(
            r->ctx, MUIR_ERR_ARG,
            "%s:%d: a degraded part is {leaf: N, left: SHARE} or {server: N, left: SHARE}; N may be all",
            r->path, item->line);
done:
    return st;
}

static muir_status read_degraded(const reader *r, const muir_yaml_node *list, muir_jobs_file *file)
{
    muir_status st = MUIR_OK;
    if (list->kind != MUIR_YAML_SEQUENCE)
        return muir_fail(r->ctx, MUIR_ERR_ARG, "%s:%d: degraded must be a list of parts", r->path,
                         list->line);
    for (int i = list->first; i >= 0; i = r->tree->nodes[i].next) {
        if (file->n_degraded == MUIR_MOST_DEGRADED)
            return muir_fail(r->ctx, MUIR_ERR_ARG, "%s:%d: more than %d degraded parts", r->path, list->line,
                             MUIR_MOST_DEGRADED);
        MUIR_TRY(read_degraded_item(r, &r->tree->nodes[i], &file->degraded[file->n_degraded]));
        file->n_degraded++;
    }
done:
    return st;
}

static muir_status read_on_root(muir_ctx *ctx, const char *name, char *path, muir_jobs_file *file)
{
    muir_status st = MUIR_OK;
    muir_yaml_tree tree = {.nodes = NULL};
    if (muir_catalogue_find(ctx, "scenarios", name, "scenario", path, MUIR_ENTRY_PATH) != MUIR_OK ||
        muir_yaml_tree_read(ctx, path, &tree) != MUIR_OK) {
        muir_ctx_clear(ctx); /* muir_scenario_load says it */
        goto done;
    }
    const reader r = {ctx, path, &tree};
    const muir_yaml_node *jobs = muir_yaml_tree_child(&tree, &tree.nodes[0], "jobs");
    if (!jobs) goto done;
    MUIR_TRY(read_jobs(&r, jobs, file));
    for (int i = tree.nodes[0].first; i >= 0; i = tree.nodes[i].next) {
        const muir_yaml_node *node = &tree.nodes[i];
        if (strcmp(node->key, "degraded") == 0)
            MUIR_TRY(read_degraded(&r, node, file));
        else if (node != jobs)
            MUIR_TRY(add_key(&r, node, "", file->common));
    }
done:
    muir_yaml_tree_free(&tree);
    return st;
}

muir_status muir_jobs_file_read(muir_ctx *ctx, const char *name, char *path, muir_jobs_file *file)
{
    muir_status st = MUIR_OK;
    file->n = file->n_degraded = 0;
    file->common[0] = path[0] = '\0';
    if (muir_is_root(ctx)) st = read_on_root(ctx, name, path, file);
    MUIR_TRY(muir_agree(ctx, st));
    if (ctx->size > 1) MUIR_TRY_MPI(MPI_Bcast(file, (int)sizeof *file, MPI_BYTE, 0, ctx->comm));
done:
    return st;
}
