/* SPDX-License-Identifier: BSD-3-Clause */
/* libyaml's events, put together to a tree. */
#include "base/yaml_tree.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/text.h"

enum {
    MOST_DEPTH = 8, /* the deepest file of muir's own has three levels */
    MOST_NODES = 4000000,
};

/* An open mapping or sequence. */
typedef struct level {
    int node, last; /* itself and its last child, -1: none yet */
    char *key;      /* of the value that comes next, NULL: a key comes next */
    int key_line;
} level;

typedef struct reader {
    muir_ctx *ctx;
    const char *path;
    muir_yaml_tree *tree;
    level levels[MOST_DEPTH];
    int depth;
} reader;

static int line_of(const yaml_event_t *event)
{
    return (int)event->start_mark.line + 1;
}

static muir_status fail_memory(const reader *r)
{
    return muir_fail(r->ctx, MUIR_ERR_MEM, "no memory to read %s", r->path);
}

/* Appends a node and links it to the open mapping or sequence. */
static muir_status add_node(reader *r, muir_yaml_kind kind, int line, int *index)
{
    muir_yaml_tree *tree = r->tree;
    level *parent = r->depth > 0 ? &r->levels[r->depth - 1] : NULL;
    if (tree->n == MOST_NODES)
        return muir_fail(r->ctx, MUIR_ERR_ARG, "%s:%d: more than %d values", r->path, line, (int)MOST_NODES);
    if (tree->n == tree->room) {
        const int room = tree->room ? 2 * tree->room : 64;
        muir_yaml_node *nodes = realloc(tree->nodes, (size_t)room * sizeof *nodes);
        if (!nodes) return fail_memory(r);
        tree->nodes = nodes;
        tree->room = room;
    }
    *index = tree->n++;
    tree->nodes[*index] = (muir_yaml_node){kind, line, NULL, NULL, -1, -1};
    if (!parent) return MUIR_OK;
    if (parent->key) {
        tree->nodes[*index].key = parent->key; /* the tree owns it from here on */
        tree->nodes[*index].line = parent->key_line;
        parent->key = NULL;
    }
    if (parent->last < 0)
        tree->nodes[parent->node].first = *index;
    else
        tree->nodes[parent->last].next = *index;
    parent->last = *index;
    return MUIR_OK;
}

static bool is_key_next(const reader *r)
{
    const level *l = r->depth > 0 ? &r->levels[r->depth - 1] : NULL;
    return l && r->tree->nodes[l->node].kind == MUIR_YAML_MAPPING && !l->key;
}

static muir_status add_scalar(reader *r, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    const int line = line_of(event);
    int index = 0;
    if (strlen(text) != event->data.scalar.length)
        return muir_fail(r->ctx, MUIR_ERR_ARG, "%s:%d: a text holds a zero byte", r->path, line);
    char *copy = strdup(text);
    if (!copy) return fail_memory(r);
    if (is_key_next(r)) {
        level *l = &r->levels[r->depth - 1];
        l->key = copy;
        l->key_line = line;
        return MUIR_OK;
    }
    const muir_status st = add_node(r, MUIR_YAML_SCALAR, line, &index);
    if (st == MUIR_OK)
        r->tree->nodes[index].text = copy;
    else
        free(copy);
    return st;
}

static muir_status open_level(reader *r, muir_yaml_kind kind, const yaml_event_t *event)
{
    const int line = line_of(event);
    int index = 0;
    if (is_key_next(r))
        return muir_fail(r->ctx, MUIR_ERR_ARG, "%s:%d: a key must be a word, not a list or a mapping",
                         r->path, line);
    if (r->depth == MOST_DEPTH)
        return muir_fail(r->ctx, MUIR_ERR_ARG, "%s:%d: nested more than %d levels deep", r->path, line,
                         (int)MOST_DEPTH);
    const muir_status st = add_node(r, kind, line, &index);
    if (st == MUIR_OK) r->levels[r->depth++] = (level){index, -1, NULL, 0};
    return st;
}

/* Anchors without an alias name what nobody asks for; a tag asks for another reading of a value. */
static bool has_tag(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT: return event->data.scalar.tag != NULL;
    case YAML_MAPPING_START_EVENT: return event->data.mapping_start.tag != NULL;
    case YAML_SEQUENCE_START_EVENT: return event->data.sequence_start.tag != NULL;
    default: return false;
    }
}

