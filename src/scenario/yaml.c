/* SPDX-License-Identifier: BSD-3-Clause */
/* libcyaml holds a file against the schema; libyaml's document tells on which line a key stands. */
#include "scenario/yaml.h"

#include <cyaml/cyaml.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/text.h"
#include "scenario/version.h"

enum { LOG_SIZE = 2048, MAX_FIELDS = MUIR_MAX_OPTIONS + 1, MAX_SECTIONS = 16 };

/* libcyaml's schema, made from ours: every value is read as text, which the option's row then checks. The raw
 * file is an array of pointers: one text per top-level option, one pointer per section to its own array of
 * texts. */
typedef struct raw_schema {
    cyaml_schema_field_t top[MAX_FIELDS];
    cyaml_schema_field_t sections[MAX_SECTIONS][MAX_FIELDS];
    cyaml_schema_value_t value;
} raw_schema;

static cyaml_schema_field_t text_field(const char *key, size_t index)
{
    return (cyaml_schema_field_t){
        .key = key,
        .data_offset = (uint32_t)(index * sizeof(char *)),
        .value = {.type = CYAML_STRING,
                  .flags = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                  .data_size = sizeof(char),
                  .string = {.min = 0, .max = 1 << 20}},
    };
}

static cyaml_schema_field_t mapping_field(const char *key, size_t index, const cyaml_schema_field_t *fields,
                                          int n)
{
    return (cyaml_schema_field_t){
        .key = key,
        .data_offset = (uint32_t)(index * sizeof(char *)),
        .value = {.type = CYAML_MAPPING,
                  .flags = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                  .data_size = (uint32_t)((size_t)n * sizeof(char *)),
                  .mapping = {.fields = fields}},
    };
}

static void make_raw_schema(const muir_schema *schema, raw_schema *raw)
{
    memset(raw, 0, sizeof *raw);
    size_t n_top = 0;
    for (int s = 0; s < schema->n_sections; s++) {
        const muir_section *section = &schema->sections[s];
        cyaml_schema_field_t *fields = raw->sections[s];
        for (int i = 0; i < section->n_options; i++) {
            if (section->name[0])
                fields[i] = text_field(section->options[i].name, (size_t)i);
            else
                raw->top[n_top] = text_field(section->options[i].name, n_top), n_top++;
        }
        if (section->name[0])
            raw->top[n_top] = mapping_field(section->name, n_top, fields, section->n_options), n_top++;
    }
    raw->value = (cyaml_schema_value_t){.type = CYAML_MAPPING,
                                        .flags = CYAML_FLAG_POINTER,
                                        .data_size = (uint32_t)(n_top * sizeof(char *)),
                                        .mapping = {.fields = raw->top}};
}

/* Lines. */

static yaml_node_t *value_of(yaml_document_t *document, yaml_node_t *mapping, const char *key, size_t length,
                             size_t *line)
{
    if (!mapping || mapping->type != YAML_MAPPING_NODE) return NULL;
    for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start; pair < mapping->data.mapping.pairs.top;
         pair++) {
        yaml_node_t *name = yaml_document_get_node(document, pair->key);
        if (name->type != YAML_SCALAR_NODE || name->data.scalar.length != length) continue;
        if (memcmp(name->data.scalar.value, key, length) != 0) continue;
        *line = name->start_mark.line + 1;
        return yaml_document_get_node(document, pair->value);
    }
    return NULL;
}

/* Line of the key "section.name" or "name", of the section if the name is not there, 1 if neither is. */
static size_t line_of(const char *text, size_t length, const char *key)
{
    size_t line = 1;
    yaml_parser_t parser;
    yaml_document_t document;
    if (!yaml_parser_initialize(&parser)) return line;
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    if (yaml_parser_load(&parser, &document)) {
        yaml_node_t *node = yaml_document_get_root_node(&document);
        for (const char *p = key; node && *p;) {
            const size_t n = strcspn(p, ".");
            node = value_of(&document, node, p, n, &line);
            p += n + (p[n] == '.');
        }
        yaml_document_delete(&document);
    }
    yaml_parser_delete(&parser);
    return line;
}

