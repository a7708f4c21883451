/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading of study files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "scenario/catalogue.h"
#include "scenario/yaml.h"
#include "study/study.h"

static muir_status wrong(muir_ctx *ctx, const char *path, const muir_yaml_node *node, const char *what)
{
    return muir_fail(ctx, MUIR_ERR_ARG, "%s:%d: %.60s %s", path, node->line, node->key ? node->key : "",
                     what);
}

static muir_status read_text(muir_ctx *ctx, const char *path, const muir_yaml_node *node, char *text,
                             size_t size)
{
    if (node->kind != MUIR_YAML_SCALAR) return wrong(ctx, path, node, "must be a text");
    if (strlen(node->text) >= size) return wrong(ctx, path, node, "is too long");
    snprintf(text, size, "%s", node->text);
    return MUIR_OK;
}

/* label: overrides, for each value. */
static muir_status read_axis(muir_ctx *ctx, const char *path, const muir_yaml_tree *tree,
                             const muir_yaml_node *node, muir_study_axis *axis)
{
    muir_status st = MUIR_OK;
    if (node->kind != MUIR_YAML_MAPPING)
        return wrong(ctx, path, node, "must be a mapping of labels to overrides");
    snprintf(axis->name, sizeof axis->name, "%.60s", node->key);
    for (int i = node->first; i >= 0; i = tree->nodes[i].next) {
        const muir_yaml_node *value = &tree->nodes[i];
        if (axis->n == MUIR_STUDY_VALUES)
            return wrong(ctx, path, value, "is one value too many for an axis (at most 16)");
        muir_study_value *v = &axis->values[axis->n++];
        if (strlen(value->key) >= sizeof v->label) return wrong(ctx, path, value, "is too long for a label");
        snprintf(v->label, sizeof v->label, "%s", value->key);
        MUIR_TRY(read_text(ctx, path, value, v->overrides, sizeof v->overrides));
    }
    if (axis->n == 0) return wrong(ctx, path, node, "has no values");
done:
    return st;
}

static muir_status read_axes(muir_ctx *ctx, const char *path, const muir_yaml_tree *tree,
                             const muir_yaml_node *node, muir_study *s)
{
    muir_status st = MUIR_OK;
    if (node->kind != MUIR_YAML_MAPPING) return wrong(ctx, path, node, "must be a mapping of axes");
    for (int i = node->first; i >= 0; i = tree->nodes[i].next) {
        if (s->n_axes == MUIR_STUDY_AXES)
            return wrong(ctx, path, &tree->nodes[i], "is one axis too many (at most 4)");
        MUIR_TRY(read_axis(ctx, path, tree, &tree->nodes[i], &s->axes[s->n_axes++]));
    }
done:
    return st;
}

static muir_status read_seeds(muir_ctx *ctx, const char *path, const muir_yaml_node *node, muir_study *s)
{
    char *end = NULL;
    s->seeds = node->kind == MUIR_YAML_SCALAR ? strtoll(node->text, &end, 10) : 0;
    if (!end || *end || s->seeds < 1 || s->seeds > MUIR_STUDY_SEEDS)
        return wrong(ctx, path, node, "must be 1 to 100000");
    return MUIR_OK;
}

/* One of some words; its number. */
static muir_status read_word(muir_ctx *ctx, const char *path, const muir_yaml_node *node,
                             const char *const *words, const char *allowed, int *number)
{
    for (int i = 0; words[i] && node->kind == MUIR_YAML_SCALAR; i++)
        if (strcmp(words[i], node->text) == 0) {
            *number = i;
            return MUIR_OK;
        }
    return wrong(ctx, path, node, allowed);
}

static muir_status read_key(muir_ctx *ctx, const char *path, const muir_yaml_tree *tree,
                            const muir_yaml_node *n, muir_study *s)
{
    static const char *const layouts[] = {"given", "best", NULL}, *const bys[] = {"step", "tokens", "cost",
                                                                                  NULL};
    int number = 0;
    muir_status st = MUIR_OK;
    const char *key = n->key;
    if (strcmp(key, "description") == 0)
        return read_text(ctx, path, n, s->description, sizeof s->description);
    if (strcmp(key, "source") == 0) return read_text(ctx, path, n, s->source, sizeof s->source);
    if (strcmp(key, "scenario") == 0) return read_text(ctx, path, n, s->scenario, sizeof s->scenario);
    if (strcmp(key, "overrides") == 0) return read_text(ctx, path, n, s->overrides, sizeof s->overrides);
    if (strcmp(key, "bounds") == 0) return read_text(ctx, path, n, s->bounds, sizeof s->bounds);
    if (strcmp(key, "seeds") == 0) return read_seeds(ctx, path, n, s);
    if (strcmp(key, "axes") == 0) return read_axes(ctx, path, tree, n, s);
    if (strcmp(key, "sensitivity") == 0) return read_axis(ctx, path, tree, n, &s->sensitivity);
    if (strcmp(key, "layout") == 0) {
        MUIR_TRY(read_word(ctx, path, n, layouts, "must be given or best", &number));
        s->is_best = number == 1;
    } else if (strcmp(key, "by") == 0) {
        MUIR_TRY(read_word(ctx, path, n, bys, "must be step, tokens or cost", &number));
        s->by = (muir_plan_by)number;
    } else {
        st = wrong(
            ctx, path, n,
            "is unknown; known: description, source, scenario, overrides, layout, by, bounds, seeds, axes, "
            "sensitivity");
    }
done:
    return st;
}

static muir_status load_on_root(muir_ctx *ctx, const char *name, muir_study *s)
{
    muir_status st = MUIR_OK;
    muir_yaml_tree tree = {NULL, 0, 0};
    char path[MUIR_PATH_SIZE];
    *s = (muir_study){.seeds = 1, .by = MUIR_PLAN_BY_TOKENS};
    MUIR_TRY(muir_catalogue_find(ctx, "studies", name, "study", path, sizeof path));
    MUIR_TRY(muir_yaml_tree_read(ctx, path, &tree));
    for (int i = tree.nodes[0].first; i >= 0; i = tree.nodes[i].next)
        MUIR_TRY(read_key(ctx, path, &tree, &tree.nodes[i], s));
    if (!s->scenario[0]) MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s: key 'scenario' is missing", path));
    if (s->n_axes == 0) MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s: key 'axes' is missing", path));
done:
    muir_yaml_tree_free(&tree);
    return st;
}

muir_status muir_study_load(muir_ctx *ctx, const char *name, muir_study *study)
{
    muir_status st = MUIR_OK;
    muir_study *s = NULL;
    st = muir_alloc(ctx, 1, sizeof *s, "the study", &s);
    if (st == MUIR_OK && muir_is_root(ctx)) st = load_on_root(ctx, name, s);
    MUIR_TRY(muir_agree(ctx, st));
    MUIR_TRY_MPI(MPI_Bcast(s, (int)sizeof *s, MPI_BYTE, 0, ctx->comm));
    *study = *s;
done:
    free(s);
    return st;
}