static muir_status take(reader *r, const yaml_event_t *event)
{
    if (has_tag(event))
        return muir_fail(r->ctx, MUIR_ERR_ARG, "%s:%d: tags (!...) are not supported: write the value alone",
                         r->path, line_of(event));
    switch (event->type) {
    case YAML_SCALAR_EVENT: return add_scalar(r, event);
    case YAML_MAPPING_START_EVENT: return open_level(r, MUIR_YAML_MAPPING, event);
    case YAML_SEQUENCE_START_EVENT: return open_level(r, MUIR_YAML_SEQUENCE, event);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT: r->depth--; return MUIR_OK;
    case YAML_ALIAS_EVENT:
        return muir_fail(r->ctx, MUIR_ERR_ARG,
                         "%s:%d: aliases (*%s) are not supported: write the value itself", r->path,
                         line_of(event), muir_quote((const char *)event->data.alias.anchor).s);
    case YAML_DOCUMENT_START_EVENT:
        if (r->tree->n == 0) return MUIR_OK;
        return muir_fail(r->ctx, MUIR_ERR_ARG, "%s:%d: a second document starts here; a file holds one",
                         r->path, line_of(event));
    default: return MUIR_OK;
    }
}

/* Mistakes of bytes (no UTF-8, control characters) come with an offset, those of grammar with a line. */
static muir_status fail_syntax(const reader *r, const yaml_parser_t *parser, const char *text, size_t length)
{
    size_t line = parser->problem_mark.line + 1;
    if (parser->error == YAML_MEMORY_ERROR) return fail_memory(r);
    if (parser->error == YAML_READER_ERROR) {
        line = 1;
        for (size_t i = 0; i < parser->problem_offset && i < length; i++) line += text[i] == '\n';
    }
    return muir_fail(r->ctx, MUIR_ERR_ARG, "%s:%zu: not YAML: %s", r->path, line, parser->problem);
}

static muir_status read_events(reader *r, yaml_parser_t *parser, const char *text, size_t length)
{
    bool is_end = false;
    while (!is_end) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event)) return fail_syntax(r, parser, text, length);
        const muir_status st = take(r, &event);
        is_end = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
        if (st != MUIR_OK) return st;
    }
    if (r->tree->n == 0) return muir_fail(r->ctx, MUIR_ERR_ARG, "%s: the file is empty", r->path);
    if (r->tree->nodes[0].kind != MUIR_YAML_MAPPING)
        return muir_fail(r->ctx, MUIR_ERR_ARG, "%s:%d: expected lines of `key: value`", r->path,
                         r->tree->nodes[0].line);
    return MUIR_OK;
}

muir_status muir_yaml_tree_read(muir_ctx *ctx, const char *path, muir_yaml_tree *tree)
{
    muir_status st = MUIR_OK;
    reader r = {.ctx = ctx, .path = path, .tree = tree};
    char *text = NULL;
    size_t length = 0;
    yaml_parser_t parser;
    *tree = (muir_yaml_tree){NULL, 0, 0};
    st = muir_text_read(ctx, path, &text, &length);
    if (st != MUIR_OK) return st;
    if (yaml_parser_initialize(&parser)) {
        yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
        st = read_events(&r, &parser, text, length);
        yaml_parser_delete(&parser);
    } else {
        st = fail_memory(&r);
    }
    for (int i = 0; i < r.depth; i++) free(r.levels[i].key); /* of values that never came */
    free(text);
    return st;
}

void muir_yaml_tree_free(muir_yaml_tree *tree)
{
    for (int i = 0; i < tree->n; i++) {
        free(tree->nodes[i].key);
        free(tree->nodes[i].text);
    }
    free(tree->nodes);
    *tree = (muir_yaml_tree){NULL, 0, 0};
}

const muir_yaml_node *muir_yaml_tree_child(const muir_yaml_tree *tree, const muir_yaml_node *mapping,
                                           const char *key)
{
    if (mapping->kind != MUIR_YAML_MAPPING) return NULL;
    for (int i = mapping->first; i >= 0; i = tree->nodes[i].next)
        if (strcmp(tree->nodes[i].key, key) == 0) return &tree->nodes[i];
    return NULL;
}

const char *muir_yaml_version(void)
{
    return yaml_get_version_string();
}