static muir_status check_syntax(muir_ctx *ctx, const char *path, const char *text, size_t length)
{
    muir_status st = MUIR_OK;
    yaml_parser_t parser;
    yaml_document_t document;
    if (!yaml_parser_initialize(&parser)) return muir_fail(ctx, MUIR_ERR_MEM, "no memory to read %s", path);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    if (yaml_parser_load(&parser, &document)) {
        const yaml_node_t *root = yaml_document_get_root_node(&document);
        if (!root)
            st = muir_fail(ctx, MUIR_ERR_ARG, "%s: the file is empty", path);
        else if (root->type != YAML_MAPPING_NODE)
            st = muir_fail(ctx, MUIR_ERR_ARG, "%s:%zu: expected lines of `key: value`", path,
                           root->start_mark.line + 1);
        yaml_document_delete(&document);
    } else {
        st = muir_fail(ctx, MUIR_ERR_ARG, "%s:%zu: not YAML: %s", path, parser.problem_mark.line + 1,
                       parser.problem);
    }
    yaml_parser_delete(&parser);
    return st;
}

/* Errors of structure. */

static void keep_log(cyaml_log_t level, void *kept, const char *format, va_list args)
{
    char *log = kept;
    const size_t used = strlen(log);
    (void)level;
    vsnprintf(log + used, LOG_SIZE - used, format, args);
}

/* Copies what stands between `before` and `after` in text, "" if it is not there. */
static const char *between(const char *text, const char *before, const char *after, char *out, size_t size)
{
    const char *start = strstr(text, before);
    out[0] = '\0';
    if (!start) return NULL;
    start += strlen(before);
    snprintf(out, size, "%.*s", (int)strcspn(start, after), start);
    return start;
}

static const char *suggest(const muir_schema *schema, const char *section, const char *key)
{
    const char *names[MAX_FIELDS + MAX_SECTIONS];
    int n = 0;
    for (int s = 0; s < schema->n_sections; s++) {
        if (section[0] == '\0' && schema->sections[s].name[0]) names[n++] = schema->sections[s].name;
        if (strcmp(schema->sections[s].name, section) != 0) continue;
        for (int i = 0; i < schema->sections[s].n_options; i++)
            names[n++] = schema->sections[s].options[i].name;
    }
    return muir_closest(key, names, n);
}

static muir_status fail_unknown(muir_ctx *ctx, const muir_schema *schema, const char *where,
                                const char *section, const char *key)
{
    const char *meant = suggest(schema, section, key);
    return muir_fail(ctx, MUIR_ERR_ARG, "%s: unknown key '%s%s%s'%s%s%s (muir help %s lists the keys)", where,
                     section, section[0] ? "." : "", key, meant ? ", did you mean '" : "", meant ? meant : "",
                     meant ? "'?" : "", schema->kind);
}

/* One sentence from libcyaml's log, which reads
 *     Load: Unexpected key: modle / Load: Backtrace: / in mapping field 'parallel' (line: 2, column: 3) .. */
static muir_status fail_structure(muir_ctx *ctx, const muir_loader *loader, const char *text, size_t length,
                                  const char *log)
{
    char key[MUIR_NAME_SIZE], field[MUIR_NAME_SIZE], outer[MUIR_NAME_SIZE], path[3 * MUIR_NAME_SIZE],
        where[MUIR_PATH_SIZE + 32];
    const char *rest = between(log, "in mapping field '", "'", field, sizeof field);
    between(rest ? rest : "", "in mapping field '", "'", outer, sizeof outer);
    if (between(log, "Unexpected key: ", "\n", key, sizeof key)) {
        snprintf(path, sizeof path, "%s%s%s", field, field[0] ? "." : "", key);
        snprintf(where, sizeof where, "%s:%zu", loader->path, line_of(text, length, path));
        return fail_unknown(ctx, loader->schema, where, field, key);
    }
    snprintf(path, sizeof path, "%s%s%s", outer, outer[0] ? "." : "", field);
    snprintf(where, sizeof where, "%s:%zu", loader->path, line_of(text, length, path));
    if (strstr(log, "already seen"))
        return muir_fail(ctx, MUIR_ERR_ARG, "%s: key '%s' is given twice", where, path);
    if (strstr(log, "Expecting MAPPING"))
        return muir_fail(ctx, MUIR_ERR_ARG, "%s: '%s' must hold keys of its own, such as %s: {...}", where,
                         path, path);
    if (strstr(log, "Expecting STRING"))
        return muir_fail(ctx, MUIR_ERR_ARG, "%s: '%s' must be a single value", where, path);
    return muir_fail(ctx, MUIR_ERR_ARG, "%s: %.*s", where, (int)strcspn(log, "\n"), log);
}

