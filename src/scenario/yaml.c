/* SPDX-License-Identifier: BSD-3-Clause */
/* Mappings of a YAML file, and key=value texts, held against a schema of declared options. */
#include "scenario/yaml.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "scenario/inputs.h"

enum { WHERE_SIZE = MUIR_PATH_SIZE + 32 };

static int index_of(const muir_schema *schema, const muir_section *section, const muir_option *option)
{
    int before = 0;
    for (const muir_section *s = schema->sections; s < section; s++) before += s->n_options;
    return before + (int)(option - section->options);
}

/* `name` within a section, or at the top level: the option, or NULL. */
static const muir_option *option_of(const muir_schema *schema, const char *section_name, const char *name,
                                    const muir_section **section)
{
    char path[2 * MUIR_NAME_SIZE];
    const int n = snprintf(path, sizeof path, "%s%s%s", section_name, section_name[0] ? "." : "", name);
    if (n >= (int)sizeof path || strchr(name, '.')) return NULL;
    return muir_schema_find(schema, path, section);
}

static bool is_section(const muir_schema *schema, const char *name)
{
    for (int s = 0; s < schema->n_sections; s++)
        if (name[0] && strcmp(schema->sections[s].name, name) == 0) return true;
    return false;
}

static muir_status fail_unknown(muir_ctx *ctx, const muir_schema *schema, const muir_schema *among,
                                const char *where, const char *key)
{
    char meant[4 * MUIR_KEY_SIZE];
    muir_input_suggest(among, key, meant, sizeof meant);
    return muir_fail(ctx, MUIR_ERR_ARG, "%s: unknown key '%s'%s%s%s (muir help %s lists the keys)", where,
                     muir_quote(key).s, meant[0] ? ", did you mean '" : "", meant, meant[0] ? "'?" : "",
                     schema->kind);
}

/* One value of a mapping. */
static muir_status set_value(muir_ctx *ctx, muir_loader *loader, const muir_section *section,
                             const muir_option *option, const muir_yaml_node *node)
{
    char key[2 * MUIR_NAME_SIZE], where[WHERE_SIZE];
    int *given = &loader->given[index_of(loader->schema, section, option)];
    muir_option_path(section, option, key, sizeof key);
    snprintf(where, sizeof where, "%s:%d", loader->path, node->line);
    if (node->kind != MUIR_YAML_SCALAR)
        return muir_fail(ctx, MUIR_ERR_ARG, "%s: '%s' must be a single value", where, key);
    if (*given > 0)
        return muir_fail(ctx, MUIR_ERR_ARG, "%s: key '%s' is given twice, first in line %d", where, key,
                         *given);
    const muir_status st = muir_option_set(ctx, where, section, option, node->text, loader->file);
    if (st == MUIR_OK) *given = node->line;
    return st;
}

static muir_status set_section(muir_ctx *ctx, muir_loader *loader, const muir_yaml_tree *tree,
                               const muir_yaml_node *mapping, const char *name)
{
    char where[WHERE_SIZE];
    for (int i = mapping->first; i >= 0; i = tree->nodes[i].next) {
        const muir_yaml_node *node = &tree->nodes[i];
        const muir_section *section = NULL;
        const muir_option *option = option_of(loader->schema, name, node->key, &section);
        snprintf(where, sizeof where, "%s:%d", loader->path, node->line);
        if (!option) {
            char key[MUIR_KEY_SIZE];
            snprintf(key, sizeof key, "%.*s.%s", MUIR_NAME_SIZE, name, node->key);
            return fail_unknown(ctx, loader->schema, loader->schema, where, key);
        }
        const muir_status st = set_value(ctx, loader, section, option, node);
        if (st != MUIR_OK) return st;
    }
    return MUIR_OK;
}

/* A section that stands twice would be put together from two places without a word. */
static muir_status check_section(muir_ctx *ctx, const muir_loader *loader, const muir_yaml_tree *tree,
                                 const muir_yaml_node *mapping, const muir_yaml_node *node)
{
    if (node->kind != MUIR_YAML_MAPPING)
        return muir_fail(ctx, MUIR_ERR_ARG, "%s:%d: '%s' must hold keys of its own, such as %s: {...}",
                         loader->path, node->line, node->key, node->key);
    const muir_yaml_node *first = muir_yaml_tree_child(tree, mapping, node->key);
    if (first != node)
        return muir_fail(ctx, MUIR_ERR_ARG, "%s:%d: key '%s' is given twice, first in line %d", loader->path,
                         node->line, node->key, first->line);
    return MUIR_OK;
}