/* Values. */

static int index_of(const muir_schema *schema, const muir_section *section, const muir_option *option)
{
    int before = 0;
    for (const muir_section *s = schema->sections; s < section; s++) before += s->n_options;
    return before + (int)(option - section->options);
}

static muir_status set_texts(muir_ctx *ctx, muir_loader *loader, void *raw, const char *text, size_t length)
{
    void **top = raw;
    size_t n_top = 0;
    for (int s = 0; s < loader->schema->n_sections; s++) {
        const muir_section *section = &loader->schema->sections[s];
        char **values = (char **)(section->name[0] ? top[n_top++] : NULL);
        for (int i = 0; i < section->n_options; i++) {
            const char *value = section->name[0] ? (values ? values[i] : NULL) : top[n_top++];
            if (!value) continue;
            char key[2 * MUIR_NAME_SIZE], where[MUIR_PATH_SIZE + 32];
            muir_option_path(section, &section->options[i], key, sizeof key);
            snprintf(where, sizeof where, "%s:%zu", loader->path, line_of(text, length, key));
            const muir_status st =
                muir_option_set(ctx, where, section, &section->options[i], value, loader->file);
            if (st != MUIR_OK) return st;
            loader->is_given[index_of(loader->schema, section, &section->options[i])] = true;
        }
    }
    return MUIR_OK;
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
    return option && loader->is_given[index_of(loader->schema, section, option)];
}

muir_status muir_yaml_load(muir_ctx *ctx, const muir_schema *schema, const char *path, void *file,
                           muir_loader *loader)
{
    muir_status st = MUIR_OK;
    char *text = NULL, log[LOG_SIZE] = "";
    size_t length = 0;
    raw_schema raw;
    void *loaded = NULL;
    const cyaml_config_t config = {.log_fn = keep_log,
                                   .log_ctx = log,
                                   .log_level = CYAML_LOG_ERROR,
                                   .mem_fn = cyaml_mem,
                                   .flags = CYAML_CFG_NO_ALIAS};
    make_raw_schema(schema, &raw);
    MUIR_TRY(muir_yaml_begin(ctx, schema, path, file, loader));
    MUIR_TRY(muir_text_read(ctx, path, &text, &length));
    MUIR_TRY(check_syntax(ctx, path, text, length));
    if (cyaml_load_data((const uint8_t *)text, length, &config, &raw.value, &loaded, NULL) != CYAML_OK)
        MUIR_TRY(fail_structure(ctx, loader, text, length, log));
    MUIR_TRY(set_texts(ctx, loader, loaded, text, length));
done:
    cyaml_free(&config, &raw.value, loaded, 0);
    free(text);
    return st;
}

muir_status muir_yaml_override(muir_ctx *ctx, muir_loader *loader, const char *key, const char *value,
                               const char *where)
{
    const muir_section *section = NULL;
    const muir_option *option = muir_schema_find(loader->schema, key, &section);
    if (!option) {
        char name[MUIR_NAME_SIZE];
        const char *dot = strchr(key, '.');
        snprintf(name, sizeof name, "%.*s", dot ? (int)(dot - key) : 0, key);
        return fail_unknown(ctx, loader->schema, where, name, dot ? dot + 1 : key);
    }
    const muir_status st = muir_option_set(ctx, where, section, option, value, loader->file);
    if (st == MUIR_OK) loader->is_given[index_of(loader->schema, section, option)] = true;
    return st;
}

muir_status muir_yaml_finish(muir_ctx *ctx, const muir_loader *loader)
{
    for (int s = 0; s < loader->schema->n_sections; s++) {
        const muir_section *section = &loader->schema->sections[s];
        for (int i = 0; i < section->n_options; i++) {
            const muir_option *option = &section->options[i];
            if (option->initial || loader->is_given[index_of(loader->schema, section, option)]) continue;
            char key[2 * MUIR_NAME_SIZE];
            muir_option_path(section, option, key, sizeof key);
            return muir_fail(ctx, MUIR_ERR_ARG, "%s: key '%s' is missing: %s%s%s%s", loader->path, key,
                             option->help, option->units[0] ? " [" : "", option->units,
                             option->units[0] ? "]" : "");
        }
    }
    return MUIR_OK;
}

const char *muir_yaml_version(void)
{
    return cyaml_version_str;
}