muir_status muir_yaml_apply(muir_ctx *ctx, muir_loader *loader, const muir_yaml_tree *tree,
                            const muir_yaml_node *mapping)
{
    muir_status st = MUIR_OK;
    char where[WHERE_SIZE];
    for (int i = mapping->first; i >= 0; i = tree->nodes[i].next) {
        const muir_yaml_node *node = &tree->nodes[i];
        const muir_section *section = NULL;
        const muir_option *option = option_of(loader->schema, "", node->key, &section);
        snprintf(where, sizeof where, "%s:%d", loader->path, node->line);
        if (option) {
            MUIR_TRY(set_value(ctx, loader, section, option, node));
        } else if (is_section(loader->schema, node->key)) {
            MUIR_TRY(check_section(ctx, loader, tree, mapping, node));
            MUIR_TRY(set_section(ctx, loader, tree, node, node->key));
        } else {
            MUIR_TRY(fail_unknown(ctx, loader->schema, loader->schema, where, node->key));
        }
    }
done:
    return st;
}

muir_status muir_yaml_begin(muir_ctx *ctx, const muir_schema *schema, const char *path, void *file,
                            muir_loader *loader)
{
    memset(loader, 0, sizeof *loader);
    loader->schema = schema;
    loader->file = file;
    snprintf(loader->path, sizeof loader->path, "%s", path);
    return muir_schema_defaults(ctx, schema, file);
}

bool muir_yaml_is_given(const muir_loader *loader, const char *key)
{
    const muir_section *section = NULL;
    const muir_option *option = muir_schema_find(loader->schema, key, &section);
    return option && loader->given[index_of(loader->schema, section, option)] != 0;
}

muir_status muir_yaml_load(muir_ctx *ctx, const muir_schema *schema, const char *path, void *file,
                           muir_loader *loader)
{
    muir_status st = MUIR_OK;
    muir_yaml_tree tree = {NULL, 0, 0};
    MUIR_TRY(muir_yaml_begin(ctx, schema, path, file, loader));
    MUIR_TRY(muir_yaml_tree_read(ctx, path, &tree));
    MUIR_TRY(muir_yaml_apply(ctx, loader, &tree, &tree.nodes[0]));
done:
    muir_yaml_tree_free(&tree);
    return st;
}

muir_status muir_yaml_override(muir_ctx *ctx, muir_loader *loader, const char *key, const char *value,
                               const char *where)
{
    const muir_section *section = NULL;
    const muir_option *option = muir_schema_find(loader->schema, key, &section);
    if (!option) return fail_unknown(ctx, loader->schema, NULL, where, key);
    const muir_status st = muir_option_set(ctx, where, section, option, value, loader->file);
    if (st == MUIR_OK) loader->given[index_of(loader->schema, section, option)] = -1;
    return st;
}

void muir_yaml_inherit(muir_loader *loader, const muir_loader *from, bool (*is_own)(const char *key))
{
    for (int s = 0; s < loader->schema->n_sections; s++) {
        const muir_section *section = &loader->schema->sections[s];
        for (int i = 0; i < section->n_options; i++) {
            const muir_option *option = &section->options[i];
            const int index = index_of(loader->schema, section, option);
            if (loader->given[index] != 0 || (section->name[0] == '\0' && is_own(option->name))) continue;
            muir_option_copy(section, option, from->file, loader->file);
            loader->given[index] = from->given[index] != 0 ? -1 : 0;
        }
    }
}

muir_status muir_yaml_finish(muir_ctx *ctx, const muir_loader *loader)
{
    for (int s = 0; s < loader->schema->n_sections; s++) {
        const muir_section *section = &loader->schema->sections[s];
        for (int i = 0; i < section->n_options; i++) {
            const muir_option *option = &section->options[i];
            if (option->initial || loader->given[index_of(loader->schema, section, option)] != 0) continue;
            char key[2 * MUIR_NAME_SIZE];
            muir_option_path(section, option, key, sizeof key);
            return muir_fail(ctx, MUIR_ERR_ARG, "%s: key '%s' is missing: %s%s%s%s", loader->path, key,
                             option->help, option->units[0] ? " [" : "", option->units,
                             option->units[0] ? "]" : "");
        }
    }
    return MUIR_OK;
}
